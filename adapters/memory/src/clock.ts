import type { Clock } from '@lading/runtime';

/** The simulated world begins here unless told otherwise: milliseconds since 1970. */
const START_MS = Date.UTC(2026, 0, 1);
/** Simulated time that one `runUntil` may take before it is called endless, milliseconds. */
const PATIENCE_MS = 7 * 24 * 3_600_000;

interface Timer {
  readonly dueMs: number;
  readonly ring: () => void;
}

/** Whoever waited for something that can no longer happen: no timer is set, and the promise is still open. */
export class WorldStandsStill extends Error {
  override readonly name = 'WorldStandsStill';
}

/** One turn of the host's event loop: afterwards every microtask has run, and with it all that a simulated world does at one instant. */
const settle = typeof setImmediate === 'function' ? turnOfNode : turnOfPage;

function turnOfNode(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A message, not a timeout: after the fifth in a row a page makes each wait 4 ms. */
function turnOfPage(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    const end = () => {
      port1.close();
      resolve();
    };
    port1.addEventListener('message', end, { once: true });
    port1.start();
    port2.postMessage(null);
  });
}

/**
 * Time that moves only when it is told to. Timers ring in order of their time, and in order of their setting where that is equal; between two
 * of them everything that the first has set off comes to rest. Nothing here looks at the host's clock.
 */
export class VirtualClock implements Clock {
  private elapsedMs = 0;
  private skewMs = 0;
  private readonly timers: Timer[] = [];

  constructor(private readonly startMs: number = START_MS) {}

  now(): number {
    return this.startMs + this.elapsedMs + this.skewMs;
  }

  monotonicMs(): number {
    return this.elapsedMs;
  }

  /** Sets the wall clock forward or (negative) back, as people and time servers do. The monotonic clock does not notice. */
  setBack(ms: number): void {
    this.skewMs -= ms;
  }

  /** Calls `ring` in `ms` milliseconds of simulated time; returns how to call it off. */
  after(ms: number, ring: () => void): () => void {
    const timer: Timer = { dueMs: this.elapsedMs + Math.max(0, ms), ring };
    let at = this.timers.length;
    while (at > 0 && (this.timers[at - 1]?.dueMs ?? 0) > timer.dueMs) at--;
    this.timers.splice(at, 0, timer);
    return () => {
      const place = this.timers.indexOf(timer);
      if (place !== -1) this.timers.splice(place, 1);
    };
  }

  wait(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const giveUp = () => {
        callOff();
        reject(signal.reason);
      };
      const callOff = this.after(ms, () => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      });
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  /** Lets everything that can happen at this instant happen. */
  settle(): Promise<void> {
    return settle();
  }

  /** Moves on by `ms`, ringing what becomes due on the way. */
  async advance(ms: number): Promise<void> {
    const targetMs = this.elapsedMs + ms;
    await settle();
    while ((this.timers[0]?.dueMs ?? Number.POSITIVE_INFINITY) <= targetMs) await this.ringNext();
    this.elapsedMs = targetMs;
  }

  /**
   * Moves on, from timer to timer, until the promise has settled, and gives what it gives. Throws `WorldStandsStill` if it never can, or if it
   * has not within `patienceMs` of simulated time.
   */
  async runUntil<T>(promise: Promise<T>, patienceMs: number = PATIENCE_MS): Promise<T> {
    let isOpen = true;
    const end = () => {
      isOpen = false;
    };
    promise.then(end, end);
    await this.runWhile(() => isOpen, patienceMs);
    return await promise;
  }

  /**
   * Moves on, from timer to timer, as long as this is true; it is asked whenever all has come to rest. Throws `WorldStandsStill` if it stays true
   * though nothing is due any more, or for longer than `patienceMs` of simulated time.
   */
  async runWhile(isOpen: () => boolean, patienceMs: number = PATIENCE_MS): Promise<void> {
    const limitMs = this.elapsedMs + patienceMs;
    await settle();
    while (isOpen()) {
      if (this.timers.length === 0)
        throw new WorldStandsStill('nothing is due any more, and what was awaited has not happened');
      if (this.elapsedMs > limitMs)
        throw new WorldStandsStill(`what was awaited did not happen within ${patienceMs} simulated ms`);
      await this.ringNext();
    }
  }

  /** Moves on until no timer is left. */
  async run(): Promise<void> {
    const limitMs = this.elapsedMs + PATIENCE_MS;
    await settle();
    while (this.timers.length > 0) {
      if (this.elapsedMs > limitMs)
        throw new WorldStandsStill(`the world did not come to rest within ${PATIENCE_MS} simulated ms`);
      await this.ringNext();
    }
  }

  private async ringNext(): Promise<void> {
    const timer = this.timers.shift();
    if (timer === undefined) return;
    this.elapsedMs = Math.max(this.elapsedMs, timer.dueMs);
    timer.ring();
    await settle();
  }
}
