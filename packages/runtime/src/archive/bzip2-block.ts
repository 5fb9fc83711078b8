import { corrupt } from './archive-error.js';
import type { BitReader } from './bit-reader.js';

/** The longest code the format allows; a table of limits is left-aligned to it, so that one look decides a symbol's length. */
const MAX_CODE_BITS = 20;
/** Symbols between two changes of the Huffman table. */
const GROUP_SYMBOLS = 50;
/** A run is written in bijective base 2; more digits than these cannot fit any block. */
const MAX_RUN_DIGITS = 20;

interface HuffmanTable {
  readonly minBits: number;
  readonly maxBits: number;
  /** By length: the greatest code of that length, left-aligned to 20 bits, or -1. */
  readonly limit: Int32Array;
  /** By length: what to take off a code to get its place in `symbols`. */
  readonly base: Int32Array;
  readonly symbols: Uint16Array;
}

function readUsedBytes(bits: BitReader): Uint8Array {
  const used: number[] = [];
  const ranges = bits.read(16);
  for (let range = 0; range < 16; range += 1) {
    if ((ranges & (0x8000 >> range)) === 0) continue;
    const members = bits.read(16);
    for (let member = 0; member < 16; member += 1) {
      if ((members & (0x8000 >> member)) !== 0) used.push(range * 16 + member);
    }
  }
  if (used.length === 0) throw corrupt('bzip2: a block uses no byte at all');
  return Uint8Array.from(used);
}

function readSelectors(bits: BitReader, tableCount: number): Uint8Array {
  const selectors = new Uint8Array(bits.read(15));
  const order = Array.from({ length: tableCount }, (_, table) => table);
  for (let at = 0; at < selectors.length; at += 1) {
    let place = 0;
    while (bits.read(1) === 1) {
      place += 1;
      if (place >= tableCount) throw corrupt('bzip2: a selector names a table that does not exist');
    }
    const [table] = order.splice(place, 1) as [number];
    order.unshift(table);
    selectors[at] = table;
  }
  return selectors;
}

function readCodeLengths(bits: BitReader, symbolCount: number): Uint8Array {
  const lengths = new Uint8Array(symbolCount);
  let length = bits.read(5);
  for (let symbol = 0; symbol < symbolCount; symbol += 1) {
    for (;;) {
      if (length < 1 || length > MAX_CODE_BITS) throw corrupt(`bzip2: a code of ${length} bits, expected 1 to 20`);
      if (bits.read(1) === 0) break;
      length += bits.read(1) === 0 ? 1 : -1;
    }
    lengths[symbol] = length;
  }
  return lengths;
}

function tableOf(lengths: Uint8Array): HuffmanTable {
  const limit = new Int32Array(MAX_CODE_BITS + 1).fill(-1);
  const base = new Int32Array(MAX_CODE_BITS + 1);
  const symbols = new Uint16Array(lengths.length);
  let filled = 0;
  let code = 0;
  for (let length = 1; length <= MAX_CODE_BITS; length += 1) {
    base[length] = code - filled;
    const before = filled;
    for (let symbol = 0; symbol < lengths.length; symbol += 1) {
      if (lengths[symbol] === length) symbols[filled++] = symbol;
    }
    code += filled - before;
    // Every code of this length or less lies at or below the last one given out; the rest are prefixes of longer ones.
    if (filled > before) limit[length] = ((code << (MAX_CODE_BITS - length)) - 1) | 0;
    code <<= 1;
  }
  return { minBits: Math.min(...lengths), maxBits: Math.max(...lengths), limit, base, symbols };
}

function readSymbol(bits: BitReader, table: HuffmanTable): number {
  const ahead = bits.peek(MAX_CODE_BITS);
  for (let length = table.minBits; length <= table.maxBits; length += 1) {
    if (ahead > (table.limit[length] as number)) continue;
    bits.take(length);
    const symbol = table.symbols[(ahead >>> (MAX_CODE_BITS - length)) - (table.base[length] as number)];
    if (symbol === undefined) break;
    return symbol;
  }
  throw corrupt('bzip2: a code that stands for nothing');
}

/**
 * Reads one block (after its magic number and checksum) into `cells`, each a byte of the block's last column.
 * Returns how many there are and where the original begins. Refuses more than `capacity` bytes, whatever the block claims.
 */
export function readBlock(bits: BitReader, cells: Uint32Array, capacity: number): { count: number; origin: number } {
  if (bits.read(1) === 1) throw corrupt('bzip2: a randomised block, which no bzip2 since 1999 writes');
  const origin = bits.read(24);
  const used = readUsedBytes(bits);
  const tableCount = bits.read(3);
  if (tableCount < 2 || tableCount > 6) throw corrupt(`bzip2: ${tableCount} tables, expected 2 to 6`);
  const selectors = readSelectors(bits, tableCount);
  const endOfBlock = used.length + 1;
  const tables = Array.from({ length: tableCount }, () => tableOf(readCodeLengths(bits, endOfBlock + 1)));

  // `used` becomes the move-to-front list.
  let count = 0;
  let run = 0;
  let runDigits = 0;
  for (let group = 0; group < selectors.length; group += 1) {
    const table = tables[selectors[group] as number] as HuffmanTable;
    for (let left = GROUP_SYMBOLS; left > 0; left -= 1) {
      const symbol = readSymbol(bits, table);
      if (symbol <= 1) {
        // Far beyond it the shift wraps, and a run would come out negative and pass every other check.
        if (runDigits >= MAX_RUN_DIGITS) throw corrupt('bzip2: a run longer than any block');
        run += (symbol + 1) << runDigits;
        runDigits += 1;
        continue;
      }
      if (runDigits > 0) {
        if (count + run > capacity) throw corrupt(`bzip2: a block of more than ${capacity} bytes`);
        cells.fill(used[0] as number, count, count + run);
        count += run;
        run = 0;
        runDigits = 0;
      }
      if (symbol === endOfBlock) {
        if (origin >= count) throw corrupt(`bzip2: a block of ${count} bytes that begins at ${origin}`);
        return { count, origin };
      }
      if (count >= capacity) throw corrupt(`bzip2: a block of more than ${capacity} bytes`);
      const byte = used[symbol - 1] as number;
      used.copyWithin(1, 0, symbol - 1);
      used[0] = byte;
      cells[count++] = byte;
    }
  }
  throw corrupt('bzip2: a block without an end');
}

/** Undoes the Burrows-Wheeler transform: afterwards the upper 24 bits of each cell say which cell holds the next byte. */
export function linkCells(cells: Uint32Array, count: number): void {
  const next = new Uint32Array(257);
  for (let at = 0; at < count; at += 1) {
    const byte = (cells[at] as number) & 0xff;
    next[byte + 1] = (next[byte + 1] as number) + 1;
  }
  for (let byte = 0; byte < 256; byte += 1) next[byte + 1] = (next[byte + 1] as number) + (next[byte] as number);
  for (let at = 0; at < count; at += 1) {
    const byte = (cells[at] as number) & 0xff;
    const place = next[byte] as number;
    next[byte] = place + 1;
    cells[place] = ((cells[place] as number) & 0xff) | (at << 8);
  }
}
