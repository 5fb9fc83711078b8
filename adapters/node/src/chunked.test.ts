import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Chunks } from './chunked.js';

const wireOf = (parts: readonly Uint8Array[], ending = '0\r\n\r\n'): Buffer =>
  Buffer.concat([
    ...parts.flatMap((part) => [Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n')]),
    Buffer.from(ending),
  ]);

/** The body as it comes when the network cuts at these places; what is behind its end; the breach. */
function read(wire: Uint8Array, cuts: readonly number[] = []) {
  const chunks = new Chunks();
  const body: Buffer[] = [];
  const places = [...new Set(cuts.map((cut) => cut % (wire.length + 1)))].sort((a, b) => a - b);
  let behind = 0;
  let from = 0;
  for (const to of [...places, wire.length]) {
    const bytes = Buffer.from(wire.subarray(from, to));
    from = to;
    const taken = chunks.take(bytes);
    body.push(bytes.subarray(0, taken.body));
    behind += bytes.length - taken.used;
    if (taken.breach !== null) return { body: Buffer.concat(body), breach: taken.breach.code, behind, isAtEnd: false };
  }
  return { body: Buffer.concat(body), breach: null, behind, isAtEnd: chunks.isAtEnd };
}

describe('a body in chunks', () => {
  it('is the same wherever the network cuts it, and ends where it ends', () => {
    const parts = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 12 });
    const endings = fc.constantFrom('0\r\n\r\n', '000;last\r\n\r\n', '0\r\na: b\r\nc: d\r\n\r\n');
    fc.assert(
      fc.property(parts, endings, fc.array(fc.nat(), { maxLength: 12 }), fc.nat(9), (data, ending, cuts, junk) => {
        const wire = Buffer.concat([wireOf(data, ending), Buffer.alloc(junk, 'x')]);
        const { body, breach, behind, isAtEnd } = read(wire, cuts);
        expect(body.equals(Buffer.concat(data))).toBe(true);
        expect([breach, behind, isAtEnd]).toEqual([null, junk, true]);
      }),
    );
  });

  it('may say more about each of them, which nobody reads', () => {
    expect(read(Buffer.from('A;name="v" \r\n0123456789\r\nc \r\n0123456789ab\r\n0\r\n\r\n')).body.toString()).toBe(
      '01234567890123456789ab',
    );
  });

  it.each([
    ['\r\n'],
    ['g\r\n'],
    ['-1\r\n'],
    ['0x5\r\nhello\r\n'],
    ['5\nhello\r\n'],
    ['5\r\r\nhello'],
    ['10000000000000\r\n'],
    ['5\r\nhello5\r\n'],
    ['5\r\nhello\r5\r\n'],
    ['0\r\n\n'],
    ['0\r\na: b\n\r\n'],
    [`5;${'x'.repeat(70_000)}\r\nhello\r\n0\r\n\r\n`],
    [`0\r\n${'a: b\r\n'.repeat(20_000)}\r\n`],
  ])('is refused, wherever it is cut: %j', (text) => {
    const wire = Buffer.from(`3\r\nabc\r\n${text}`);
    for (const cuts of [[], Array.from({ length: Math.min(40, wire.length) }, (_, at) => at)]) {
      const { body, breach } = read(wire, cuts);
      expect(breach).toBe('chunk');
      // What came before is not lost.
      expect(body.toString()).toMatch(/^abc/);
    }
  });
});
