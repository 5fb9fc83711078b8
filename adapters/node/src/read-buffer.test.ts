import { describe, expect, it } from 'vitest';
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
});
