import type { Checkpoint } from '@lading/core';
import type { Clock } from './ports.js';

/** Finished small files wait at most this long for a common record, milliseconds. */
const GATHER_MS = 250;
/** Or until this many bytes are waiting: what a crash may cost. */
const GATHER_BYTES = 4 * 1024 * 1024;

/** Gathers durable offsets of a job's files, so that many small files share a record. Everything it is given is synced already. */
export class Checkpoints {
  private pending: Record<string, Checkpoint> = {};
  private pendingBytes = 0;
  private lastMs: number;
  private writing: Promise<void> = Promise.resolve();

  constructor(
    private readonly clock: Clock,
    private readonly report: (files: Readonly<Record<string, Checkpoint>>) => Promise<void>,
  ) {
    this.lastMs = clock.monotonicMs();
  }

  /** Notes a durable offset; resolves when it is recorded, if it was time to. */
  note(file: string, checkpoint: Checkpoint, newBytes: number): Promise<void> {
    this.pending[file] = checkpoint;
    this.pendingBytes += newBytes;
    const isDue = this.pendingBytes >= GATHER_BYTES || this.clock.monotonicMs() - this.lastMs >= GATHER_MS;
    return isDue ? this.flush() : Promise.resolve();
  }

  /** A file whose bytes turned out void must not be recorded any more. */
  forget(file: string): void {
    delete this.pending[file];
  }

  flush(): Promise<void> {
    this.writing = this.writing.then(async () => {
      const files = this.pending;
      this.pending = {};
      this.pendingBytes = 0;
      this.lastMs = this.clock.monotonicMs();
      if (Object.keys(files).length > 0) await this.report(files);
    });
    return this.writing;
  }
}
