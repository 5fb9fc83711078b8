import type { DigestAlgorithm, StagedFile, StageOptions } from '@lading/runtime';
import { type Digest, digestOf } from './digest.js';
import { guarded } from './fs-fault.js';
import { type Mount, parentOf } from './mount.js';

/** From this size on the name itself is made durable with the first sync; smaller files are only fetched again. */
const NAME_SYNC_BYTES = 1024 * 1024;

/** A partial file: written in order, hashed on the way. Its length proves nothing; only what the journal says is durable counts. */
export class MemoryStagedFile implements StagedFile {
  bytes = 0;
  private digestsSoFar: (readonly [DigestAlgorithm, Digest])[] = [];
  private isNameDurable = false;
  private poison: unknown = null;

  private constructor(
    private readonly mount: Mount,
    private readonly path: string,
    private readonly fd: number,
    private readonly options: StageOptions,
  ) {}

  static open(mount: Mount, path: string, options: StageOptions): Promise<MemoryStagedFile> {
    return guarded('open', path, async () => {
      await mount.makeFolder(parentOf(path));
      const file = new MemoryStagedFile(mount, path, await mount.open(path), options);
      await file.adopt();
      return file;
    });
  }

  /** Keeps the prefix that is both wanted and there, and reads it again: a crash may have left zeros inside the length. */
  private async adopt(): Promise<void> {
    this.beginDigests();
    const size = await this.mount.size(this.fd);
    const keep = Math.min(this.options.bytes, size);
    if (size > keep) await this.mount.truncate(this.fd, keep);
    if (keep > 0) this.digest(await this.mount.read(this.path));
    this.bytes = keep;
  }

  private beginDigests(): void {
    this.digestsSoFar = this.options.algorithms.map(
      (algorithm) => [algorithm, digestOf(algorithm, this.options.sizeBytes)] as const,
    );
  }

  private digest(chunk: Uint8Array): void {
    for (const [, digest] of this.digestsSoFar) digest.update(chunk);
  }

  write(chunk: Uint8Array): Promise<void> {
    return guarded('write', this.path, async () => {
      await this.mount.writeFully(this.fd, chunk, this.bytes);
      this.digest(chunk);
      this.bytes += chunk.length;
    });
  }

  sync(): Promise<void> {
    return guarded('sync', this.path, async () => {
      if (this.poison !== null) throw this.poison;
      try {
        await this.mount.sync(this.fd);
        if (!this.isNameDurable && this.bytes >= NAME_SYNC_BYTES) {
          await this.mount.syncFolder(parentOf(this.path));
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
      await this.mount.truncate(this.fd, 0);
      this.bytes = 0;
      this.beginDigests();
    });
  }

  digests(): Promise<Partial<Record<DigestAlgorithm, string>>> {
    return Promise.resolve(
      Object.fromEntries(this.digestsSoFar.map(([algorithm, digest]) => [algorithm, digest.hex()])),
    );
  }

  close(): Promise<void> {
    return guarded('close', this.path, () => this.mount.close(this.fd));
  }
}
