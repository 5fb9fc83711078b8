/** Luck that a seed decides: numbers in [0, 1), the same ones for the same seed on every runtime (mulberry32). */
export function seededLuck(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Bytes that a seed decides, for contents that are not all alike. */
export function seededBytes(seed: number, length: number): Uint8Array {
  const luck = seededLuck(seed);
  return Uint8Array.from({ length }, () => Math.floor(luck() * 256));
}
