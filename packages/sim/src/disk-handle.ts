import type { DiskFault, MemoryDisk } from '@lading/memory';

const FILES = /\/(staging|cores)(\/|$)/;
const JOURNAL = /\/journal(\/|$)/;

/** The disk in the hands of a test. */
export class DiskHandle {
  private isFullNow = false;
  /** Installed files that were damaged behind the depot's back, by path. */
  readonly damaged = new Set<string>();

  constructor(readonly memory: MemoryDisk) {}

  get isFull(): boolean {
    return this.isFullNow;
  }

  /** From now on no byte of a model fits. The journal, which is small, still finds room, as it does on a disk that keeps a reserve. */
  fill(): void {
    if (this.isFullNow) return;
    this.isFullNow = true;
    this.memory.fail({ action: 'write', path: FILES, code: 'ENOSPC', times: Number.POSITIVE_INFINITY });
  }

  /** Somebody made room. Ends every other disorder of the disk too. */
  free(): void {
    this.heal();
  }

  /** Something goes wrong once, after so many actions of that kind that still go well. */
  fail(
    action: DiskFault['action'],
    code: string,
    options: { readonly where?: 'files' | 'journal'; readonly after?: number; readonly times?: number } = {},
  ): void {
    const path = options.where === 'journal' ? JOURNAL : FILES;
    this.memory.fail({ action, path, code, after: options.after ?? 0, times: options.times ?? 1 });
  }

  heal(): void {
    this.isFullNow = false;
    this.memory.heal();
  }

  /** Every file with its bytes, by path. */
  files(path = '/'): ReadonlyMap<string, Uint8Array> {
    return this.memory.files(path);
  }

  private intact(core: string): readonly [string, Uint8Array][] {
    return [...this.installed(core)].filter(([path, bytes]) => bytes.length > 0 && !this.damaged.has(path));
  }

  /** Turns over a bit of an installed file, as an old disk does. Returns its path, or null if there is none that is not damaged yet. */
  rot(core: string): string | null {
    const [victim] = this.intact(core);
    if (victim === undefined) return null;
    const [path, bytes] = victim;
    const rotten = Uint8Array.from(bytes);
    rotten[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    this.memory.overwrite(path, rotten);
    this.damaged.add(path);
    return path;
  }

  /** Takes an installed file away, as a person with a file manager does. Returns its path, or null. */
  lose(core: string): string | null {
    const [victim] = this.intact(core);
    if (victim === undefined) return null;
    const [path] = victim;
    this.memory.lose(path);
    this.damaged.add(path);
    return path;
  }

  /** The files of a core that stand under a final name. */
  installed(core: string): ReadonlyMap<string, Uint8Array> {
    const root = `/depot/cores/${core}/`;
    return new Map([...this.memory.files(`/depot/cores/${core}`)].filter(([path]) => !path.startsWith(`${root}.`)));
  }
}
