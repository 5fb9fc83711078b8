import { corrupt } from './archive-error.js';
import { BitReader } from './bit-reader.js';
import { linkCells, readBlock } from './bzip2-block.js';

const BLOCK_STEP_BYTES = 100_000;
/**
 * No block is longer than its declared size times the longest code (20 bits), plus tables and selectors; with so much within reach a
 * block can be read without waiting.
 */
const reachBytes = (capacity: number): number => Math.ceil((capacity * 20) / 8) + 64 * 1024;
/** Bytes handed on at a time. One block may unfold into 46 MB, which must never lie in memory at once. */
const OUTPUT_BYTES = 64 * 1024;
/** Equal bytes after which the next byte says how many more there are. */
const RUN_MARK = 4;

const BLOCK_MAGIC = [0x314159, 0x265359] as const;
const END_MAGIC = [0x177245, 0x385090] as const;

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte << 24;
  for (let bit = 0; bit < 8; bit += 1) value = value & 0x80000000 ? (value << 1) ^ 0x04c11db7 : value << 1;
  return value >>> 0;
});

/** A block's bytes in order, their runs unfolded, in pieces of at most 64 KiB. Refuses a block whose checksum differs. */
function* unfold(cells: Uint32Array, count: number, origin: number, expectedCrc: number): Generator<Uint8Array> {
  let crc = 0xffffffff;
  let cell = cells[origin] as number;
  let previous = -1;
  let equal = 0;
  let out = new Uint8Array(OUTPUT_BYTES);
  let filled = 0;
  for (let done = 0; done < count; done += 1) {
    cell = cells[cell >>> 8] as number;
    let byte = cell & 0xff;
    let copies = 1;
    if (equal === RUN_MARK) {
      copies = byte;
      byte = previous;
      equal = 0;
      previous = -1;
    } else if (byte === previous) {
      equal += 1;
    } else {
      previous = byte;
      equal = 1;
    }
    for (; copies > 0; copies -= 1) {
      crc = (crc << 8) ^ (CRC_TABLE[(crc >>> 24) ^ byte] as number);
      out[filled++] = byte;
      if (filled === OUTPUT_BYTES) {
        yield out;
        out = new Uint8Array(OUTPUT_BYTES);
        filled = 0;
      }
    }
  }
  if (filled > 0) yield out.subarray(0, filled);
  const found = ~crc >>> 0;
  if (found !== expectedCrc)
    throw corrupt(`bzip2: a block's checksum, expected ${hex(expectedCrc)}, found ${hex(found)}`);
}

const hex = (value: number): string => value.toString(16).padStart(8, '0');

/** Reads one stream, of which `BZh` is still to come, to its end. */
async function* readStream(bits: BitReader): AsyncGenerator<Uint8Array> {
  const isNamed = bits.read(24) === 0x425a68;
  const level = bits.read(8) - 0x30;
  if (!isNamed || level < 1 || level > 9)
    throw corrupt('bzip2: expected a stream that begins with BZh1 to BZh9, found other bytes');
  const capacity = level * BLOCK_STEP_BYTES;
  const cells = new Uint32Array(capacity);
  let streamCrc = 0;
  for (;;) {
    await bits.fill(reachBytes(capacity));
    const magic = [bits.read(24), bits.read(24)] as const;
    const crc = bits.read32();
    if (magic[0] === END_MAGIC[0] && magic[1] === END_MAGIC[1]) {
      if (crc !== streamCrc)
        throw corrupt(`bzip2: the stream's checksum, expected ${hex(crc)}, found ${hex(streamCrc)}`);
      bits.align();
      return;
    }
    if (magic[0] !== BLOCK_MAGIC[0] || magic[1] !== BLOCK_MAGIC[1])
      throw corrupt('bzip2: expected a block, found other bytes');
    const { count, origin } = readBlock(bits, cells, capacity);
    linkCells(cells, count);
    yield* unfold(cells, count, origin, crc);
    streamCrc = (((streamCrc << 1) | (streamCrc >>> 31)) ^ crc) >>> 0;
  }
}

/**
 * Unpacks bzip2 where the system has no tool for it. Promise: bounded memory (one block of at most 900 KB, its compressed form,
 * 64 KiB of output) and bounded time per output byte whatever the input; every block and every stream is checked against its
 * checksum. Streams may follow each other; anything else after a stream is refused, and so is an empty input.
 *
 * Source: bzip2 1.0.8 (decompress.c, huffman.c) for the layout, which no standard describes.
 */
export async function* bunzip2(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const bits = new BitReader(source);
  try {
    do {
      await bits.fill(8);
      yield* readStream(bits);
      await bits.fill(1);
    } while (!bits.isAtEnd);
  } finally {
    await bits.close();
  }
}
