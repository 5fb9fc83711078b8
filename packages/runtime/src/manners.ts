import { redactUrl } from '@lading/core';
import { FaultError } from './fault-error.js';
import type { Clock } from './ports.js';

/** What servers have asked of everybody who fetches here, while this program lives: to be left alone, or not to be asked for parts. */
export class Manners {
  /** Origins that are left alone, with the end of it on the monotonic clock, milliseconds. */
  private readonly pauses = new Map<string, number>();
  private readonly rangeless = new Set<string>();

  constructor(
    private readonly clock: Clock,
    /** No server is obeyed for longer, milliseconds. */
    private readonly longestMs: number,
  ) {}

  /** 429 or 503 with `Retry-After` (RFC 9110 §10.2.3) is about the host, not about one file. */
  leaveAlone(origin: string, ms: number): void {
    const end = this.clock.monotonicMs() + Math.min(ms, this.longestMs);
    this.pauses.set(origin, Math.max(end, this.pauses.get(origin) ?? 0));
  }

  /** Throws the fault of whoever would disturb a host before its time. It costs no attempt: nothing was asked. */
  knock(origin: string | null, url: string): void {
    const leftMs = (this.pauses.get(origin ?? '') ?? 0) - this.clock.monotonicMs();
    if (leftMs <= 0) return;
    throw FaultError.of(
      'serverError',
      'hostPaused',
      `${redactUrl(url)}: its server has asked for a pause, ${Math.ceil(leftMs / 1000)} s of which are left`,
      { retryAfterMs: Math.ceil(leftMs), requests: 0 },
    );
  }

  /** `Accept-Ranges: none` (RFC 9110 §14.3): a part is not asked for again. */
  takeWhole(url: string): void {
    this.rangeless.add(url);
  }

  isRangeless(url: string): boolean {
    return this.rangeless.has(url);
  }
}
