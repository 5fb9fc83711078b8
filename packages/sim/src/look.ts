import type { Goods } from './goods.js';
import type { World } from './world.js';

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** Every edition of the goods that a world has had: what an older one installed stays right. */
export class Editions {
  private readonly seen: Goods[] = [];

  constructor(private readonly world: World) {}

  note(): void {
    if (!this.seen.includes(this.world.goods)) this.seen.push(this.world.goods);
  }

  private all(): readonly Goods[] {
    this.note();
    return this.seen;
  }

  /** Whether bytes are right for an installed file, in any edition or in that of one revision. */
  isRight(core: string, file: string, bytes: Uint8Array, revision?: string): boolean {
    return this.all().some((goods) => {
      const right = goods.right.get(core);
      if (right === undefined || (revision !== undefined && right.revision !== revision)) return false;
      const { contents = [], isProvable = true } = right.files.get(file) ?? {};
      return contents.some((content) => (isProvable ? sameBytes(content, bytes) : content.length === bytes.length));
    });
  }

  /** The names of the files of a core at a revision; null if no edition has it. */
  names(core: string, revision: string): readonly string[] | null {
    const right = this.all()
      .map((goods) => goods.right.get(core))
      .find((each) => each?.revision === revision);
    return right === undefined ? null : [...right.files.keys()];
  }

  /** Whether bytes are what a source of this core's file serves, in any edition. */
  isServed(core: string, file: string, bytes: Uint8Array): boolean {
    return this.all().some((goods) =>
      [...goods.sources.values()].some(
        (source) => source.core === core && source.file === file && sameBytes(source.bytes, bytes),
      ),
    );
  }
}

export interface FinalFile {
  readonly path: string;
  readonly core: string;
  readonly generation: string;
  readonly file: string;
  readonly bytes: Uint8Array;
}

/** Everything on the disk that stands under a final name. */
export function finalFiles(world: World): readonly FinalFile[] {
  const found: FinalFile[] = [];
  for (const [path, bytes] of world.disk.files('/depot/cores')) {
    const [core = '', generation = '', ...rest] = path.slice('/depot/cores/'.length).split('/');
    if (!generation.startsWith('.')) found.push({ path, core, generation, file: rest.join('/'), bytes });
  }
  return found;
}
