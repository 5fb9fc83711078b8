import { corrupt, quoted } from '@lading/runtime/archive';

export const BLOCK_BYTES = 512;

/** One header of a tar archive (POSIX.1-2024, pax: ustar interchange format; GNU tar for sizes in base 256). */
export interface TarHeader {
  readonly name: string;
  readonly sizeBytes: number;
  readonly type: string;
}

const decoder = new TextDecoder();

/** A field: text up to the first NUL. */
function field(block: Uint8Array, from: number, length: number): string {
  const bytes = block.subarray(from, from + length);
  const end = bytes.indexOf(0);
  return decoder.decode(bytes.slice(0, end === -1 ? length : end));
}

function octal(block: Uint8Array, from: number, length: number): number {
  const text = field(block, from, length).trim();
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number.NaN;
}

function sizeIn(block: Uint8Array): number {
  if ((block[124] ?? 0) < 0x80) return octal(block, 124, 12);
  let size = (block[124] ?? 0) & 0x7f;
  for (const byte of block.subarray(125, 136)) size = size * 256 + byte;
  return size;
}

/** The checksum of a header counts its own field as spaces. */
function isWhole(block: Uint8Array): boolean {
  let sum = 8 * 0x20;
  for (const byte of block) sum += byte;
  for (const byte of block.subarray(148, 156)) sum -= byte;
  return sum === octal(block, 148, 8);
}

/** Null for a block of zeros. */
export function readHeader(block: Uint8Array): TarHeader | null {
  if (block.every((byte) => byte === 0)) return null;
  if (!isWhole(block)) throw corrupt('tar: expected a header, found a block whose checksum is wrong');
  const base = field(block, 0, 100);
  const prefix = field(block, 257, 5) === 'ustar' ? field(block, 345, 155) : '';
  const name = prefix === '' ? base : `${prefix}/${base}`;
  const sizeBytes = sizeIn(block);
  if (!Number.isSafeInteger(sizeBytes))
    throw corrupt(`${quoted(name)}: expected a size in whole bytes, found ${sizeBytes}`);
  // An old archive names its directories by a slash alone.
  const type = field(block, 156, 1);
  return { name, sizeBytes, type: (type === '' || type === '0') && name.endsWith('/') ? '5' : type };
}

/** The records of an extended header, `length key=value` and a newline each, the length in bytes. */
export function readRecords(bytes: Uint8Array): ReadonlyMap<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < bytes.length && bytes[at] !== 0; ) {
    const space = bytes.indexOf(0x20, at);
    const length = space === -1 ? Number.NaN : Number(decoder.decode(bytes.slice(at, space)));
    const equals = bytes.indexOf(0x3d, space);
    const end = at + length - 1;
    if (!Number.isSafeInteger(length) || equals === -1 || equals > end || bytes[end] !== 0x0a)
      throw corrupt('tar: an extended header that cannot be read');
    records.set(decoder.decode(bytes.slice(space + 1, equals)), decoder.decode(bytes.slice(equals + 1, end)));
    at += length;
  }
  return records;
}

/** A long name stands in a body of its own, ended by a NUL. */
export const readLongName = (bytes: Uint8Array): string => field(bytes, 0, bytes.length);
