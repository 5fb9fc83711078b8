import type { Headers } from './validator.js';

/**
 * What a server says of the bytes of one message (RFC 9530 §2): of a part, its own digest, another one than that of the file. Who checks it
 * over what came knows that these bytes were spoilt on the way, and has only these to fetch again. It is never a reason to trust bytes.
 */
export interface ContentDigest {
  readonly algorithm: 'sha256' | 'sha512';
  /** Lower case. */
  readonly hex: string;
}

/** Strongest last; others (md5, sha, adler, crc32c) are not checked (RFC 9530 §5). */
const ALGORITHMS = [
  { key: 'sha-256', algorithm: 'sha256', bytes: 32 },
  { key: 'sha-512', algorithm: 'sha512', bytes: 64 },
] as const;

/** A dictionary longer than this is not read: it says nothing that is needed. */
const MAX_LENGTH = 1_024;
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** The strongest digest that `Content-Digest` tells; null if it tells none, or is malformed, which is ignored (RFC 8941 §4.2). */
export function readContentDigest(headers: Headers): ContentDigest | null {
  const text = headers['content-digest'];
  if (text === undefined || text.length > MAX_LENGTH) return null;
  const told = new Map<string, string>();
  for (const member of text.split(',')) {
    const match = /^[ \t]*([a-z*][a-z0-9_.*-]*)=:([A-Za-z0-9+/]*={0,2}):[ \t]*$/.exec(member);
    if (match?.[1] === undefined || match[2] === undefined) return null;
    // Of a key that comes twice the last one counts (RFC 8941 §3.2).
    told.set(match[1], match[2]);
  }
  let strongest: ContentDigest | null = null;
  for (const { key, algorithm, bytes } of ALGORITHMS) {
    const hex = hexOf(told.get(key) ?? '');
    if (hex?.length === 2 * bytes) strongest = { algorithm, hex };
  }
  return strongest;
}

function hexOf(base64: string): string | null {
  if (base64.length % 4 !== 0) return null;
  let bits = 0;
  let held = 0;
  let hex = '';
  for (const char of base64.replace(/=+$/, '')) {
    held = ((held << 6) | ALPHABET.indexOf(char)) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    hex += ((held >> bits) & 0xff).toString(16).padStart(2, '0');
  }
  return hex;
}
