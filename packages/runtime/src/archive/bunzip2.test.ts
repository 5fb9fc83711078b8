import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bunzip2 } from './bunzip2.js';

const packed = (bytes: Uint8Array, level = 9): Buffer =>
  execFileSync('bzip2', [`-${level}c`], { input: bytes, maxBuffer: 2 ** 30, stdio: ['pipe', 'pipe', 'ignore'] });

async function* inPieces(bytes: Buffer, pieceBytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

async function unpacked(bytes: Buffer, pieceBytes = 65_536): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of bunzip2(inPieces(bytes, pieceBytes))) pieces.push(piece);
  return Buffer.concat(pieces);
}

const noise = (length: number): Buffer => {
  let state = 1;
  return Buffer.from(
    Array.from({ length }, () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return state >>> 16;
    }),
  );
};

/** Writes bits by hand, for streams that no tool would make. */
class Bits {
  #text = '';
  put(value: number, bits: number): this {
    this.#text += value.toString(2).padStart(bits, '0');
    return this;
  }
  bytes(): Buffer {
    const octets = this.#text.match(/.{1,8}/g) ?? [];
    return Buffer.from(octets.map((octet) => Number.parseInt(octet.padEnd(8, '0'), 2)));
  }
}

/** A block that uses one byte value, with two equal tables whose codes are RUNA 0, RUNB 10, end 11. */
function blockOf(symbols: readonly ('0' | '10' | '11')[], origin = 0): Buffer {
  const bits = new Bits().put(0x425a6839, 32).put(0x314159, 24).put(0x265359, 24).put(0, 32).put(0, 1).put(origin, 24);
  bits.put(0x8000, 16).put(0x8000, 16);
  bits.put(2, 3).put(100, 15);
  for (let selector = 0; selector < 100; selector += 1) bits.put(0, 1);
  for (let table = 0; table < 2; table += 1) bits.put(1, 5).put(0, 1).put(0b100, 3).put(0, 1);
  for (const symbol of symbols) bits.put(Number.parseInt(symbol, 2), symbol.length);
  return Buffer.concat([bits.bytes(), Buffer.alloc(64)]);
}

describe('bzip2 without the tool', () => {
  it.each<[string, Buffer]>([
    ['nothing', Buffer.alloc(0)],
    ['one byte', Buffer.from('x')],
    ['runs of every length around the mark', Buffer.concat(Array.from({ length: 600 }, (_, n) => Buffer.alloc(n, n)))],
    ['zeros of many blocks', Buffer.alloc(50_000_000)],
    ['noise of many blocks', noise(2_500_000)],
    ['text', Buffer.from('The quick brown fox jumps over the lazy dog. '.repeat(20_000))],
    ['every byte', Buffer.from(Array.from({ length: 256 }, (_, n) => n))],
  ])('gives back %s', async (_, bytes) => {
    for (const level of [1, 9]) expect((await unpacked(packed(bytes, level))).equals(bytes)).toBe(true);
  });

  it('gives back anything the tool packed, in whatever pieces it arrives', async () => {
    const runs = fc.array(fc.tuple(fc.nat({ max: 255 }), fc.nat({ max: 700 })), { maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(
        runs,
        fc.uint8Array({ maxLength: 2000 }),
        fc.integer({ min: 1, max: 300 }),
        async (lengths, tail, pieceBytes) => {
          const bytes = Buffer.concat([...lengths.map(([byte, length]) => Buffer.alloc(length, byte)), tail]);
          expect((await unpacked(packed(bytes), pieceBytes)).equals(bytes)).toBe(true);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('reads streams that follow each other, and nothing else after a stream', async () => {
    const stream = packed(Buffer.from('one'));
    expect((await unpacked(Buffer.concat([stream, packed(Buffer.from('two'))]))).toString()).toBe('onetwo');
    for (const garbage of ['x', '\0', 'BZh', 'BZh9', 'garbage that is longer']) {
      await expect(unpacked(Buffer.concat([stream, Buffer.from(garbage)]))).rejects.toMatchObject({
        code: 'archiveCorrupt',
      });
    }
    await expect(unpacked(Buffer.alloc(0))).rejects.toMatchObject({ code: 'archiveCorrupt' });
  });

  it('refuses a stream wherever it is cut off', async () => {
    const whole = packed(Buffer.from('abracadabra '.repeat(50)));
    for (let length = 0; length < whole.length; length += 1) {
      await expect(unpacked(whole.subarray(0, length)), `${length} bytes`).rejects.toMatchObject({
        code: 'archiveCorrupt',
      });
    }
    // Of a stream that ends in a zero byte, every bit that matters is guessed right by whoever reads zeros after the end.
    const zeroEnded = packed(Buffer.from('x3'));
    expect(zeroEnded.at(-1)).toBe(0);
    await expect(unpacked(zeroEnded.subarray(0, -1))).rejects.toThrow('the stream ends in the middle');
  });

  it('refuses a stream whichever single bit is flipped, except the padding and the size of its blocks', async () => {
    const bytes = Buffer.from('abracadabra '.repeat(50));
    const whole = packed(bytes);
    let harmless = 0;
    for (let bit = 0; bit < whole.length * 8; bit += 1) {
      const flipped = Buffer.from(whole);
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      const found = await unpacked(flipped).catch((error: unknown) => error);
      if (Buffer.isBuffer(found)) {
        harmless += 1;
        expect(found.equals(bytes), `bit ${bit}`).toBe(true);
      } else {
        expect(found, `bit ${bit}`).toMatchObject({ code: 'archiveCorrupt' });
      }
    }
    expect(harmless).toBeLessThan(24);
  });

  it('refuses a run without end instead of counting for ever', async () => {
    await expect(unpacked(blockOf([...Array<'0'>(33).fill('0'), '11']))).rejects.toThrow('a run longer than any block');
    await expect(unpacked(blockOf([...Array<'0'>(20).fill('0'), '11']))).rejects.toThrow(
      'a block of more than 900000 bytes',
    );
    await expect(unpacked(blockOf(['0', '0', '11']))).rejects.toThrow('checksum, expected 00000000, found');
  });

  it('refuses blocks that point outside themselves or never end', async () => {
    await expect(unpacked(blockOf(['0', '11'], 1))).rejects.toThrow('a block of 1 bytes that begins at 1');
    await expect(unpacked(blockOf(['11']))).rejects.toThrow('a block of 0 bytes that begins at 0');
    await expect(unpacked(blockOf(['0', '0']))).rejects.toMatchObject({ code: 'archiveCorrupt' });
  });

  it('stops a bomb of a few hundred bytes at the first pieces, in bounded memory', async () => {
    const bomb = packed(Buffer.alloc(100_000_000));
    expect(bomb.length).toBeLessThan(1000);
    const before = process.memoryUsage().rss;
    let bytes = 0;
    for await (const piece of bunzip2(inPieces(bomb, 65_536))) {
      bytes += piece.length;
      if (bytes > 1_000_000) break;
    }
    expect(bytes).toBeLessThan(1_100_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(100e6);
  });
});
