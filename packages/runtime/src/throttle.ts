import type { Clock } from './ports.js';

/** Time that may be made up after a pause, milliseconds: keeps the average true without a burst. */
const SLACK_MS = 200;

/** Holds all transfers together below a rate: each chunk is paid for in time before the next is read. */
export class Throttle {
  private paidUntilMs: number;

  constructor(
    private readonly clock: Clock,
    private readonly bytesPerSecond: number,
  ) {
    this.paidUntilMs = clock.monotonicMs();
  }

  /** Whether it is we who limit. */
  get isLimited(): boolean {
    return this.bytesPerSecond !== Number.POSITIVE_INFINITY;
  }

  async take(bytes: number, signal: AbortSignal): Promise<void> {
    if (!this.isLimited) return;
    const now = this.clock.monotonicMs();
    this.paidUntilMs = Math.max(this.paidUntilMs, now - SLACK_MS) + (bytes / this.bytesPerSecond) * 1000;
    if (this.paidUntilMs > now) await this.clock.wait(this.paidUntilMs - now, signal);
  }
}
