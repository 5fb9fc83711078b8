/**
 * The content of the demo's large files: bytes that follow from a file's name, so nobody has to ship or store them, and any
 * range can be made without the bytes before it. `manifests/generate-demo.mjs` reads this very file to compute the digests
 * of `manifests/demo.json`; a change here needs a new run of it.
 */

/** FNV-1a, 32 bits. */
function seedOf(name: string): number {
  let seed = 0x811c9dc5;
  for (let at = 0; at < name.length; at += 1) seed = Math.imul(seed ^ name.charCodeAt(at), 0x01000193);
  return seed;
}

/** splitmix32 as a function of the place; the seed enters twice, or two names would give one stream at two offsets. */
function wordAt(seed: number, place: number): number {
  let word = (Math.imul(place + 1, 0x9e3779b9) + seed) | 0;
  word = Math.imul(word ^ (word >>> 16), 0x21f0aaad) ^ seed;
  word = Math.imul(word ^ (word >>> 15), 0x735a2d97);
  return word ^ (word >>> 15);
}

/** The bytes `[from, to)` of the endless stream that belongs to a name. */
export function demoBytes(name: string, from: number, to: number): Uint8Array {
  const seed = seedOf(name);
  const firstWord = Math.floor(from / 4);
  const bytes = new Uint8Array((Math.ceil(to / 4) - firstWord) * 4);
  for (let at = 0; at < bytes.length; at += 4) {
    const word = wordAt(seed, firstWord + at / 4);
    bytes[at] = word;
    bytes[at + 1] = word >>> 8;
    bytes[at + 2] = word >>> 16;
    bytes[at + 3] = word >>> 24;
  }
  return bytes.subarray(from - firstWord * 4, to - firstWord * 4);
}
