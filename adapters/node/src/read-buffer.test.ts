import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { giveBack, handOut } from './block.js';
import { joined, ReadBuffer } from './read-buffer.js';

describe('what a connection reads', () => {
  it('lies one behind the other, so that two reads are one piece without a copy', () => {
    const buffer = new ReadBuffer();
    const room = buffer.room();
    room.write('abcdef');
    const [first, second] = [buffer.take(2), buffer.take(4)];
    expect(joined(first, second)?.toString()).toBe('abcdef');
    expect(joined(first, second)?.buffer).toBe(room.buffer);
    buffer.close();
  });

  it('moves over what was between, if it is small', () => {
    const buffer = new ReadBuffer();
    buffer.room().write('ab??cd');
    const [first, , third] = [buffer.take(2), buffer.take(2), buffer.take(2)];
    expect(joined(first, third)?.toString()).toBe('abcd');
    const large = buffer.take(5_000);
    expect(joined(first, large)).toBe(null);
    buffer.close();
  });

  it('goes into another block when one is full, and is two pieces then', () => {
    const buffer = new ReadBuffer();
    const all = buffer.room().length;
    const first = buffer.take(all);
    expect(buffer.room().length).toBe(all);
    expect(joined(first, buffer.take(10))).toBe(null);
    buffer.close();
  });

  it('is small for each of many connections', () => {
    const many = Array.from({ length: 9 }, () => new ReadBuffer());
    expect(many[0]?.room().length).toBe(64 * 1024);
    for (const buffer of many) buffer.close();
    const again = new ReadBuffer();
    expect(again.room().length).toBe(512 * 1024);
    again.close();
  });

  it('is read into again when all of it has been given back, and not before', () => {
    const buffer = new ReadBuffer();
    const room = buffer.room();
    const [head, rest] = [buffer.take(100), buffer.take(room.length - 100)];
    handOut(head);
    handOut(rest);
    const second = buffer.room();
    expect(second.buffer).not.toBe(room.buffer);
    giveBack(rest);
    // Twice is once, and what was only cut from a piece is nobody's to give.
    giveBack(rest);
    giveBack(head.subarray(0, 50));
    buffer.take(second.length);
    const third = buffer.room();
    expect(third.buffer).not.toBe(room.buffer);
    giveBack(head);
    buffer.take(third.length);
    expect(buffer.room().buffer).toBe(room.buffer);
    giveBack(rest.subarray(0, 0));
    buffer.close();
  });

  it('stays as it is for whoever has not given it back, whatever two connections read', () => {
    const step = fc.record({
      connection: fc.nat(1),
      bytes: fc.integer({ min: 1, max: 300_000 }),
      back: fc.array(fc.nat(), { maxLength: 3 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const buffers = [new ReadBuffer(), new ReadBuffer()];
        const had: { piece: Buffer; mark: number }[] = [];
        steps.forEach(({ connection, bytes, back }, mark) => {
          const buffer = buffers[connection];
          if (buffer === undefined) return;
          const room = buffer.room();
          const length = Math.min(bytes, room.length);
          room.fill(mark, 0, length);
          const piece = buffer.take(length);
          handOut(piece);
          had.push({ piece, mark });
          for (const which of back) for (const { piece } of had.splice(which % (had.length + 1), 1)) giveBack(piece);
          for (const each of had) expect(each.piece.equals(Buffer.alloc(each.piece.length, each.mark))).toBe(true);
        });
        for (const buffer of buffers) buffer.close();
      }),
      { numRuns: 60 },
    );
  });

  it('is let be if it was not handed out', () => {
    expect(() => giveBack(new Uint8Array(10))).not.toThrow();
  });
});
