/** Bytes for the suites, made and hashed with what every runtime has: nothing here knows a platform. */
const BLOCK_BYTES = 512;

export const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** Bytes that a seed decides, not all alike; a shorter request gives a prefix of a longer one. */
export function seeded(seed: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = (seed * 0x9e3779b9) >>> 0;
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

async function hex(algorithm: 'SHA-256' | 'SHA-1', bytes: Uint8Array): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest(algorithm, Uint8Array.from(bytes)));
  return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

export const sha256 = (bytes: Uint8Array): Promise<string> => hex('SHA-256', bytes);
export const sha1 = (bytes: Uint8Array): Promise<string> => hex('SHA-1', bytes);

export interface Member {
  readonly name: string;
  /** The type flag of the header: `0` a regular file, `5` a folder, `2` a symbolic link. */
  readonly type?: string;
  readonly bytes?: Uint8Array;
  readonly target?: string;
}

function header({ name, type = '0', bytes, target = '' }: Member): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES);
  const put = (value: string, at: number): void => block.set(text(value), at);
  const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, '0');
  put(name, 0);
  put(octal(0o644, 7), 100);
  put(octal(0, 7), 108);
  put(octal(0, 7), 116);
  put(octal(bytes?.length ?? 0, 11), 124);
  put(octal(0, 11), 136);
  put(' '.repeat(8), 148);
  put(type, 156);
  put(target, 157);
  put('ustar', 257);
  put('00', 263);
  // The sum is taken with its own field as spaces.
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(`${octal(sum, 6)}\0 `, 148);
  return block;
}

/** The two blocks of zeros that end a tar archive, bytes. */
export const END_MARK_BYTES = 2 * BLOCK_BYTES;

/** An uncompressed tar archive (POSIX.1-1988 ustar). */
export function tarOf(members: readonly Member[]): Uint8Array {
  const parts = members.flatMap((member) => {
    const bytes = member.bytes ?? new Uint8Array(0);
    const padding = (BLOCK_BYTES - (bytes.length % BLOCK_BYTES)) % BLOCK_BYTES;
    return [header(member), bytes, new Uint8Array(padding)];
  });
  return joined(...parts, new Uint8Array(END_MARK_BYTES));
}
