import { createHash, type Hash } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, type FileHandle, lstat, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { DigestAlgorithm, StagedFile, StageOptions } from '@lading/runtime';
import { makeDirectory, syncDirectory } from './durable.js';
import { guarded, isMissing } from './fs-fault.js';

/** Read size when a kept prefix is hashed again, bytes. */
const BLOCK_BYTES = 1024 * 1024;
/** From this size on the name itself is made durable with the first sync; smaller files are only fetched again. */
const NAME_SYNC_BYTES = 1024 * 1024;

/** A partial file: written in order, hashed on the way. Its length proves nothing; only what the journal says is durable counts. */
export class DiskStagedFile implements StagedFile {
  bytes = 0;
  private hashes: (readonly [DigestAlgorithm, Hash])[] = [];
  private isNameDurable = false;
  private poison: unknown = null;
  /** What went wrong with a write: from then on the digests know bytes that the file does not hold. */
  private astray: { readonly error: unknown } | null = null;

  private constructor(
    private readonly path: string,
    private handle: FileHandle,
    /** Another name of an installed file: read, never written, never cut. */
    private isLink: boolean,
    private readonly options: StageOptions,
  ) {}

  static async open(path: string, options: StageOptions): Promise<DiskStagedFile> {
    return await guarded('open', path, async () => {
      await makeDirectory(dirname(path));
      const isLink = await isWantedLink(path, options.bytes);
      const file = new DiskStagedFile(path, await openStaged(path, isLink), isLink, options);
      try {
        await file.adopt();
      } catch (error) {
        await file.handle.close();
        throw error;
      }
      return file;
    });
  }

  /** Keeps the prefix that is both wanted and there, and reads it again: a crash may have left zeros inside the length. */
  private async adopt(): Promise<void> {
    this.beginHashes();
    const { size } = await this.handle.stat();
    const keep = Math.min(this.options.bytes, size);
    if (size > keep) await this.handle.truncate(keep);
    const block = Buffer.allocUnsafe(Math.min(BLOCK_BYTES, Math.max(1, keep)));
    while (this.bytes < keep) {
      const { bytesRead } = await this.handle.read(block, 0, Math.min(block.length, keep - this.bytes), this.bytes);
      if (bytesRead === 0) break;
      this.hash(block.subarray(0, bytesRead));
      this.bytes += bytesRead;
    }
  }

  private beginHashes(): void {
    this.hashes = this.options.algorithms.map((algorithm) => {
      const hash = createHash(algorithm === 'gitBlob' ? 'sha1' : algorithm);
      if (algorithm === 'gitBlob') hash.update(`blob ${this.options.sizeBytes}\0`);
      return [algorithm, hash] as const;
    });
  }

  private hash(chunk: Uint8Array): void {
    for (const [, hash] of this.hashes) hash.update(chunk);
  }

  write(chunk: Uint8Array): Promise<void> {
    return guarded('write', this.path, async () => {
      if (this.isLink) throw new Error(`${this.path} is a link to an installed file and is never written to`);
      const writing = this.writeFully(chunk);
      this.hash(chunk);
      try {
        await writing;
      } catch (error) {
        this.astray = { error };
        throw error;
      }
      this.bytes += chunk.length;
    });
  }

  /** A write may be short without an error: the disk was full, and only the next one says so. */
  private async writeFully(chunk: Uint8Array): Promise<void> {
    for (let done = 0; done < chunk.length; ) {
      const { bytesWritten } = await this.handle.write(chunk, done, chunk.length - done, this.bytes + done);
      done += bytesWritten;
    }
  }

  sync(): Promise<void> {
    return guarded('sync', this.path, async () => {
      if (this.poison !== null) throw this.poison;
      if (this.isLink) return;
      try {
        await this.handle.datasync();
        if (!this.isNameDurable && this.bytes >= NAME_SYNC_BYTES) {
          await syncDirectory(dirname(this.path));
          this.isNameDurable = true;
        }
      } catch (error) {
        this.poison = error;
        throw error;
      }
    });
  }

  reset(): Promise<void> {
    return guarded('truncate', this.path, async () => {
      if (this.isLink) await this.leaveLink();
      else await this.handle.truncate(0);
      this.bytes = 0;
      this.astray = null;
      this.beginHashes();
    });
  }

  private async leaveLink(): Promise<void> {
    await this.handle.close();
    await rm(this.path);
    this.handle = await openStaged(this.path, false);
    this.isLink = false;
  }

  digests(): Promise<Partial<Record<DigestAlgorithm, string>>> {
    return guarded('hash', this.path, async () => {
      if (this.astray !== null) throw this.astray.error;
      return Object.fromEntries(this.hashes.map(([algorithm, hash]) => [algorithm, hash.digest('hex')]));
    });
  }

  close(): Promise<void> {
    return guarded('close', this.path, () => this.handle.close());
  }
}

/** Whether a staged file is a link of which all is wanted. A link of which only a part is wanted is taken away; a file of its own begins anew. */
async function isWantedLink(path: string, wantedBytes: number): Promise<boolean> {
  const there = await lstat(path).catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw error;
  });
  if (there === null || !there.isFile()) return false;
  if (there.nlink > 1 && there.size <= wantedBytes) return true;
  if (there.nlink > 1) await rm(path);
  // It was installed once, and its other names are gone.
  else if ((there.mode & 0o200) === 0) await chmod(path, 0o600);
  return false;
}

function openStaged(path: string, isLink: boolean): Promise<FileHandle> {
  const access = isLink ? constants.O_RDONLY : constants.O_RDWR | constants.O_CREAT;
  return open(path, access | constants.O_NOFOLLOW, 0o600);
}
