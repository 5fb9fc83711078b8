import { corrupt, quoted } from './archive-error.js';

export const BLOCK_BYTES = 512;

/** One header of a tar archive (POSIX.1-2024, pax: ustar interchange format; GNU tar for sizes in base 256). */
export interface TarHeader {
  readonly name: string;
  readonly sizeBytes: number;
  readonly type: string;
}

const decoder = new TextDecoder();
const encoder = new TextEncoder();

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

/** The largest size that eleven octal digits hold. */
const OCTAL_BYTES = 8 ** 11;
const NAME_BYTES = 100;

const octalText = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`;

function block(name: string, sizeBytes: number, type: '0' | 'x'): Uint8Array {
  const header = new Uint8Array(BLOCK_BYTES);
  const put = (text: string, at: number) => header.set(encoder.encode(text), at);
  put(name.slice(0, NAME_BYTES), 0);
  put(octalText(0o644, 7), 100);
  put(octalText(0, 7), 108);
  put(octalText(0, 7), 116);
  put(octalText(sizeBytes < OCTAL_BYTES ? sizeBytes : 0, 11), 124);
  put(octalText(0, 11), 136);
  put(' '.repeat(8), 148);
  put(type, 156);
  put('ustar\u000000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  put(`${octalText(sum, 6)} `, 148);
  return header;
}

/** One record of an extended header: its length counts the digits that tell it. */
function record(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return `${length}${rest}`;
}

/** What stands before a file: a header, and before it an extended one for what the header has no room for. The name is ASCII. */
export function writeHeader(name: string, sizeBytes: number): Uint8Array {
  const records = [
    ...(name.length > NAME_BYTES ? [record('path', name)] : []),
    ...(sizeBytes >= OCTAL_BYTES ? [record('size', String(sizeBytes))] : []),
  ].join('');
  const header = block(name, sizeBytes, '0');
  if (records === '') return header;
  const all = new Uint8Array(2 * BLOCK_BYTES + paddedBytes(records.length));
  all.set(block('extended-header', records.length, 'x'), 0);
  all.set(encoder.encode(records), BLOCK_BYTES);
  all.set(header, all.length - BLOCK_BYTES);
  return all;
}

/** What a body takes up: whole blocks. */
export const paddedBytes = (sizeBytes: number): number => Math.ceil(sizeBytes / BLOCK_BYTES) * BLOCK_BYTES;

/** Two blocks of zeros: nothing comes after them. */
export const END_BYTES = 2 * BLOCK_BYTES;
