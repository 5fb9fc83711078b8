import { OVER } from './over.js';
import type { Clock } from './ports.js';

/** What is looked at again and again, until it leaves. */
export interface Watched {
  /** Looks, and says after how many milliseconds to look again; null if it has left. */
  look(): number | null;
  /** Makes it leave: it cannot be looked at. */
  end(error: unknown): void;
}

/** One wait for all that is watched, and not a timer, a promise and a listener for each of a thousand small requests. */
export class Patrol {
  private readonly watched = new Set<Watched>();
  private round: { readonly atMs: number; readonly end: AbortController } | null = null;

  constructor(readonly clock: Clock) {}

  /** It is looked at first after so many milliseconds. */
  join(watched: Watched, afterMs: number): void {
    this.watched.add(watched);
    this.waitUntil(this.clock.monotonicMs() + afterMs);
  }

  leave(watched: Watched): void {
    if (!this.watched.delete(watched) || this.watched.size > 0) return;
    this.round?.end.abort(OVER);
    this.round = null;
  }

  private waitUntil(atMs: number): void {
    if (this.round !== null && this.round.atMs <= atMs) return;
    this.round?.end.abort(OVER);
    const round = { atMs, end: new AbortController() };
    this.round = round;
    const { signal } = round.end;
    this.clock.wait(Math.max(1, atMs - this.clock.monotonicMs()), signal).then(
      () => {
        if (this.round === round) this.goRound();
      },
      (error: unknown) => {
        if (!signal.aborted) for (const each of this.watched) each.end(error);
      },
    );
  }

  private goRound(): void {
    this.round = null;
    let nextMs = Number.POSITIVE_INFINITY;
    for (const each of this.watched) {
      try {
        nextMs = Math.min(nextMs, each.look() ?? nextMs);
      } catch (error) {
        each.end(error);
      }
    }
    if (this.watched.size > 0) this.waitUntil(this.clock.monotonicMs() + nextMs);
  }
}
