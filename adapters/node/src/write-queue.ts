import type { FileHandle } from 'node:fs/promises';
import { type Range, type Ranges, withoutRange, withRange } from '@lading/core';

/** Bytes that may wait to be written: who brings more waits. */
const WAITING_BYTES = 1024 * 1024;
/** What one call writes at the most: bytes, and chunks (the system takes 1,024). */
const CALL_BYTES = 1024 * 1024;
const CALL_CHUNKS = 256;

interface Waiting {
  readonly at: number;
  readonly chunk: Uint8Array;
}

/**
 * Writes behind: chunks are taken at once, and those that lie one behind the other are written together, one call at a time, so that nothing
 * is passed over. What a call could not write is lost with all that waits; then there is no other.
 */
export class WriteQueue {
  /** What is stored, though not yet durable. */
  stored: Ranges;
  private waiting: Waiting[] = [];
  private waitingBytes = 0;
  private takenBytes = 0;
  private storedBytes = 0;
  private isWriting = false;
  private failure: { readonly error: unknown } | null = null;
  private listeners: (() => void)[] = [];

  constructor(
    private readonly handle: FileHandle,
    stored: Ranges,
    private readonly onStored: () => void,
  ) {
    this.stored = stored;
  }

  get error(): unknown {
    return this.failure?.error ?? null;
  }

  /** Takes a chunk. Resolves when another may come; throws what an earlier one could not. */
  async take(chunk: Uint8Array, at: number): Promise<void> {
    this.mustWork();
    this.waiting.push({ at, chunk });
    this.waitingBytes += chunk.length;
    this.takenBytes += chunk.length;
    if (!this.isWriting) void this.write();
    while (this.waitingBytes > WAITING_BYTES && this.failure === null) await this.moved();
    this.mustWork();
  }

  private mustWork(): void {
    if (this.failure !== null) throw this.failure.error;
  }

  /** Resolves when all that was taken is stored, or will never be. */
  async flush(): Promise<void> {
    const { takenBytes } = this;
    while (this.storedBytes < takenBytes && this.failure === null) await this.moved();
    // A call that failed has come to its end too.
    while (this.failure !== null && this.isWriting) await this.moved();
  }

  forget(range: Range): void {
    this.stored = withoutRange(this.stored, range);
  }

  private moved(): Promise<void> {
    return new Promise((resolve) => this.listeners.push(resolve));
  }

  private move(): void {
    const listeners = this.listeners;
    this.listeners = [];
    for (const listener of listeners) listener();
  }

  private async write(): Promise<void> {
    this.isWriting = true;
    try {
      for (let run = this.nextRun(); run !== null; run = this.nextRun()) {
        await this.writeFully(run.chunks, run.from);
        this.stored = withRange(this.stored, run);
        this.waitingBytes -= run.to - run.from;
        this.storedBytes += run.to - run.from;
        this.onStored();
        this.move();
      }
    } catch (error) {
      this.failure = { error };
      this.waiting = [];
    } finally {
      this.isWriting = false;
      this.move();
    }
  }

  /** The oldest chunk, and those that lie directly behind it. */
  private nextRun(): (Range & { readonly chunks: Uint8Array[] }) | null {
    const [first] = this.waiting;
    if (first === undefined) return null;
    const chunks: Uint8Array[] = [];
    let to = first.at;
    this.waiting = this.waiting.filter(({ at, chunk }) => {
      if (at !== to || chunks.length >= CALL_CHUNKS || to - first.at >= CALL_BYTES) return true;
      chunks.push(chunk);
      to += chunk.length;
      return false;
    });
    return { from: first.at, to, chunks };
  }

  /** A write may be short without an error: the disk was full, and only the next one says so. */
  private async writeFully(chunks: Uint8Array[], from: number): Promise<void> {
    let at = from;
    for (let left = chunks; left.length > 0; ) {
      const { bytesWritten } = await this.handle.writev(left, at);
      at += bytesWritten;
      left = behind(left, bytesWritten);
    }
  }
}

/** What of some chunks lies behind their first so many bytes. */
function behind(chunks: Uint8Array[], bytes: number): Uint8Array[] {
  let skip = bytes;
  const rest: Uint8Array[] = [];
  for (const chunk of chunks) {
    if (skip < chunk.length) rest.push(chunk.subarray(skip));
    skip = Math.max(0, skip - chunk.length);
  }
  return rest;
}
