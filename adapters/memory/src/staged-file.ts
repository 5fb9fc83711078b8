import { clipped, prefixOf, type Range, type Ranges, rangesOf, withoutRange, withRange } from '@lading/core';
import type { DigestAlgorithm, StagedFile, StageOptions } from '@lading/runtime';
import { type Digest, digestOf } from './digest.js';
import { guarded } from './fs-fault.js';
import { type Mount, parentOf } from './mount.js';

/** From this size on the name itself is made durable with the first sync; smaller files are only fetched again. */
const NAME_SYNC_BYTES = 1024 * 1024;

/** A partial file: written anywhere, hashed on the way where it comes in order. Its length proves nothing; only what the journal says is durable counts. */
export class MemoryStagedFile implements StagedFile {
  held: Ranges = [];
  private digestsSoFar: (readonly [DigestAlgorithm, Digest])[] = [];
  /** Bytes from the start that the digests know. */
  private digestedBytes = 0;
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

  get survivesExit(): boolean {
    return this.options.hasDigest === true;
  }

  get bytes(): number {
    return prefixOf(this.held);
  }

  /** Keeps what is both wanted and there, and reads the beginning again: a crash may have left zeros inside the length. */
  private async adopt(): Promise<void> {
    this.beginDigests();
    const size = await this.mount.size(this.fd);
    const wanted = clipped(rangesOf(this.options), size);
    const found = this.mount.disk.written.get(this.path);
    // Where nothing is wanted nothing counts: nobody has recorded whose bytes they are.
    const isOurs = this.survivesExit && wanted.length > 0 && found?.ino === this.mount.inode(this.fd);
    this.held = isOurs ? clipped(found.held.reduce(withRange, wanted), size) : wanted;
    if (!isOurs) this.forget();
    const keep = this.held.at(-1)?.to ?? 0;
    if (size > keep) await this.mount.truncate(this.fd, keep);
    await this.digestHeld();
  }

  /** Reads what the digests do not know yet of the bytes before the first hole. */
  private async digestHeld(): Promise<void> {
    if (this.digestedBytes >= this.bytes) return;
    this.digest((await this.mount.read(this.path)).subarray(this.digestedBytes, this.bytes));
  }

  private beginDigests(): void {
    this.digestedBytes = 0;
    this.digestsSoFar = this.options.algorithms.map(
      (algorithm) => [algorithm, digestOf(algorithm, this.options.sizeBytes)] as const,
    );
  }

  private digest(chunk: Uint8Array): void {
    for (const [, digest] of this.digestsSoFar) digest.update(chunk);
    this.digestedBytes += chunk.length;
  }

  write(chunk: Uint8Array, at = this.bytes): Promise<void> {
    return guarded('write', this.path, async () => {
      await this.mount.writeFully(this.fd, chunk, at);
      if (at === this.digestedBytes) this.digest(chunk);
      this.held = withRange(this.held, { from: at, to: at + chunk.length });
      if (this.survivesExit && this.poison === null)
        this.mount.disk.written.set(this.path, { ino: this.mount.inode(this.fd), held: this.held });
    });
  }

  /** What was stored and is not durable is nobody's any more. */
  private forget(): void {
    if (this.mount.process.isAlive) this.mount.disk.written.delete(this.path);
  }

  sync(): Promise<Ranges> {
    return guarded('sync', this.path, async () => {
      if (this.poison !== null) throw this.poison;
      const { held } = this;
      try {
        await this.mount.sync(this.fd);
        if (!this.isNameDurable && this.bytes >= NAME_SYNC_BYTES) {
          await this.mount.syncFolder(parentOf(this.path));
          this.isNameDurable = true;
        }
        return held;
      } catch (error) {
        this.poison = error;
        this.forget();
        throw error;
      }
    });
  }

  drop(range: Range): Promise<void> {
    this.held = withoutRange(this.held, range);
    this.forget();
    if (range.from < this.digestedBytes) this.beginDigests();
    return Promise.resolve();
  }

  reset(): Promise<void> {
    return guarded('truncate', this.path, async () => {
      this.forget();
      await this.mount.truncate(this.fd, 0);
      this.held = [];
      this.beginDigests();
    });
  }

  sha256({ from, to }: Range): Promise<string> {
    return guarded('read', this.path, async () => {
      const digest = digestOf('sha256', to - from);
      digest.update((await this.mount.read(this.path)).subarray(from, to));
      return digest.hex();
    });
  }

  digests(): Promise<Partial<Record<DigestAlgorithm, string>>> {
    return guarded('hash', this.path, async () => {
      await this.digestHeld();
      const digests = Object.fromEntries(this.digestsSoFar.map(([algorithm, digest]) => [algorithm, digest.hex()]));
      this.beginDigests();
      return digests;
    });
  }

  close(): Promise<void> {
    return guarded('close', this.path, async () => {
      this.forget();
      await this.mount.close(this.fd);
    });
  }
}
