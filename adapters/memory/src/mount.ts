import type { DiskAction, MemoryDisk } from './disk.js';
import { DiskError, isMissing } from './fs-fault.js';
import { childOf } from './power.js';
import type { MemoryProcess } from './process.js';

export const parentOf = (path: string): string => path.slice(0, path.lastIndexOf('/')) || '/';

/** A disk as one process sees it: each call is one step of that process, may fail as ordered, and never returns once the process is dead. */
export class Mount {
  private readonly paths = new Map<number, string>();

  constructor(
    readonly disk: MemoryDisk,
    readonly process: MemoryProcess,
  ) {}

  private act<T>(action: DiskAction, path: string, work: () => T, tear?: () => void): Promise<T> {
    return this.process.step(
      () => {
        this.disk.judge(action, path);
        if (action !== 'read') this.disk.changed(path);
        return work();
      },
      tear &&
        (() => {
          this.disk.changed(path);
          tear();
        }),
    );
  }

  names(path: string): Promise<string[]> {
    return this.act('read', path, () => {
      try {
        return (this.disk.volume.readdirSync(path) as string[]).sort();
      } catch (error) {
        if (isMissing(error)) return [];
        throw error;
      }
    });
  }

  /** Regular files below a folder with their lengths, by name relative to it, segments joined by `/`. */
  filesIn(path: string): Promise<Map<string, number>> {
    return this.act('read', path, () => {
      const files = new Map<string, number>();
      const visit = (folder: string, prefix: string) => {
        if (!this.disk.volume.existsSync(folder)) return;
        for (const name of (this.disk.volume.readdirSync(folder) as string[]).sort()) {
          const stat = this.disk.volume.lstatSync(childOf(folder, name));
          if (stat.isDirectory()) visit(childOf(folder, name), `${prefix}${name}/`);
          else files.set(prefix + name, Number(stat.size));
        }
      };
      visit(path, '');
      return files;
    });
  }

  read(path: string): Promise<Uint8Array> {
    return this.act('read', path, () => new Uint8Array(this.disk.volume.readFileSync(path) as Uint8Array));
  }

  /** Opens for reading and writing; makes the file if it is not there. */
  open(path: string): Promise<number> {
    return this.act('make', path, () => {
      const fd = this.disk.volume.openSync(path, this.disk.volume.existsSync(path) ? 'r+' : 'w+', 0o600);
      this.paths.set(fd, path);
      return fd;
    });
  }

  size(fd: number): Promise<number> {
    return this.act('read', this.pathOf(fd), () => Number(this.disk.volume.fstatSync(fd).size));
  }

  /** Tells a file from another that bears its name. */
  inode(fd: number): number {
    return Number(this.disk.volume.fstatSync(fd).ino);
  }

  /**
   * Writes, as write(2) does: gives how many bytes it took, which may be fewer than it was given. A full disk takes what fits and only then says so;
   * a write that fails has put half of its bytes.
   */
  write(fd: number, bytes: Uint8Array, position: number): Promise<number> {
    const path = this.pathOf(fd);
    const put = (length: number): number => {
      if (length > 0) this.disk.volume.writeSync(fd, bytes, 0, length, position);
      return length;
    };
    const half = () => void put(bytes.length >> 1);
    return this.process.step(() => {
      try {
        this.disk.judge('write', path);
      } catch (error) {
        half();
        throw error;
      }
      const end = Number(this.disk.volume.fstatSync(fd).size);
      const room = Math.max(0, end - position) + this.disk.freeBytes();
      if (bytes.length > 0 && room <= 0) throw new DiskError('ENOSPC', 'ENOSPC: no space left on device, write');
      return put(Math.min(room, this.disk.isShort(path) ? Math.ceil(bytes.length / 2) : bytes.length));
    }, half);
  }

  /** Writes until all is written, or says why not. */
  async writeFully(fd: number, bytes: Uint8Array, position: number): Promise<void> {
    let done = 0;
    do done += await this.write(fd, bytes.subarray(done), position + done);
    while (done < bytes.length);
  }

  truncate(fd: number, length: number): Promise<void> {
    return this.act('write', this.pathOf(fd), () => this.disk.volume.ftruncateSync(fd, length));
  }

  /** Makes the bytes of an open file durable; its name is durable when its folder is. */
  sync(fd: number): Promise<void> {
    return this.act('sync', this.pathOf(fd), () => this.disk.durable.syncFile(this.pathOf(fd)));
  }

  syncFolder(path: string): Promise<void> {
    return this.act('sync', path, () => this.disk.durable.syncFolder(path));
  }

  close(fd: number): Promise<void> {
    return this.process.step(() => {
      this.disk.volume.closeSync(fd);
      this.paths.delete(fd);
    });
  }

  private pathOf(fd: number): string {
    return this.paths.get(fd) ?? '';
  }

  /** Makes a folder and its missing parents, each durable in its parent. (memfs's recursive mkdir does not tell which it made.) */
  async makeFolder(path: string): Promise<void> {
    const missing: string[] = [];
    for (let each = path; each !== '/' && !(await this.exists(each)); each = parentOf(each)) missing.unshift(each);
    for (const folder of missing) {
      await this.act('make', folder, () => {
        if (!this.disk.volume.existsSync(folder)) this.disk.volume.mkdirSync(folder, { mode: 0o700 });
      });
    }
    for (const folder of missing.toReversed()) await this.syncFolder(parentOf(folder));
  }

  private exists(path: string): Promise<boolean> {
    return this.act('read', path, () => this.disk.volume.existsSync(path));
  }

  rename(from: string, to: string): Promise<void> {
    return this.act('rename', to, () => {
      this.replace(from, to);
      this.disk.volume.renameSync(from, to);
      this.disk.changed(from);
    });
  }

  /** What rename(2) puts another in the place of: a file, or a folder without anything in it. memfs would replace all. */
  private replace(from: string, to: string): void {
    const { volume, durable } = this.disk;
    if (from === to || !volume.existsSync(from) || !volume.existsSync(to)) return;
    const refuse = (code: string) => new DiskError(code, `${code}: rename ${from} to ${to}`);
    const isFolder = volume.lstatSync(to).isDirectory();
    if (volume.lstatSync(from).isDirectory() !== isFolder) throw refuse(isFolder ? 'EISDIR' : 'ENOTDIR');
    if (isFolder && volume.readdirSync(to).length > 0) throw refuse('ENOTEMPTY');
    durable.forget(to);
  }

  /** Removes a file, or a folder with all that is in it; quiet if there is nothing. */
  remove(path: string): Promise<void> {
    const drop = (victim: string) => {
      this.disk.durable.forget(victim);
      this.disk.volume.rmSync(victim, { recursive: true, force: true });
    };
    const work = () => {
      if (this.disk.volume.existsSync(path)) drop(path);
    };
    // Removing a folder takes time: who dies on the way has removed the first of its files.
    const tear = () => {
      const [first] = this.disk.files(path).keys();
      if (first !== undefined) drop(first);
    };
    return this.act('remove', path, work, tear);
  }
}
