/**
 * Sets of bytes of one file, as half-open ranges: what is held, what is durable, what is missing. In order, apart from each other, none empty.
 * Pure; every function gives a new set.
 */
export interface Range {
  readonly from: number;
  /** The byte behind the last. */
  readonly to: number;
}

export type Ranges = readonly Range[];

/** The first so many bytes. */
export const firstBytes = (bytes: number): Ranges => (bytes > 0 ? [{ from: 0, to: bytes }] : []);

export function withRange(ranges: Ranges, added: Range): Ranges {
  if (added.to <= added.from) return ranges;
  let { from, to } = added;
  const before: Range[] = [];
  const after: Range[] = [];
  for (const range of ranges) {
    if (range.to < from) before.push(range);
    else if (range.from > to) after.push(range);
    else {
      from = Math.min(from, range.from);
      to = Math.max(to, range.to);
    }
  }
  return [...before, { from, to }, ...after];
}

export function withoutRange(ranges: Ranges, removed: Range): Ranges {
  return ranges.flatMap(({ from, to }) =>
    [
      { from, to: Math.min(to, removed.from) },
      { from: Math.max(from, removed.to), to },
    ].filter((rest) => rest.from < rest.to),
  );
}

/** What of the first `sizeBytes` is not there. */
export function missingIn(ranges: Ranges, sizeBytes: number): Ranges {
  return ranges.reduce<Ranges>(withoutRange, firstBytes(sizeBytes));
}

/** What of the first `sizeBytes` is there. */
export const clipped = (ranges: Ranges, sizeBytes: number): Ranges =>
  withoutRange(ranges, { from: sizeBytes, to: Number.POSITIVE_INFINITY });

/** Bytes from the start without a hole. */
export function prefixOf(ranges: Ranges): number {
  const [first] = ranges;
  return first?.from === 0 ? first.to : 0;
}

export const bytesIn = (ranges: Ranges): number => ranges.reduce((sum, { from, to }) => sum + to - from, 0);

export const covers = (ranges: Ranges, { from, to }: Range): boolean =>
  from >= to || ranges.some((range) => range.from <= from && to <= range.to);

export const overlaps = (ranges: Ranges, { from, to }: Range): boolean =>
  ranges.some((range) => range.from < to && from < range.to);
