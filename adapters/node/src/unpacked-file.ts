import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { corrupt, quoted } from './archive-error.js';

/** A file of the archive as it lies on the disk: synced, closed, and hashed while it was written. */
export interface ExtractedFile {
  /** Name below the target directory, segments joined by `/`. */
  readonly filename: string;
  readonly sizeBytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

// O_NOFOLLOW does not exist on Windows; there `wx` alone must do.
const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);

/**
 * Promise: one new file, never an existing one and never through a link; readable by its owner only until it is complete, and
 * read-only from then on. Refuses to end with another length than the archive declared.
 */
export class UnpackedFile {
  readonly name: string;
  readonly #declaredBytes: number;
  readonly #handle: FileHandle;
  readonly #hash = createHash('sha256');
  #writtenBytes = 0;
  #isClosed = false;

  private constructor(name: string, declaredBytes: number, handle: FileHandle) {
    this.name = name;
    this.#declaredBytes = declaredBytes;
    this.#handle = handle;
  }

  static async create(path: string, name: string, declaredBytes: number): Promise<UnpackedFile> {
    return new UnpackedFile(name, declaredBytes, await open(path, CREATE, 0o600));
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (this.#writtenBytes + chunk.length > this.#declaredBytes) throw this.#wrongLength('more');
    this.#hash.update(chunk);
    let done = 0;
    // A write may be short without an error; on a full disk only the next one fails.
    while (done < chunk.length) {
      const { bytesWritten } = await this.#handle.write(chunk, done, chunk.length - done, this.#writtenBytes);
      if (bytesWritten === 0) throw Object.assign(new Error(`EIO: wrote nothing to ${this.name}`), { code: 'EIO' });
      done += bytesWritten;
      this.#writtenBytes += bytesWritten;
    }
  }

  async seal(): Promise<ExtractedFile> {
    if (this.#writtenBytes !== this.#declaredBytes) throw this.#wrongLength(`${this.#writtenBytes}`);
    await this.#handle.chmod(0o444);
    await this.#handle.sync();
    this.#isClosed = true;
    await this.#handle.close();
    return { filename: this.name, sizeBytes: this.#writtenBytes, sha256: this.#hash.digest('hex') };
  }

  /** Lets go of an unfinished file. Whatever made it unfinished is the error that counts, so closing reports none. */
  async abandon(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#handle.close().catch(() => {});
  }

  #wrongLength(found: string): Error {
    return corrupt(`${quoted(this.name)}: expected ${this.#declaredBytes} bytes, found ${found}`);
  }
}
