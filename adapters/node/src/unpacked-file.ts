import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { GrowingFile } from '@lading/runtime/archive';

// O_NOFOLLOW does not exist on Windows; there `wx` alone must do.
const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0);

/**
 * Promise: one new file, never an existing one and never through a link; readable by its owner only until it is complete, and
 * read-only from then on.
 */
export class UnpackedFile implements GrowingFile {
  readonly name: string;
  readonly #handle: FileHandle;
  readonly #hash = createHash('sha256');
  #writtenBytes = 0;
  #isClosed = false;

  private constructor(name: string, handle: FileHandle) {
    this.name = name;
    this.#handle = handle;
  }

  static async create(path: string, name: string): Promise<UnpackedFile> {
    return new UnpackedFile(name, await open(path, CREATE, 0o600));
  }

  async write(chunk: Uint8Array): Promise<void> {
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

  async seal(): Promise<string> {
    await this.#handle.chmod(0o444);
    await this.#handle.sync();
    this.#isClosed = true;
    await this.#handle.close();
    return this.#hash.digest('hex');
  }

  /** Lets go of an unfinished file. Whatever made it unfinished is the error that counts, so closing reports none. */
  async abandon(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#handle.close().catch(() => {});
  }
}
