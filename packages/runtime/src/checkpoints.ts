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
  /** Of those that were noted and not waited for: not recorded yet. */
  looseBytes = 0;
  private lastMs: number;
  private timer: AbortController | null = null;
  private writing: Promise<void> = Promise.resolve();
  /** Files that are being fetched: what may be ahead of the last durable offsets is theirs together. */
  sharers = 0;

  constructor(
    private readonly clock: Clock,
    private readonly report: (files: Readonly<Record<string, Checkpoint>>) => Promise<void>,
  ) {
    this.lastMs = clock.monotonicMs();
  }

  /** Notes a durable offset; resolves when it is recorded, if there is enough to record. */
  note(file: string, checkpoint: Checkpoint, newBytes: number): Promise<void> {
    this.pending[file] = checkpoint;
    this.pendingBytes += newBytes;
    const isDue = this.pendingBytes >= GATHER_BYTES || this.clock.monotonicMs() - this.lastMs >= GATHER_MS;
    if (isDue) return this.flush();
    this.looseBytes += newBytes;
    this.flushSoon();
    return Promise.resolve();
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

  flush(): Promise<void> {
    this.timer?.abort(OVER);
    this.timer = null;
    this.writing = this.writing.then(async () => {
      const files = this.pending;
      const loose = this.looseBytes;
      this.pending = {};
      this.pendingBytes = 0;
      this.lastMs = this.clock.monotonicMs();
      if (Object.keys(files).length > 0) await this.report(files);
      this.looseBytes -= loose;
    });
    return this.writing;
  }
}
