import { type Range, type Ranges, withoutRange, withRange } from '@lading/core';
import { giveBack } from './block.js';
import type { OpenFile } from './open-file.js';

/** Bytes that may wait to be written: who brings more waits. */
const WAITING_BYTES = 256 * 1024;
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
  /** What is being written. */
  private current: readonly Waiting[] = [];
  private isWriting = false;
  private failure: { readonly error: unknown } | null = null;
  private listeners: (() => void)[] = [];

  constructor(
    private readonly file: OpenFile,
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
    if (!this.isWriting) void this.write();
    while (this.waitingBytes > WAITING_BYTES && this.failure === null) await this.moved();
    this.mustWork();
  }

  private mustWork(): void {
    if (this.failure !== null) throw this.failure.error;
  }

  /** Resolves when all that was taken is stored, or will never be. Chunks overtake each other, so it is these that are waited for, and not so many bytes. */
  async flush(): Promise<void> {
    const taken = [...this.current, ...this.waiting];
    const isOpen = (): boolean => taken.some((each) => this.current.includes(each) || this.waiting.includes(each));
    while (this.failure === null && isOpen()) await this.moved();
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
        this.current = run.waiting;
        await this.writeFully(
          run.waiting.map(({ chunk }) => chunk),
          run.from,
        );
        for (const { chunk } of run.waiting) giveBack(chunk);
        this.current = [];
        this.stored = withRange(this.stored, run);
        this.waitingBytes -= run.to - run.from;
        this.onStored();
        this.move();
      }
    } catch (error) {
      this.failure = { error };
      this.waiting = [];
      this.current = [];
    } finally {
      this.isWriting = false;
      this.move();
    }
  }

  /** The oldest chunk, and those that lie directly behind it. */
  private nextRun(): (Range & { readonly waiting: readonly Waiting[] }) | null {
    const [first] = this.waiting;
    if (first === undefined) return null;
    const run: Waiting[] = [];
    let to = first.at;
    this.waiting = this.waiting.filter((each) => {
      if (each.at !== to || run.length >= CALL_CHUNKS || to - first.at >= CALL_BYTES) return true;
      run.push(each);
      to += each.chunk.length;
      return false;
    });
    return { from: first.at, to, waiting: run };
  }

  /** A write may be short without an error: the disk was full, and only the next one says so. */
  private async writeFully(chunks: Uint8Array[], from: number): Promise<void> {
    let at = from;
    for (let left = chunks; left.length > 0; ) {
      const bytesWritten = await this.file.write(left, at);
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
