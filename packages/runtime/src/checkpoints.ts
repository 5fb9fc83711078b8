import type { Checkpoint } from '@lading/core';
import { OVER } from './over.js';
import type { Clock } from './ports.js';

/** Finished small files wait at most this long for a common record, milliseconds. */
const GATHER_MS = 250;
/** Or until this many bytes are waiting: what a crash may cost. */
const GATHER_BYTES = 4 * 1024 * 1024;

/** Gathers durable offsets of a job's files, so that many small files share a record. Everything it is given is synced already. */
export class Checkpoints {
  private pending: Record<string, Checkpoint> = {};
  private pendingBytes = 0;
  /** Of those that were noted: not recorded yet. */
  looseBytes = 0;
  private lastMs: number;
  private timer: AbortController | null = null;
  private writing: Promise<void> = Promise.resolve();
  /** The record that has not begun: what is noted until then is in it. */
  private next: Promise<void> | null = null;
  /** Files that are being fetched: what may be ahead of the last durable offsets is theirs together. */
  sharers = 0;

  constructor(
    private readonly clock: Clock,
    private readonly report: (files: Readonly<Record<string, Checkpoint>>) => Promise<void>,
  ) {
    this.lastMs = clock.monotonicMs();
  }

  /** Notes a durable offset, to be recorded in the background with others. */
  note(file: string, checkpoint: Checkpoint, newBytes: number): void {
    this.looseBytes += newBytes;
    // Whoever flushes last is told.
    if (this.add(file, checkpoint, newBytes)) this.flush().catch(() => undefined);
    else this.flushSoon();
  }

  /** Notes a durable offset; resolves when it is recorded, if there is enough to record. */
  record(file: string, checkpoint: Checkpoint, newBytes: number): Promise<void> {
    if (this.add(file, checkpoint, newBytes)) return this.flush();
    this.looseBytes += newBytes;
    this.flushSoon();
    return Promise.resolve();
  }

  /** Whether there is enough to record. */
  private add(file: string, checkpoint: Checkpoint, newBytes: number): boolean {
    this.pending[file] = checkpoint;
    this.pendingBytes += newBytes;
    return this.pendingBytes >= GATHER_BYTES || this.clock.monotonicMs() - this.lastMs >= GATHER_MS;
  }

  /** What is noted is recorded after a while also if nothing more comes. */
  private flushSoon(): void {
    if (this.timer !== null) return;
    const timer = new AbortController();
    this.timer = timer;
    this.clock
      .wait(GATHER_MS, timer.signal)
      .then(
        () => this.flush(),
        () => undefined,
      )
      .catch(() => undefined);
  }

  /** A file whose bytes turned out void must not be recorded any more. */
  forget(file: string): void {
    delete this.pending[file];
  }

  /** Resolves when no record is under way. */
  written(): Promise<void> {
    return this.writing.catch(() => undefined);
  }

  /** Resolves when all that was noted is recorded; throws why it, or what came before it, could not be. */
  flush(): Promise<void> {
    this.timer?.abort(OVER);
    this.timer = null;
    if (this.next !== null) return this.next;
    const next = this.writing.then(async () => {
      this.next = null;
      const files = this.pending;
      const loose = this.looseBytes;
      this.pending = {};
      this.pendingBytes = 0;
      this.lastMs = this.clock.monotonicMs();
      if (Object.keys(files).length > 0) await this.report(files);
      this.looseBytes -= loose;
    });
    this.next = next;
    this.writing = next;
    return next;
  }
}
