import type { Fault } from '@lading/core';
import { FaultError } from './fault-error.js';
import { OVER } from './over.js';
import type { Patrol, Watched } from './patrol.js';
import type { Clock } from './ports.js';

/** A body slower than this per four stall times is a stall too: slow retrieval (http rows 42, 43). */
const MINIMUM_BYTES = 1024;
const WINDOWS = 4;
/** The wall clock went on by so much more than ours: the machine slept, and whoever was at the other end has gone, milliseconds. */
const JUMP_MS = 30_000;
/** Without a byte for so long it is quiet, which is no fault yet, milliseconds. */
const QUIET_MS = 2_000;

/**
 * Ends a request that does not move. Until the head of the response is there, nothing counts as progress: not a connection, not an interim
 * reply, not a dripping head. Then every byte does, but a drip is too slow over the longer window.
 */
export class Watchdog implements Watched {
  private readonly clock: Clock;
  private readonly controller = new AbortController();
  private lastByteMs: number;
  private windowStartMs: number;
  private windowBytes = 0;
  private isBody = false;
  private pausedMs: number | null = null;
  private isQuiet = false;
  /** The wall clock less ours. */
  private readonly offsetMs: number;

  /** `onQuiet` is called once for each silence that may become a stall. */
  constructor(
    private readonly patrol: Patrol,
    private readonly stallMs: number,
    private readonly subject: string,
    private readonly onQuiet: () => void = () => undefined,
  ) {
    this.clock = patrol.clock;
    this.lastByteMs = this.clock.monotonicMs();
    this.windowStartMs = this.lastByteMs;
    this.offsetMs = this.clock.now() - this.lastByteMs;
    patrol.join(this, Math.min(stallMs, QUIET_MS));
  }

  /** The signal of the request: aborts when it stalled, with a `FaultError` as its reason, when it is ended, and when it is over before all of it was read. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  headCame(): void {
    this.isBody = true;
    this.lastByteMs = this.clock.monotonicMs();
    this.windowStartMs = this.lastByteMs;
  }

  bytesCame(bytes: number): void {
    this.lastByteMs = this.clock.monotonicMs();
    this.isQuiet = false;
    this.windowBytes += bytes;
  }

  /** Time in which we do not read is not the server's: it counts for nothing until `resume`. */
  pause(): void {
    this.pausedMs ??= this.clock.monotonicMs();
  }

  resume(): void {
    if (this.pausedMs === null) return;
    const now = this.clock.monotonicMs();
    this.windowStartMs += now - this.pausedMs;
    this.lastByteMs = now;
    this.pausedMs = null;
  }

  end(reason: unknown): void {
    this.patrol.leave(this);
    this.controller.abort(reason);
  }

  /** The request is over. What was read to its end has let go of everything: to abort it costs more than to judge its head. */
  stop(isRead = false): void {
    if (isRead) this.patrol.leave(this);
    else this.end(OVER);
  }

  /** Milliseconds until it is to be looked at again; null once the request has been ended. */
  look(): number | null {
    if (this.pausedMs !== null) return Math.min(this.stallMs, QUIET_MS);
    const now = this.clock.monotonicMs();
    if (this.clock.now() - now - this.offsetMs >= JUMP_MS) return this.wakeUp();
    const quietMs = now - this.lastByteMs;
    if (quietMs >= this.stallMs) return this.bark(`no byte for ${this.stallMs} ms`);
    if (quietMs >= QUIET_MS && !this.isQuiet) {
      this.isQuiet = true;
      this.onQuiet();
    }
    const windowMs = now - this.windowStartMs;
    if (this.isBody && windowMs >= this.stallMs * WINDOWS) {
      if (this.windowBytes < MINIMUM_BYTES)
        return this.bark(`only ${this.windowBytes} bytes in ${Math.round(windowMs)} ms`);
      this.windowStartMs = now;
      this.windowBytes = 0;
    }
    // Also in a silence one looks again: it may have ended, and another begun.
    return this.isQuiet ? Math.min(this.stallMs - quietMs, QUIET_MS) : Math.min(this.stallMs, QUIET_MS) - quietMs;
  }

  /** No attempt is charged: nobody did anything wrong. */
  private wakeUp(): null {
    const message = `${this.subject}: the clock has jumped, as it does when a machine sleeps; the connection is taken for dead`;
    this.end(FaultError.of('interrupted', 'clockJumped', message, { requests: 0 }));
    return null;
  }

  private bark(why: string): null {
    const fault: Fault = this.isBody
      ? { type: 'stalled', detail: 'body', message: `${this.subject}: the server stopped sending: ${why}` }
      : { type: 'networkTimeout', detail: 'head', message: `${this.subject}: the server did not answer: ${why}` };
    this.end(new FaultError(fault));
    return null;
  }
}
