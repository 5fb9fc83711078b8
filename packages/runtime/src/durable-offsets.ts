import { bytesIn, type Checkpoint, checkpointOf, type Range, type Ranges, withoutRange } from '@lading/core';
import type { Checkpoints } from './checkpoints.js';
import type { Clock, StagedFile } from './ports.js';
import type { TransferLimits } from './transfer-limits.js';

/** Where the staged bytes of a file came from. */
export interface Identity {
  /** The strong validator (RFC 9110 §8.8) of the origin, as received. */
  validator: string | null;
  origin: string | null;
}

/** What of a staged file is durable and recorded. Syncs and records in the background, and holds the writers back when a crash would cost too much. */
export class DurableOffsets {
  /** What is durable and was noted, to be recorded. */
  private noted: Ranges;
  private recordedBytes: number;
  private lastSyncMs: number;
  private requests = 0;
  private syncing: Promise<void> | null = null;
  /** Of what was noted last, as long as it is under way: the next sync does not wait for it. */
  private recording: Promise<void> | null = null;
  /** A sync that began now could tell of bytes that are about to go. */
  private drops = 0;
  private dropping: Promise<void> = Promise.resolve();

  constructor(
    private readonly staged: StagedFile,
    private readonly filename: string,
    private readonly identity: Identity,
    private readonly checkpoints: Checkpoints,
    private readonly clock: Clock,
    private readonly limits: TransferLimits,
    /** What of the file is recorded. */
    recorded: Ranges,
  ) {
    this.noted = recorded;
    this.recordedBytes = bytesIn(recorded);
    this.lastSyncMs = clock.monotonicMs();
  }

  /** After bytes were taken: waits only when too much would be lost. */
  async advance(): Promise<void> {
    const { checkpointBytes, mostCheckpointBytes, checkpointMs } = this.limits;
    const { checkpoints, staged } = this;
    const connections = () => Math.max(1, this.requests);
    /** How far the core is ahead of so many bytes of this file, for each connection that brings some of it. */
    const ahead = (bytes: number) => ((bytesIn(staged.held) - bytes) * checkpoints.sharers) / connections();
    const isDue =
      ahead(bytesIn(this.noted)) >= Math.min(checkpointBytes, mostCheckpointBytes / connections()) ||
      this.clock.monotonicMs() - this.lastSyncMs >= checkpointMs;
    if (isDue && this.syncing === null && this.drops === 0) this.sync();
    while (ahead(this.recordedBytes) + checkpoints.looseBytes / connections() >= this.mostAheadBytes) {
      const next = this.syncing ?? this.recording;
      if (next !== null) await next;
      else if (checkpoints.looseBytes > 0) await checkpoints.flush();
      else return;
    }
  }

  /** For each connection. Before anything is recorded nobody would know whose bytes they are. */
  private get mostAheadBytes(): number {
    const { aheadBytes, aheadStoredBytes } = this.limits;
    const isKnown = this.recordedBytes > 0 && this.checkpoints.looseBytes === 0;
    return isKnown && this.staged.survivesExit ? aheadStoredBytes : aheadBytes;
  }

  /** One more request brings bytes of the file. */
  join(): void {
    this.requests++;
  }

  leave(): void {
    this.requests--;
  }

  private sync(): void {
    const syncing = this.staged.sync().then((durable) => this.record(durable));
    const end = () => {
      this.syncing = null;
    };
    this.syncing = syncing;
    syncing.then(end, end);
  }

  /** In the background, in order. */
  private record(durable: Ranges): void {
    const recording = Promise.all([this.recording, this.note(durable)]).then(() => {
      this.recordedBytes = bytesIn(durable);
    });
    const end = () => {
      if (this.recording === recording) this.recording = null;
    };
    this.recording = recording;
    recording.then(end, end);
  }

  /** All that was taken is durable; what is not noted yet will be by `noteAll`. */
  async settle(): Promise<void> {
    await this.syncing;
    if (bytesIn(this.staged.held) > bytesIn(this.noted) || bytesIn(this.noted) === 0) await this.staged.sync();
  }

  /** The file is done: it is recorded with others, and nobody waits for it here. */
  noteAll(): void {
    this.checkpoints.note(this.filename, ...this.newest(this.staged.held));
  }

  private note(durable: Ranges): Promise<void> {
    return this.checkpoints.record(this.filename, ...this.newest(durable));
  }

  private newest(durable: Ranges): [checkpoint: Checkpoint, newBytes: number] {
    const newBytes = Math.max(0, bytesIn(durable) - bytesIn(this.noted));
    this.noted = durable;
    this.lastSyncMs = this.clock.monotonicMs();
    return [checkpointOf(durable, this.identity), newBytes];
  }

  /** After a break: what has come is made durable and noted, so that the next attempt builds on it. */
  async keep(): Promise<void> {
    try {
      await this.syncing;
      if (bytesIn(this.staged.held) <= bytesIn(this.noted)) return;
      const durable = await this.staged.sync();
      await this.note(durable);
    } catch {
      // The first error is the one to tell; bytes that could not be made durable are fetched again.
    }
  }

  /** What is noted and not recorded yet must not be. */
  forget(): void {
    this.checkpoints.forget(this.filename);
  }

  /** After wrong bytes: a sync that is still under way must not record them once they are gone. */
  async void(): Promise<void> {
    await this.syncing?.catch(() => undefined);
    this.forget();
    // One that is being written already is not overtaken: the fault that voids it comes behind it.
    await this.checkpoints.written();
    await this.staged.reset().catch(() => undefined);
  }

  /** Drops a range, or everything. Recorded first: a crash in between must not leave a record of bytes that were dropped. */
  drop(range: Range | 'all'): Promise<void> {
    this.drops++;
    const drop = async (before: Promise<void>): Promise<void> => {
      try {
        await before;
        await this.syncing;
        await this.dropDurably(range);
      } finally {
        this.drops--;
      }
    };
    // One after the other: each must know what the one before has left.
    const dropped = drop(this.dropping);
    this.dropping = dropped.catch(() => undefined);
    return dropped;
  }

  private async dropDurably(range: Range | 'all'): Promise<void> {
    const rest = range === 'all' ? [] : withoutRange(this.noted, range);
    if (bytesIn(rest) < bytesIn(this.noted)) {
      // What is recorded grows or begins anew: so it is first nothing, and then what is left.
      await this.checkpoints.record(this.filename, { bytes: 0, validator: null, origin: null }, 0);
      await this.checkpoints.flush();
      // Of what was noted before: it tells how much is recorded when its turn comes.
      await this.recording?.catch(() => undefined);
      this.noted = [];
      this.recordedBytes = 0;
    }
    if (range === 'all') return await this.staged.reset();
    await this.staged.drop(range);
    if (rest.length === 0 || this.noted.length > 0) return;
    await this.note(rest);
    this.recordedBytes = bytesIn(rest);
  }
}
