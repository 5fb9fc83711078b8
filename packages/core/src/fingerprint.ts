/**
 * A short fingerprint of text, to notice that something changed by accident or by a new revision. Two 53-bit mixes (cyrb53, public domain,
 * github.com/bryc/code). It is no protection against an attacker: the digest of the bytes is.
 */
function mix53(text: string, seed: number): number {
  let h1 = 0xdeadbeef ^ seed;
  let h2 = 0x41c6ce57 ^ seed;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    h1 = Math.imul(h1 ^ code, 2654435761);
    h2 = Math.imul(h2 ^ code, 1597334677);
  }
  h1 = Math.imul(h1 ^ (h1 >>> 16), 2246822507) ^ Math.imul(h2 ^ (h2 >>> 13), 3266489909);
  h2 = Math.imul(h2 ^ (h2 >>> 16), 2246822507) ^ Math.imul(h1 ^ (h1 >>> 13), 3266489909);
  return 4294967296 * (2097151 & h2) + (h1 >>> 0);
}

/** 28 hex digits that are equal for equal text on every runtime. */
export function fingerprintOf(text: string): string {
  // Joined, and not added: a sum keeps both its parts.
  return [1, 2].map((seed) => mix53(text, seed).toString(16).padStart(14, '0')).join('');
}
