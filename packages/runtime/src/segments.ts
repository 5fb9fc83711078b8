import { type Range, type Ranges, withoutRange, withRange } from '@lading/core';

/** What one request brings: a part of a file. */
export interface Segment {
  /** The next byte that is wanted. */
  at: number;
  /** The byte behind the last; less than it was once another took a part over. */
  to: number;
}

/** A remainder is not halved below this, bytes: a request costs more than it brings. */
const SMALLEST_BYTES = 1024 * 1024;

/** The missing parts of a file and who brings them: each byte is wanted from one request at a time. */
export class Segments {
  private waiting: Ranges;
  private readonly underWay = new Set<Segment>();

  constructor(
    missing: Ranges,
    private readonly segmentBytes: number,
  ) {
    this.waiting = missing;
  }

  get isEmpty(): boolean {
    return this.waiting.length === 0 && this.underWay.size === 0;
  }

  /** The first part that nobody brings yet, in the order of the file, so that the first hole closes soon; null if there is none. */
  next(): Segment | null {
    const [first] = this.waiting;
    if (first === undefined) return null;
    const segment = { at: first.from, to: Math.min(first.to, first.from + this.segmentBytes) };
    this.waiting = withoutRange(this.waiting, { from: segment.at, to: segment.to });
    this.underWay.add(segment);
    return segment;
  }

  get hasWaiting(): boolean {
    return this.waiting.length > 0;
  }

  /** Half of what the slowest is still to bring; null if it will be done soon. `restMs` estimates the time that it needs. */
  steal(restMs: (segment: Segment) => number, leastMs: number): Segment | null {
    const slowest = [...this.underWay]
      .filter((segment) => segment.to - segment.at >= 2 * SMALLEST_BYTES && restMs(segment) >= leastMs)
      .reduce<Segment | null>((a, b) => (a === null || restMs(b) > restMs(a) ? b : a), null);
    if (slowest === null) return null;
    const middle = slowest.at + Math.ceil((slowest.to - slowest.at) / 2);
    const half = { at: middle, to: slowest.to };
    slowest.to = middle;
    this.underWay.add(half);
    return half;
  }

  /** A segment ends: what it has not brought waits again. */
  end(segment: Segment): void {
    this.underWay.delete(segment);
    if (segment.at < segment.to) this.add({ from: segment.at, to: segment.to });
  }

  /** A part is wanted again. */
  add(range: Range): void {
    this.waiting = withRange(this.waiting, range);
  }
}
