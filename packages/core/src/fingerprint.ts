const FACTOR_1 = 2654435761;
const FACTOR_2 = 1597334677;

function finished(a: number, b: number): string {
  const h1 = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  const h2 = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(h1 ^ (h1 >>> 13), 3266489909);
  return (4294967296 * (2097151 & h2) + (h1 >>> 0)).toString(16).padStart(14, '0');
}

/**
 * A short fingerprint of text, to notice that something changed by accident or by a new revision: 28 hex digits that are equal for equal text on every
 * runtime. Two 53-bit mixes (cyrb53, public domain, github.com/bryc/code). It is no protection against an attacker: the digest of the bytes is.
 */
export function fingerprintOf(text: string): string {
  // Two seeds, one pass.
  let a1 = 0xdeadbeef ^ 1;
  let a2 = 0x41c6ce57 ^ 1;
  let b1 = 0xdeadbeef ^ 2;
  let b2 = 0x41c6ce57 ^ 2;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    a1 = Math.imul(a1 ^ code, FACTOR_1);
    a2 = Math.imul(a2 ^ code, FACTOR_2);
    b1 = Math.imul(b1 ^ code, FACTOR_1);
    b2 = Math.imul(b2 ^ code, FACTOR_2);
  }
  // Joined, and not added: a sum keeps both its parts.
  return [finished(a1, a2), finished(b1, b2)].join('');
}
