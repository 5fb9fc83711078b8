import type { DepotState, LadingEvent, Status } from '@lading/core';
import { asyncScheduler, Observable, ReplaySubject, type SchedulerLike, Subject, share } from 'rxjs';
import type { JournalRecord } from './ports.js';
import { EVERYTHING, type Signals } from './signals.js';

/** At most ten values a second reach a screen; the last one always does. */
const UI_MS = 100;

/** An event with its place in the history. */
export interface PlacedEvent {
  readonly position: number;
  readonly at: number;
  readonly event: LadingEvent;
}

/** How far a download has come. A projection of the status, for progress bars. */
export interface Progress {
  readonly id: string;
  readonly phase: Status['phase'];
  readonly bytesDone: number;
  readonly bytesTotal: number;
  readonly rateBytesPerSecond: number | null;
  readonly etaMs: number | null;
}

export const progressOf = ({ id, phase, bytesDone, bytesTotal, rateBytesPerSecond, etaMs }: Status): Progress => ({
  id,
  phase,
  bytesDone,
  bytesTotal,
  rateBytesPerSecond,
  etaMs,
});

/** What a person sees, as RxJS streams: cold until somebody subscribes, shared while anybody does, gone when nobody is left. */
export class Streams {
  private readonly events = new Subject<PlacedEvent>();
  readonly events$: Observable<PlacedEvent> = this.events.asObservable();
  private readonly end = new Subject<void>();
  private rest: { readonly at: number; readonly all: (() => void)[] } | null = null;

  constructor(
    private readonly signals: Signals,
    private readonly scheduler: SchedulerLike = asyncScheduler,
  ) {}

  publish(record: JournalRecord): void {
    if (!this.events.observed) return;
    record.events.forEach((event, i) => this.events.next({ position: record.from + i + 1, at: record.at, event }));
  }

  close(): void {
    this.events.complete();
    this.end.next();
    this.end.complete();
  }

  /**
   * A value that is computed anew when one of the keys was woken, at once or when what was last said has stood for a while. Many changes in
   * between cost nothing: nobody looks before he may speak.
   */
  project<T>(keys: () => readonly string[], compute: () => T, isSame: (a: T, b: T) => boolean): Observable<T> {
    return new Observable<T>((subscriber) => {
      let said = compute();
      let isResting = true;
      let stop: () => void = () => undefined;
      const say = (value: T) => {
        said = value;
        isResting = true;
        this.afterRest(rested);
        subscriber.next(value);
      };
      const look = () => {
        if (subscriber.closed) return;
        const value = compute();
        // Before anybody hears of it: what changes from here on is news.
        stop = this.signals.once(keys(), changed);
        // What changed and changed back is no news.
        if (!isSame(said, value)) say(value);
      };
      let isChanged = false;
      const changed = () => {
        isChanged = true;
        if (!isResting) rested();
      };
      const rested = () => {
        isResting = false;
        if (!isChanged) return;
        isChanged = false;
        look();
      };
      stop = this.signals.once(keys(), changed);
      const ending = this.end.subscribe(() => {
        const last = compute();
        if (!isSame(said, last)) subscriber.next(last);
        subscriber.complete();
      });
      say(said);
      return () => {
        stop();
        ending.unsubscribe();
      };
    }).pipe(share({ connector: () => new ReplaySubject<T>(1), resetOnRefCountZero: true }));
  }

  /** Calls back when the pause between two values is over. All who speak in the same millisecond share one timer. */
  private afterRest(rested: () => void): void {
    const at = this.scheduler.now();
    if (this.rest?.at === at) {
      this.rest.all.push(rested);
      return;
    }
    const rest = { at, all: [rested] };
    this.rest = rest;
    this.scheduler.schedule(() => {
      if (this.rest === rest) this.rest = null;
      for (const each of rest.all) each();
    }, UI_MS);
  }

  state$(read: () => DepotState): Observable<DepotState> {
    return this.project(
      () => [EVERYTHING],
      read,
      (a, b) => a === b,
    );
  }
}

/** Equal to the eye: the same JSON. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const names = Object.keys(a) as (keyof typeof a)[];
  if (names.length !== Object.keys(b).length || Array.isArray(a) !== Array.isArray(b)) return false;
  return names.every((name) => sameJson(a[name], b[name]));
}

/** A stream as an async iterable that gives the newest value each time it is asked, and ends with the signal. */
export async function* latest<T>(source: Observable<T>, signal?: AbortSignal): AsyncGenerator<T, void, undefined> {
  let value: { readonly it: T } | null = null;
  let outcome: { readonly error: unknown } | 'open' | 'complete' = 'open';
  let wake: () => void = () => undefined;
  const ring = () => wake();
  const subscription = source.subscribe({
    next: (it) => {
      value = { it };
      ring();
    },
    error: (error: unknown) => {
      outcome = { error };
      ring();
    },
    complete: () => {
      outcome = 'complete';
      ring();
    },
  });
  signal?.addEventListener('abort', ring, { once: true });
  try {
    while (signal?.aborted !== true) {
      const held = value as { readonly it: T } | null;
      const ended = outcome as { readonly error: unknown } | 'open' | 'complete';
      if (held !== null) {
        value = null;
        yield held.it;
      } else if (ended === 'complete') return;
      else if (ended !== 'open') throw ended.error;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    signal?.removeEventListener('abort', ring);
    subscription.unsubscribe();
  }
}
