/**
 * Bytes that anybody can make again from a seed, on any machine: content for tests that never has to be stored.
 * Not for secrets. `packages/cli/src/demo-bytes.ts` holds the same few lines, because products never import specs.
 */
import { createHash } from 'node:crypto';

/**
 * The 32-bit word at one place of a seed's stream (splitmix32, as a function of the place instead of a running state).
 * The seed enters twice: added once only, two seeds would give one stream at two offsets.
 */
function wordAt(seed: number, place: number): number {
  let word = (Math.imul(place + 1, 0x9e3779b9) + seed) | 0;
  word = Math.imul(word ^ (word >>> 16), 0x21f0aaad) ^ seed;
  word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
  return word ^ (word >>> 15);
}

/** `length` bytes that depend on the seed alone; a shorter request gives a prefix of a longer one. */
export function seededBytes(seed: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  // Byte by byte and not through a Uint32Array, whose byte order is the machine's.
  for (let at = 0; at < length; at += 4) {
    const word = wordAt(seed, at / 4);
    bytes[at] = word;
    bytes[at + 1] = word >>> 8;
    bytes[at + 2] = word >>> 16;
    bytes[at + 3] = word >>> 24;
  }
  return bytes;
}

export function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
