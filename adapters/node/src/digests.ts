import { createHash, type Hash } from 'node:crypto';
import type { Range } from '@lading/core';
import type { DigestAlgorithm, StageOptions } from '@lading/runtime';
import { beginHashes, digestsOf } from './hashes.js';
import type { OpenFile } from './open-file.js';

/** The digests of a file that is being written: they follow behind its first hole. */
export interface Digests {
  /** A chunk as it is taken, before it is stored. */
  take(chunk: Uint8Array, at: number): void;
  /** What lies below is stored. */
  advance(to: number): void;
  /** What was hashed is void. */
  restart(): void;
  /** Of the first so many bytes, which are stored. Then it begins anew. */
  finish(to: number): Promise<Partial<Record<DigestAlgorithm, string>>>;
  sha256(range: Range): Promise<string>;
  /** Resolves when nothing of the file is read any more. */
  close(): Promise<void>;
}

/** Read size where stored bytes are hashed, bytes. */
const BLOCK_BYTES = 1024 * 1024;

/** Hashes chunks where they are taken, as long as they come in order; what did not is read again at the end. For small files. */
export class InlineDigests implements Digests {
  private begun: ReadonlyMap<DigestAlgorithm, Hash> | null = null;
  private atByte = 0;

  constructor(
    private readonly file: OpenFile,
    private readonly options: Pick<StageOptions, 'algorithms' | 'sizeBytes'>,
  ) {}

  private get hashes(): ReadonlyMap<DigestAlgorithm, Hash> {
    this.begun ??= beginHashes(this.options.algorithms, this.options.sizeBytes);
    return this.begun;
  }

  take(chunk: Uint8Array, at: number): void {
    if (at !== this.atByte) return;
    for (const hash of this.hashes.values()) hash.update(chunk);
    this.atByte += chunk.length;
  }

  advance(): void {
    // What is stored and was not taken in order waits for the end.
  }

  restart(): void {
    this.begun = null;
    this.atByte = 0;
  }

  async finish(to: number): Promise<Partial<Record<DigestAlgorithm, string>>> {
    await this.read({ from: this.atByte, to }, (bytes) => {
      for (const hash of this.hashes.values()) hash.update(bytes);
    });
    const digests = digestsOf(this.hashes);
    this.restart();
    return digests;
  }

  async sha256(range: Range): Promise<string> {
    const hash = createHash('sha256');
    await this.read(range, (bytes) => hash.update(bytes));
    return hash.digest('hex');
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private async read({ from, to }: Range, take: (bytes: Uint8Array) => void): Promise<void> {
    if (from >= to) return;
    const block = Buffer.allocUnsafe(Math.min(BLOCK_BYTES, to - from));
    for (let at = from; at < to; ) {
      const bytesRead = await this.file.read(block, Math.min(block.length, to - at), at);
      if (bytesRead === 0) throw Object.assign(new Error(`the file ends at byte ${at}, not at ${to}`), { code: 'EIO' });
      take(block.subarray(0, bytesRead));
      at += bytesRead;
    }
  }
}
