import type { LadingEvent, Status } from '@lading/core';
import type { Depot } from '@lading/runtime';
import { formatBytes } from './bytes.js';
import type { Output } from './output.js';
import { Screen } from './screen.js';
import { faultWords, statusWords, waitWords } from './words.js';

/** At most ten values a second. */
const TICK_MS = 100;

export interface WatchOptions {
  /** Voices and cores that were asked for. */
  readonly subjects: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Says each planned retry in a sentence of its own. */
  readonly tellsRetries?: boolean;
}

/**
 * Shows a download: records, bars or plain lines. A record of `status` for each change of phase or reason, `progress` at most ten times a
 * second for each id, the last one always.
 */
export class Watch {
  /** By core: itself and the subjects that need it. */
  private readonly users = new Map<string, readonly string[]>();
  private readonly all: readonly string[];
  private readonly said = new Map<string, string>();
  private readonly measured = new Map<string, string>();
  private readonly screen: Screen | null;
  private hasEnded = false;
  private readonly timer: NodeJS.Timeout;
  private readonly subscription: { unsubscribe(): void };

  constructor(
    private readonly depot: Depot,
    private readonly out: Output,
    private readonly options: WatchOptions,
  ) {
    const { subjects, env } = options;
    for (const id of subjects) {
      for (const core of coresOf(depot.status(id)))
        this.users.set(core, [...new Set([core, ...(this.users.get(core) ?? []), id])]);
    }
    // Cores before the voices that follow from them.
    this.all = [...new Set([...this.users.keys(), ...subjects])];
    for (const id of this.all) this.said.set(id, signatureOf(depot.status(id)));
    this.screen = out.isLive ? new Screen(out, env) : null;
    this.subscription = depot.events$.subscribe(({ event, at }) => {
      if (event.type === 'RetryScheduled' && this.users.has(event.core)) this.tellRetry(event.core, event.at - at);
      this.tellChanges(this.touchedBy(event));
    });
    this.timer = setInterval(() => this.tick(), TICK_MS);
  }

  private tellRetry(core: string, waitMs: number): void {
    const { fault, bytesDone, bytesTotal } = this.depot.status(core);
    if (this.options.tellsRetries !== true || fault === null) return;
    const kept = `${formatBytes(bytesDone)} of ${formatBytes(bytesTotal)} are kept`;
    this.out.note(`${core}: ${faultWords(fault.type)}; ${kept}, going on from there in ${waitWords(waitMs)}`);
  }

  /** Whose status an event may have changed: looking at all of them each time would be slow for hundreds of voices. */
  private touchedBy(event: LadingEvent): readonly string[] {
    if ('core' in event && this.users.has(event.core)) return this.users.get(event.core) ?? [];
    if ('voice' in event) return this.options.subjects.filter((id) => id === event.voice);
    return event.type === 'Woken' ? this.all : [];
  }

  private tellChanges(ids: readonly string[]): void {
    const now = Date.now();
    for (const id of ids) {
      const status = this.depot.status(id);
      const signature = signatureOf(status);
      if (this.said.get(status.id) === signature) continue;
      this.said.set(status.id, signature);
      this.out.record('status', status);
      const isTold = status.phase === 'backingOff' && this.options.tellsRetries === true;
      if (this.users.has(id) && !isTold && this.screen === null && this.out.hasNotes)
        this.out.note(this.lineOf(status, now));
    }
  }

  private lineOf(status: Status, now: number): string {
    const detail =
      (status.phase === 'backingOff' || status.phase === 'failed') && status.fault !== null
        ? ` (${status.fault.message})`
        : '';
    const amount = `${formatBytes(status.bytesDone)} of ${formatBytes(status.bytesTotal)}`;
    return `${status.id}: ${statusWords(status, now)}, ${amount}${detail}`;
  }

  private tick(): void {
    const now = Date.now();
    if (this.out.isJson) for (const id of this.options.subjects) this.tellProgress(id);
    this.screen?.render(
      [...this.users.keys()].map((id) => this.depot.status(id)),
      now,
    );
  }

  private tellProgress(id: string): void {
    const { phase, bytesDone, bytesTotal, rateBytesPerSecond, etaMs } = this.depot.status(id);
    const progress = { id, phase, bytesDone, bytesTotal, rateBytesPerSecond, etaMs };
    const text = JSON.stringify(progress);
    if (this.measured.get(id) === text) return;
    this.measured.set(id, text);
    this.out.record('progress', progress);
  }

  /** Shows the last state and stops; once. */
  end(): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    clearInterval(this.timer);
    this.subscription.unsubscribe();
    this.tellChanges(this.all);
    this.tick();
    this.screen?.end();
  }
}

const coresOf = (status: Status): readonly string[] => (status.kind === 'core' ? [status.id] : status.cores);
const signatureOf = ({ phase, reason }: Status): string => `${phase} ${reason ?? ''}`;
