import { Volume } from 'memfs';

interface DurableFile {
  readonly type: 'file';
  content: Uint8Array;
}

interface DurableFolder {
  readonly type: 'folder';
  entries: ReadonlyMap<string, DurableNode>;
}

type DurableNode = DurableFile | DurableFolder;

const EMPTY: ReadonlyMap<string, DurableNode> = new Map();

export const childOf = (folder: string, name: string): string => (folder === '/' ? `/${name}` : `${folder}/${name}`);

/**
 * What of a volume would survive a power cut. memfs knows no such thing (its fsync does nothing), so it is kept beside it: of a file, the bytes
 * that were synced; of a folder, the names it had when it was synced. Stricter than most file systems, as XFS and LazyFS are (facts, section 0).
 */
export class Durable {
  private readonly nodes = new Map<number, DurableNode>();

  constructor(private readonly volume: Volume) {
    this.nodes.set(this.inode('/'), { type: 'folder', entries: EMPTY });
  }

  private inode(path: string): number {
    return Number(this.volume.lstatSync(path).ino);
  }

  private node(path: string): DurableNode {
    const inode = this.inode(path);
    const known = this.nodes.get(inode);
    if (known !== undefined) return known;
    const isFolder = this.volume.lstatSync(path).isDirectory();
    const fresh: DurableNode = isFolder
      ? { type: 'folder', entries: EMPTY }
      : { type: 'file', content: new Uint8Array(0) };
    this.nodes.set(inode, fresh);
    return fresh;
  }

  private names(path: string): string[] {
    return (this.volume.readdirSync(path) as string[]).sort();
  }

  private bytes(path: string): Uint8Array {
    return new Uint8Array(this.volume.readFileSync(path) as Uint8Array);
  }

  syncFile(path: string): void {
    const node = this.node(path);
    if (node.type === 'file') node.content = this.bytes(path);
  }

  syncFolder(path: string): void {
    const node = this.node(path);
    if (node.type === 'folder')
      node.entries = new Map(this.names(path).map((name) => [name, this.node(childOf(path, name))]));
  }

  /** The volume is about to drop these inodes, and will use their numbers again. */
  forget(path: string): void {
    if (this.volume.lstatSync(path).isDirectory())
      for (const name of this.names(path)) this.forget(childOf(path, name));
    this.nodes.delete(this.inode(path));
  }

  /** The volume as it is when the power comes back. With luck, a part of what was not synced is there nevertheless, or as zeros. */
  afterPowerCut(luck: (() => number) | null): Volume {
    const survivor = new Volume();
    this.restore(survivor, '/', this.node('/'), '/', luck);
    return survivor;
  }

  private restore(
    survivor: Volume,
    to: string,
    node: DurableNode,
    live: string | null,
    luck: (() => number) | null,
  ): void {
    if (node.type === 'file') return survivor.writeFileSync(to, this.contentOf(node, live, luck), { mode: 0o600 });
    survivor.mkdirSync(to, { recursive: true });
    const here = new Map(live === null ? [] : this.names(live).map((name) => [name, childOf(live, name)]));
    for (const name of new Set([...node.entries.keys(), ...here.keys()])) {
      const path = here.get(name) ?? null;
      const now = path === null ? undefined : this.node(path);
      const synced = node.entries.get(name);
      const kept = now !== synced && luck !== null && luck() < 0.5 ? now : synced;
      if (kept !== undefined) this.restore(survivor, childOf(to, name), kept, kept === now ? path : null, luck);
    }
  }

  private contentOf(file: DurableFile, live: string | null, luck: (() => number) | null): Uint8Array {
    if (live === null || luck === null || luck() < 0.5) return file.content;
    const now = this.bytes(live);
    if (luck() < 0.5) return now;
    // The length was written, the bytes were not: zeros (facts, section 0, LazyFS).
    const holed = new Uint8Array(now.length);
    holed.set(file.content.subarray(0, now.length));
    return holed;
  }

  /** All that is there becomes durable: a volume that was just brought back. */
  settle(path = '/'): void {
    if (!this.volume.lstatSync(path).isDirectory()) return this.syncFile(path);
    for (const name of this.names(path)) this.settle(childOf(path, name));
    this.syncFolder(path);
  }
}
