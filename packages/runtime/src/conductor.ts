import {
  type Catalog,
  type Command,
  type DepotState,
  decide,
  type Effect,
  type Input,
  imageOf,
  LadingError,
  type Policy,
  type Refusal,
  type Report,
  type Wake,
} from '@lading/core';
import type { Clock, Journal, JournalRecord } from './ports.js';

/**
 * The one impure loop: an input is judged, its record made durable, and only then the world acts. Inputs are handled one after the other,
 * each to its end; those that wait while a record is being written share the next write. If the journal cannot be written, nothing of the
 * batch has happened, and the conductor stops for good: it never acts on what it could not record.
 */
export interface ConductorOptions {
  readonly state: DepotState;
  /** Position of the newest snapshot: what came after it, in whichever life, is the tail that the next one shortens. */
  readonly snapshotAt: number;
  readonly catalog: Catalog;
  readonly policy: Policy;
  readonly epoch: number;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly luck: () => number;
  readonly perform: (effect: Effect) => void;
  readonly onRecord: (record: JournalRecord, state: DepotState) => void;
  readonly onBroken: (error: unknown) => void;
}

interface Letter {
  readonly input: Input;
  readonly resolve: (refusal: Refusal | null) => void;
  readonly reject: (error: unknown) => void;
}

/** Events since the last snapshot that make another worth its writing: to fold them takes some 30 ms in a process that has just begun. */
const SNAPSHOT_EVENTS = 1_000;
/** The same when the depot closes: nobody waits for it. */
const SNAPSHOT_EVENTS_AT_CLOSE = 250;

/** Asked of a depot that was let go. */
export class DepotClosed extends LadingError {
  constructor() {
    super('the depot is closed', { code: 'closed', remedy: 'Open it again.' });
  }
}

export class Conductor {
  state: DepotState;
  private readonly mailbox: Letter[] = [];
  private running: Promise<void> | null = null;
  private failure: { readonly error: unknown } | null = null;
  private isClosed = false;
  private snapshotAt: number;

  constructor(private readonly options: ConductorOptions) {
    this.state = options.state;
    this.snapshotAt = options.snapshotAt;
  }

  /** Resolves with null when the command's record is durable, or with the refusal. */
  command(command: Command): Promise<Refusal | null> {
    return this.post(command);
  }

  /** Resolves when the report's record is durable, or when it was dropped as stale. */
  async report(report: Report | Wake): Promise<void> {
    await this.post(report);
  }

  private post(input: Input): Promise<Refusal | null> {
    if (this.failure !== null) return Promise.reject(this.failure.error);
    if (this.isClosed) return Promise.reject(new DepotClosed());
    return new Promise((resolve, reject) => {
      this.mailbox.push({ input, resolve, reject });
      this.running ??= this.drain();
    });
  }

  private async drain(): Promise<void> {
    await Promise.resolve();
    while (this.mailbox.length > 0 && this.failure === null) {
      const batch = this.mailbox.splice(0);
      try {
        await this.settle(batch);
      } catch (error) {
        this.break(error, batch);
      }
    }
    // In the same turn as the last look into the mailbox: a letter that comes now starts the loop anew.
    this.running = null;
  }

  private async settle(batch: readonly Letter[]): Promise<void> {
    const { catalog, policy, epoch, clock, luck, journal } = this.options;
    let state = this.state;
    const written: { record: JournalRecord; state: DepotState }[] = [];
    const effects: Effect[] = [];
    const answers: (Refusal | null)[] = [];
    for (const { input } of batch) {
      const at = clock.now();
      const decision = decide(state, catalog, policy, input, { now: at, luck: luck() });
      answers.push(decision.type === 'refusal' ? decision : null);
      if (decision.type === 'refusal' || decision.events.length === 0) continue;
      const record: JournalRecord = { v: 1, from: state.position, epoch, at, events: decision.events };
      state = decision.state;
      written.push({ record, state });
      effects.push(...decision.effects);
    }
    if (written.length > 0) await journal.append(written.map(({ record }) => record));
    for (const { record, state: after } of written) {
      this.state = after;
      this.options.onRecord(record, after);
    }
    for (const effect of effects) this.options.perform(effect);
    batch.forEach((letter, i) => letter.resolve(answers[i] ?? null));
    // Of a large state less often: to write it must not cost more than the events did.
    const { cores, voices } = this.state;
    if (this.newEvents >= Math.max(SNAPSHOT_EVENTS, cores.size + voices.size)) await this.snapshot();
  }

  private get newEvents(): number {
    return this.state.position - this.snapshotAt;
  }

  private async snapshot(): Promise<void> {
    await this.options.journal.compact(imageOf(this.state));
    this.snapshotAt = this.state.position;
  }

  private break(error: unknown, batch: readonly Letter[]): void {
    this.failure = { error };
    for (const letter of [...batch, ...this.mailbox.splice(0)]) letter.reject(error);
    this.options.onBroken(error);
  }

  /** Handles what is in the mailbox, then takes nothing more. */
  async close(): Promise<void> {
    while (this.running !== null) await this.running;
    this.isClosed = true;
    if (this.failure === null && this.newEvents >= SNAPSHOT_EVENTS_AT_CLOSE) await this.snapshot();
  }
}
