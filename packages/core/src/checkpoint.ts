import type { Checkpoint } from './event.js';
import { bytesIn, clipped, firstBytes, prefixOf, type Ranges } from './ranges.js';

/** The ranges of a file that a checkpoint counts on. */
export const rangesOf = ({ bytes, spans }: Pick<Checkpoint, 'bytes' | 'spans'>): Ranges => [
  ...firstBytes(bytes),
  ...(spans ?? []),
];

/** Bytes that a checkpoint counts on, those beyond a hole included. */
export const bytesOf = ({ bytes, spans }: Checkpoint): number => bytes + bytesIn(spans ?? []);

/** A checkpoint over these ranges, which came from one source. */
export function checkpointOf(ranges: Ranges, from: Pick<Checkpoint, 'validator' | 'origin'>): Checkpoint {
  const { validator, origin } = from;
  const bytes = prefixOf(ranges);
  const spans = bytes === 0 ? ranges : ranges.slice(1);
  // Where there are none the key is absent, as in every journal before there were any.
  return spans.length === 0 ? { bytes, validator, origin } : { bytes, validator, origin, spans };
}

/** What of a checkpoint lies within the first so many bytes; null if nothing does. The disk may hold less than was recorded, never more. */
export function lowered(checkpoint: Checkpoint, sizeBytes: number): Checkpoint | null {
  const ranges = clipped(rangesOf(checkpoint), sizeBytes);
  const bytes = bytesIn(ranges);
  if (bytes === 0) return null;
  return bytes === bytesOf(checkpoint) ? checkpoint : checkpointOf(ranges, checkpoint);
}
