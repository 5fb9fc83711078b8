import type { DepotState, LadingEvent, Status } from '@lading/core';
import {
  asyncScheduler,
  distinctUntilChanged,
  Observable,
  ReplaySubject,
  type SchedulerLike,
  Subject,
  share,
  throttleTime,
} from 'rxjs';
import type { JournalRecord } from './ports.js';
import type { Signals } from './signals.js';

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

/** Key under which the whole depot is listened to. */
export const EVERYTHING = '*';

/** What a person sees, as RxJS streams: cold until somebody subscribes, shared while anybody does, gone when nobody is left. */
export class Streams {
  private readonly events = new Subject<PlacedEvent>();
  readonly events$: Observable<PlacedEvent> = this.events.asObservable();
  private readonly end = new Subject<void>();

  constructor(
    private readonly signals: Signals,
    private readonly scheduler: SchedulerLike = asyncScheduler,
  ) {}

  publish(record: JournalRecord): void {
    record.events.forEach((event, i) => this.events.next({ position: record.from + i + 1, at: record.at, event }));
  }

  close(): void {
    this.events.complete();
    this.end.next();
    this.end.complete();
  }

  /** A value that is computed anew whenever one of the keys is woken. */
  project<T>(keys: () => Iterable<string>, compute: () => T, isSame: (a: T, b: T) => boolean): Observable<T> {
    return new Observable<T>((subscriber) => {
      subscriber.next(compute());
      const stop = this.signals.listen(keys(), () => subscriber.next(compute()));
      const ending = this.end.subscribe(() => {
        subscriber.next(compute());
        subscriber.complete();
      });
      return () => {
        stop();
        ending.unsubscribe();
      };
    }).pipe(
      distinctUntilChanged(isSame),
      throttleTime(UI_MS, this.scheduler, { leading: true, trailing: true }),
      // What changed and changed back within the pause is no news.
      distinctUntilChanged(isSame),
      share({ connector: () => new ReplaySubject<T>(1), resetOnRefCountZero: true }),
    );
  }

  state$(read: () => DepotState): Observable<DepotState> {
    return this.project(
      () => [EVERYTHING],
      read,
      (a, b) => a === b,
    );
  }
}

/** Equal to the eye: the same JSON. Statuses are small. */
export const sameJson = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

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
