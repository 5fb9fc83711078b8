import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ExtractRequest, unpack } from './unpack.js';

interface Header {
  readonly name: string;
  readonly body?: string | Buffer;
  readonly type?: string;
  readonly link?: string;
  /** The size field as it stands, where it shall lie. */
  readonly size?: Buffer | string;
}

/** One entry of a tar archive, by hand: the tools write no hostile ones. */
function entry({ name, body = '', type = '0', link = '', size }: Header): Buffer {
  const bytes = Buffer.from(body);
  const header = Buffer.alloc(512);
  header.write(name, 0, 100);
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  if (Buffer.isBuffer(size)) size.copy(header, 124);
  else header.write(size ?? `${bytes.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write('        ', 148);
  header.write(type, 156);
  header.write(link, 157, 100);
  header.write('ustar\x0000', 257, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}

function pax(fields: Record<string, string>, type = 'x'): Buffer {
  const lines = Object.entries(fields).map(([key, value]) => {
    const rest = ` ${key}=${value}\n`;
    let length = Buffer.byteLength(rest) + 1;
    while (`${length}`.length + Buffer.byteLength(rest) !== length) length += 1;
    return `${length}${rest}`;
  });
  return entry({ name: 'PaxHeader/x', type, body: lines.join('') });
}

const END = Buffer.alloc(1024);
const NOISE = Buffer.from(Array.from({ length: 4000 }, (_, n) => (n * n * 7) >> 5));
const GOOD = entry({ name: 'good.txt', body: 'good' });

let root: string;
let target: string;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'lading-tar-'));
  target = path.join(root, 'target');
  await mkdir(target);
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function unpackBlocks(
  blocks: readonly Buffer[],
  more: Partial<ExtractRequest> = {},
  signal = new AbortController().signal,
) {
  const archivePath = path.join(root, 'x.tar');
  const bytes = Buffer.concat(blocks);
  await writeFile(archivePath, more.extractType === 'tar.gz' ? gzipSync(bytes) : bytes);
  const request = {
    archivePath,
    extractType: 'tar',
    stripComponents: 0,
    targetDir: target,
    maxBytes: 1e6,
    maxFiles: 100,
  } as const;
  return await unpack({ ...request, ...more }, signal);
}

/** Nothing beside the archive and the target, and nothing in the target but what is listed. */
async function expectOnDisk(...names: string[]): Promise<void> {
  expect((await readdir(root)).sort()).toEqual(['target', 'x.tar']);
  expect((await readdir(target, { recursive: true })).sort()).toEqual(names.sort());
}

describe('a tar archive with anything but regular files and directories is refused whole', () => {
  it.each([
    ['a symbolic link', entry({ name: 'link', type: '2', link: '/etc' })],
    ['a symbolic link to a neighbour', entry({ name: 'link', type: '2', link: 'good.txt' })],
    ['a hard link', entry({ name: 'link', type: '1', link: 'good.txt' })],
    ['a hard link out of the tree', entry({ name: 'link', type: '1', link: '../../etc/passwd' })],
    ['a character device', entry({ name: 'null', type: '3' })],
    ['a block device', entry({ name: 'sda', type: '4' })],
    ['a fifo', entry({ name: 'pipe', type: '6' })],
    ['a contiguous file', entry({ name: 'file', type: '7', body: 'x' })],
    ['a GNU sparse file', entry({ name: 'file', type: 'S', body: 'x' })],
    ['a GNU directory dump', entry({ name: 'dump', type: 'D', body: 'x' })],
    ['a volume label', entry({ name: 'label', type: 'V' })],
    ['a type nobody knows', entry({ name: 'what', type: 'Q', body: 'x' })],
    ['a POSIX sparse file', Buffer.concat([pax({ 'GNU.sparse.major': '1' }), entry({ name: 'file', body: 'x' })])],
    ['an extended header of 2 MiB', entry({ name: 'PaxHeader/x', type: 'x', body: Buffer.alloc(2 ** 21, 'x') })],
  ])('%s', async (_, hostile) => {
    const error = await unpackBlocks([GOOD, hostile, END], { maxBytes: 1e7 }).catch((e: unknown) => e);
    expect(error).toMatchObject({ name: 'ArchiveError', code: 'archiveUnsafe' });
    await expectOnDisk('good.txt');
  });

  it.each([
    ['climbing', '../evil'],
    ['climbing from inside', 'a/../../evil'],
    ['absolute', '/evil'],
    ['with a backslash', '..\\evil'],
    ['with a drive', 'C:evil'],
    ['hidden', '.bashrc'],
    ['of a Mac', '._good.txt'],
    ['of a device', 'nul'],
    ['ending in a dot', 'evil.'],
    ['with a line break', 'evil\nname'],
    ['with a terminal escape', 'evil\x1b[31m'],
    ['in another script', 'зло'],
  ])('a name %s', async (_, name) => {
    for (const type of ['0', '5']) {
      const error = await unpackBlocks([entry({ name, type }), END]).catch((e: unknown) => e);
      expect(error).toMatchObject({ code: 'archiveUnsafe', message: expect.stringMatching(/^[\x20-\x7e]+$/) });
      await expectOnDisk();
    }
  });

  it('a name in an extended header counts, not the harmless one beside it', async () => {
    for (const name of ['../evil', '/evil', 'a/../../evil']) {
      await expect(unpackBlocks([pax({ path: name }), GOOD, END])).rejects.toMatchObject({ code: 'archiveUnsafe' });
    }
    const long = entry({ name: '././@LongLink', type: 'L', body: `../${'x'.repeat(120)}\0` });
    await expect(unpackBlocks([long, GOOD, END])).rejects.toMatchObject({ code: 'archiveUnsafe' });
    await expectOnDisk();
  });

  it('a NUL hides nothing: it ends a name in a header, and is refused in an extended header', async () => {
    await unpackBlocks([entry({ name: 'plain\0/../../evil', body: 'x' }), END]);
    await expectOnDisk('plain');
    await rm(path.join(target, 'plain'));
    await expect(unpackBlocks([pax({ path: 'a\0/../../evil' }), GOOD, END])).rejects.toMatchObject({
      code: 'archiveUnsafe',
    });
    await expectOnDisk();
  });

  it.each([
    ['the same file twice', ['a', 'a']],
    ['two files that differ only in case', ['dir/Read.me', 'dir/READ.ME']],
    ['two directories that differ only in case', ['Dir/a', 'dir/b']],
    ['a file where a directory is', ['a/b', 'a']],
    ['a directory where a file is', ['a', 'a/b']],
  ])('%s', async (_, names) => {
    const error = await unpackBlocks([...names.map((name) => entry({ name, body: 'x' })), END]).catch(
      (e: unknown) => e,
    );
    expect(error).toMatchObject({ code: 'archiveUnsafe' });
  });
});

describe('a tar archive that lies about itself is corrupt', () => {
  const negative = Buffer.alloc(12, 0xff);
  it.each([
    ['a negative size', [entry({ name: 'a', size: negative }), END]],
    ['a negative size in octal', [entry({ name: 'a', size: '-0000000001\0' }), END]],
    ['a size that is no number', [entry({ name: 'a', size: 'zzzzzzzzzzz\0' }), END]],
    ['a size beyond 2^53', [entry({ name: 'a', size: Buffer.from('80ffffffffffffffffffffff', 'hex') }), END]],
    ['a fraction as size', [pax({ size: '1.5' }), entry({ name: 'a', body: 'xyz' }), END]],
    ['an infinite size', [pax({ size: 'Infinity' }), entry({ name: 'a', body: 'xyz' }), END]],
    ['a wrong checksum behind a good file', [GOOD, Buffer.concat([Buffer.from('x'), GOOD.subarray(1)]), END]],
    ['a wrong checksum', [Buffer.concat([Buffer.from('x'), GOOD.subarray(1)]), END]],
    ['no end mark', [GOOD]],
    ['half an end mark', [GOOD, END.subarray(0, 512)]],
    ['a file after half an end mark', [GOOD, END.subarray(0, 512), entry({ name: 'later', body: 'x' }), END]],
    ['bytes after the end mark', [GOOD, END, Buffer.from('x')]],
    ['a second archive after the end mark', [GOOD, END, entry({ name: 'later', body: 'x' }), END]],
    ['an end mark and nothing else', [END]],
    ['nothing at all', []],
    ['directories only', [entry({ name: 'dir/', type: '5' }), END]],
    [
      'compressed data in an uncompressed archive',
      [gzipSync(Buffer.concat([GOOD, entry({ name: 'b', body: NOISE }), END])), END],
    ],
    ['a zstd magic number', [Buffer.from('28b52ffd', 'hex'), Buffer.alloc(2044)]],
    ['text', [Buffer.from('<!doctype html>'.repeat(200))]],
  ])('%s', async (_, blocks) => {
    const error = await unpackBlocks(blocks).catch((e: unknown) => e);
    expect(error).toMatchObject({ name: 'ArchiveError', code: 'archiveCorrupt' });
  });

  it('wherever it is cut off, every 100 bytes', async () => {
    const whole = Buffer.concat([
      GOOD,
      entry({ name: 'dir/', type: '5' }),
      entry({ name: 'dir/b', body: 'b'.repeat(1500) }),
      END,
    ]);
    for (let length = 0; length < whole.length; length += 100) {
      const error = await unpackBlocks([whole.subarray(0, length)]).catch((e: unknown) => e);
      expect(error, `${length} bytes`).toMatchObject({ code: 'archiveCorrupt' });
      await rm(target, { recursive: true });
      await mkdir(target);
    }
    expect(await unpackBlocks([whole])).toHaveLength(2);
  });
});

describe('a good tar archive', () => {
  it('may use what real tools write: ./, old directories, long names, extended headers, global headers, zero padding', async () => {
    const long = `${'l'.repeat(90)}/${'m'.repeat(90)}`;
    const files = await unpackBlocks([
      pax({ comment: '0123456789abcdef' }, 'g'),
      entry({ name: './', type: '5' }),
      entry({ name: './old/' }),
      entry({ name: './old/', type: '5' }),
      entry({ name: './old/!v/f1', type: '\0', body: 'one' }),
      entry({ name: '././@LongLink', type: 'L', body: `${long}\0` }),
      entry({ name: 'l', body: 'two' }),
      pax({ path: 'pax/name', mtime: '1700000000.5', 'SCHILY.xattr.com.apple.provenance': '\x01\x02\0\0' }),
      entry({ name: 'p', body: '' }),
      Buffer.alloc(10_240),
    ]);
    expect(files.map((file) => [file.filename, file.sizeBytes])).toEqual([
      ['old/!v/f1', 3],
      [long, 3],
      ['pax/name', 0],
    ]);
    expect(files[0]?.sha256).toBe('7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed');
    expect(await readFile(path.join(target, 'old/!v/f1'), 'utf8')).toBe('one');
    expect((await stat(path.join(target, 'old/!v/f1'))).mode & 0o7777).toBe(0o444);
  });

  it('loses its top directory when asked, and a file above it is refused', async () => {
    const blocks = [entry({ name: 'top/', type: '5' }), entry({ name: 'top/a', body: 'a' }), END];
    expect(await unpackBlocks(blocks, { stripComponents: 1 })).toMatchObject([{ filename: 'a' }]);
    await rm(path.join(target, 'a'));
    await expect(unpackBlocks(blocks, { stripComponents: 2 })).rejects.toMatchObject({ code: 'archiveUnsafe' });
    await expectOnDisk();
  });
});
