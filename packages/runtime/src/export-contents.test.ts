import { describe, expect, it } from 'vitest';
import { END_BYTES, paddedBytes, writeHeader } from './archive/tar-header.js';
import { contentsOf, entryName } from './export-contents.js';
import { type ImportSource, piece } from './import-source.js';

const encoder = new TextEncoder();
const sha256 = 'a'.repeat(64);

type Entry = readonly [name: string, body: string | Uint8Array, header?: Uint8Array];

function tarOf(entries: readonly Entry[], tail = END_BYTES): Uint8Array {
  const parts = entries.flatMap(([name, body, header]) => {
    const bytes = typeof body === 'string' ? encoder.encode(body) : body;
    const padded = new Uint8Array(paddedBytes(bytes.length));
    padded.set(bytes);
    return [header ?? writeHeader(name, bytes.length), padded];
  });
  return Buffer.concat([...parts, new Uint8Array(tail)]);
}

const sourceOf = (bytes: Uint8Array): ImportSource => ({
  name: 'stick.tar',
  sizeBytes: bytes.length,
  async *read(from, to) {
    // In pieces that fit nothing, as a disk gives them.
    for (let at = from; at < to; at += 700) yield await Promise.resolve(bytes.subarray(at, Math.min(to, at + 700)));
  },
});

const file = (filename: unknown, sizeBytes: unknown = 5, digest: unknown = sha256) => ({
  filename,
  sizeBytes,
  sha256: digest,
});
const manifest = (files: readonly unknown[] = [file('a.bin')], more: object = {}): Entry => [
  'lading-export.json',
  JSON.stringify({
    lading: 'export',
    version: 1,
    ids: ['aria'],
    cores: [{ id: 'model', revision: 'r', files }],
    leftOut: [],
    ...more,
  }),
];
const body: Entry = [entryName('model', 'a.bin'), 'hello'];

/** A header whose fields were changed and whose checksum is right again. */
function forged(header: Uint8Array, change: (block: Uint8Array) => void): Uint8Array {
  const block = header.slice();
  change(block);
  block.set(encoder.encode(' '.repeat(8)), 148);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.set(encoder.encode(`${sum.toString(8).padStart(6, '0')}\0 `), 148);
  return block;
}
const typed = (type: string) => forged(writeHeader(body[0], 5), (block) => block.set(encoder.encode(type), 156));
const sized = (text: string) => forged(writeHeader(body[0], 5), (block) => block.set(encoder.encode(text), 124));

describe('what an exported archive holds', () => {
  it('is told, and its files are read where they lie', async () => {
    const long = `${'deep/'.repeat(10)}${'n'.repeat(100)}.bin`;
    const contents = await contentsOf(
      sourceOf(
        tarOf([manifest([file('a.bin'), file(long, 1300)]), body, [entryName('model', long), 'x'.repeat(1300)]]),
      ),
    );
    expect(contents?.manifest.ids).toEqual(['aria']);
    const [first, second] = contents?.sources ?? [];
    expect(Buffer.from((first && (await piece(first, 0, 5))) ?? []).toString()).toBe('hello');
    expect([second?.name, second?.sizeBytes]).toEqual([`stick.tar: ${entryName('model', long)}`, 1300]);
    expect(Buffer.from((second && (await piece(second, 1, 1300))) ?? []).toString()).toBe('x'.repeat(1299));
  });

  it.each([
    ['a short file', encoder.encode('x')],
    ['an empty one', new Uint8Array(0)],
    ['a tar of somebody else', tarOf([['README', 'hi']])],
    ['a file that has the name further on', encoder.encode(`${' '.repeat(600)}lading-export.json`)],
  ])('%s is no exported archive', async (_, bytes) => {
    expect(await contentsOf(sourceOf(bytes))).toBeNull();
  });

  const hostile: readonly (readonly [string, Uint8Array])[] = [
    ['a name that climbs', tarOf([manifest([file('../../a.bin')]), ['cores/model/../../a.bin', 'hello']])],
    ['an absolute name', tarOf([manifest([file('/etc/passwd')]), ['/etc/passwd', 'hello']])],
    ['a name with a NUL', tarOf([manifest([file('a\0.bin')]), body])],
    [
      'a core called as a place',
      tarOf([manifest([], { cores: [{ id: '..', revision: 'r', files: [file('a')] }] }), body]),
    ],
    ['a link', tarOf([manifest(), ['', 'hello', typed('2')]])],
    ['a hard link', tarOf([manifest(), ['', 'hello', typed('1')]])],
    ['a device', tarOf([manifest(), ['', 'hello', typed('3')]])],
    ['a folder', tarOf([manifest(), ['', 'hello', typed('5')]])],
    ['a sparse file', tarOf([manifest(), ['', 'hello', typed('S')]])],
    ['a global header', tarOf([manifest(), ['', 'hello', typed('g')], body])],
    ['a negative size', tarOf([manifest([file('a.bin', -5)]), body])],
    [
      'a size in the header that is negative',
      tarOf([manifest(), ['', 'hello', forged(writeHeader(body[0], 5), (block) => block.fill(0xff, 124, 136))]]),
    ],
    ['a size that is no number', tarOf([manifest(), ['', 'hello', sized('zzzzzzzzzzz\0')]])],
    ['a size of a terabyte', tarOf([manifest([file('a.bin', 2 ** 40)]), ['', 'hello', writeHeader(body[0], 2 ** 40)]])],
    ['a fraction of a size', tarOf([manifest([file('a.bin', 5.5)]), body])],
    ['a digest that is none', tarOf([manifest([file('a.bin', 5, 'A'.repeat(64))]), body])],
    ['a file twice', tarOf([manifest(), body, body])],
    ['a file twice in the manifest', tarOf([manifest([file('a.bin'), file('a.bin')]), body])],
    ['a file that the manifest does not name', tarOf([manifest(), body, [entryName('model', 'b.bin'), 'hello']])],
    ['a file that is not there', tarOf([manifest([file('a.bin'), file('b.bin')]), body])],
    ['no end mark', tarOf([manifest(), body], 0)],
    ['half an end mark', tarOf([manifest(), body], 512)],
    ['something behind the end mark', tarOf([manifest(), body], END_BYTES + 512)],
    ['an entry behind a block of zeros', tarOf([manifest(), body, ['', '', new Uint8Array(512)], body])],
    ['a checksum that is wrong', tarOf([manifest(), ['', 'hello', writeHeader(body[0], 5).fill(0x41, 0, 3)]])],
    ['another version', tarOf([manifest([file('a.bin')], { version: 2 }), body])],
    ['a manifest that is no JSON', tarOf([['lading-export.json', '{'], body])],
    ['a manifest with a key twice', tarOf([['lading-export.json', '{"lading":"export","lading":"export"}'], body])],
    ['a manifest larger than any', tarOf([['lading-export.json', '', writeHeader('lading-export.json', 2 ** 33 - 1)]])],
    ['a manifest that is cut', tarOf([manifest(), body]).subarray(0, 600)],
    [
      'an extended header larger than any',
      tarOf([manifest(), ['', '', forged(writeHeader('x', 2 ** 20), (b) => b.set([0x78], 156))], body]),
    ],
    [
      'an extended header that hides a link',
      tarOf([
        manifest(),
        ['', '20 linkpath=/etc/x\n\n', forged(writeHeader('x', 20), (b) => b.set([0x78], 156))],
        body,
      ]),
    ],
    [
      'an extended header that lies about its length',
      tarOf([manifest(), ['', '999 path=abc\n', forged(writeHeader('x', 13), (b) => b.set([0x78], 156))], body]),
    ],
  ];

  it.each(hostile)('with %s is refused as a whole', async (_, bytes) => {
    await expect(contentsOf(sourceOf(bytes))).rejects.toMatchObject({ code: 'exportInvalid' });
  });

  it('with any bit flipped in a header is refused, or is read as it was', async () => {
    const whole = tarOf([manifest(), body]);
    const bodyHeader = 512 + paddedBytes(encoder.encode(manifest()[1] as string).length);
    let refused = 0;
    for (let bit = 0; bit < 512 * 8; bit++) {
      const bytes = Uint8Array.from(whole);
      const at = bodyHeader + (bit >> 3);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (bit & 7));
      const contents = await contentsOf(sourceOf(bytes)).catch(() => null);
      if (contents === null) refused++;
      else expect(contents.sources.map(({ sizeBytes }) => sizeBytes)).toEqual([5]);
    }
    expect(refused).toBeGreaterThan(3_900);
  });
});
