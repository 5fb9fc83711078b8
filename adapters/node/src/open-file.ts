import {
  close,
  closeSync,
  constants,
  fdatasync,
  fstat,
  fstatSync,
  ftruncate,
  openSync,
  read,
  type Stats,
  writev,
  writevSync,
} from 'node:fs';
import type { FileIdentity } from './written-note.js';

type Callback<T> = (error: Error | null, value: T) => void;

const done = <T>(begin: (callback: Callback<T>) => void): Promise<T> =>
  new Promise((resolve, reject) => begin((error, value) => (error === null ? resolve(value) : reject(error))));

/**
 * An open file. What the system does from memory alone is done at once: a turn of the thread pool costs many times what it takes to open a file,
 * and where there are a thousand small ones, more than everything else. What may wait for the disk waits in the pool.
 */
export class OpenFile {
  private isOpen = true;
  private identified: FileIdentity | null = null;

  private constructor(
    readonly fd: number,
    /** So small that its bytes are written at once. */
    private readonly isSmall: boolean,
  ) {}

  /** Never through a link. */
  static at(path: string, access: number, isSmall: boolean): OpenFile {
    return new OpenFile(openSync(path, access | constants.O_NOFOLLOW, 0o600), isSmall);
  }

  /** Its number may be another file's by now. */
  private mustBeOpen(): void {
    if (!this.isOpen) throw Object.assign(new Error('EBADF: the file is closed'), { code: 'EBADF' });
  }

  /** How many bytes were written: fewer than given, if the disk has no room for more. */
  async write(chunks: readonly Uint8Array[], at: number): Promise<number> {
    this.mustBeOpen();
    if (this.isSmall) return writevSync(this.fd, chunks as Uint8Array[], at);
    return await done<number>((callback) => writev(this.fd, chunks as Uint8Array[], at, callback));
  }

  async read(block: Uint8Array, length: number, at: number): Promise<number> {
    this.mustBeOpen();
    return await done<number>((callback) => read(this.fd, block, 0, length, at, callback));
  }

  async size(): Promise<number> {
    return (await done<Stats>((callback) => fstat(this.fd, callback))).size;
  }

  /** Which file it is, whatever its name is by now. */
  get identity(): FileIdentity {
    this.identified ??= fstatSync(this.fd);
    return this.identified;
  }

  async truncate(bytes: number): Promise<void> {
    this.mustBeOpen();
    await done<void>((callback) => ftruncate(this.fd, bytes, (error) => callback(error, undefined)));
  }

  /** What was written is durable, and the length of the file (fdatasync(2)). */
  async datasync(): Promise<void> {
    this.mustBeOpen();
    await done<void>((callback) => fdatasync(this.fd, (error) => callback(error, undefined)));
  }

  /** Once; a second time there is nothing to do. */
  async close(): Promise<void> {
    if (!this.isOpen) return;
    this.isOpen = false;
    if (this.isSmall) closeSync(this.fd);
    else await done<void>((callback) => close(this.fd, (error) => callback(error, undefined)));
  }
}
