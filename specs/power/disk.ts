/**
 * A disk whose power can be cut: a file that is mounted as a file system of its own. `cut` is the kernel's forced shutdown: what was not
 * flushed by then never was. Whatever becomes of the process that made it, also SIGKILL, the disk is unmounted and its file removed.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const FILE_SYSTEMS = ['xfs', 'ext4'] as const;
export type FileSystem = (typeof FILE_SYSTEMS)[number];

/** A little more than XFS asks for at least. */
const DISK_BYTES = 320 * 1024 * 1024;

/** Waits until its stdin ends, as it does when whoever started it is dead, and cleans up. In a session of its own: Ctrl-C is not for it. */
const KEEPER = 'trap "" HUP INT TERM; cat >/dev/null; umount -l "$1/mount"; umount -l "$1"; rmdir "$1"';

const run = (program: string, ...words: readonly string[]): void => {
  execFileSync(program, words, { stdio: ['ignore', 'ignore', 'pipe'] });
};

/** Programs that are not here, by the Debian package that brings each. */
export function missingPackages(): readonly string[] {
  const needed = [
    ['mkfs.xfs', 'xfsprogs'],
    ['xfs_io', 'xfsprogs'],
    ['mkfs.ext4', 'e2fsprogs'],
    ['eatmydata', 'eatmydata'],
  ] as const;
  const missing = needed.filter(([program]) => {
    try {
      run('sh', '-c', 'command -v "$1"', 'sh', program);
      return false;
    } catch {
      return true;
    }
  });
  return [...new Set(missing.map(([, name]) => name))];
}

/** Why no disk can be mounted here, or undefined if one can. */
export async function lackOfDisks(): Promise<string | undefined> {
  try {
    await using disk = await PowerDisk.make('ext4');
    disk.cut();
    return undefined;
  } catch (error) {
    return `no disk can be made and mounted here: ${(error as Error).message.trim().split('\n').join(' ')}`;
  }
}

export class PowerDisk implements AsyncDisposable {
  private constructor(
    private readonly image: string,
    /** Where it is mounted. */
    readonly dir: string,
    private readonly keeper: ChildProcess,
  ) {}

  static async make(fileSystem: FileSystem): Promise<PowerDisk> {
    const root = await mkdtemp(join(tmpdir(), 'lading-power-'));
    const image = join(root, 'disk.img');
    const dir = join(root, 'mount');
    const keeper = spawn('sh', ['-c', KEEPER, 'sh', root], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    try {
      await once(keeper, 'spawn');
    } catch (error) {
      await rm(root, { recursive: true, force: true });
      throw error;
    }
    const disk = new PowerDisk(image, dir, keeper);
    try {
      // In memory: what the file system flushes is safe from the cut, and waiting for a real disk would prove nothing more.
      run('mount', '-t', 'tmpfs', '-o', `size=${DISK_BYTES + 16 * 1024 * 1024}`, 'tmpfs', root);
      await mkdir(dir);
      run('truncate', '-s', String(DISK_BYTES), image);
      run(`mkfs.${fileSystem}`, '-q', image);
      disk.mount();
      return disk;
    } catch (error) {
      await disk[Symbol.asyncDispose]();
      throw error;
    }
  }

  private mount(): void {
    run('mount', '-o', 'loop', this.image, this.dir);
  }

  /** From here on nothing reaches the disk, and every call to it fails. */
  cut(): void {
    run('xfs_io', '-x', '-c', 'shutdown', this.dir);
  }

  /** Begins with what the disk holds and nothing that was in memory. Nobody may have a file of it open. */
  restart(): void {
    run('umount', this.dir);
    this.mount();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const gone = once(this.keeper, 'exit');
    this.keeper.stdin?.end();
    await gone;
  }
}
