import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ExtractRequest, unpack } from './unpack.js';

interface Member {
  readonly name: string;
  readonly body?: Buffer | string;
  readonly flags?: number;
  readonly method?: number;
  readonly attributes?: number;
  readonly crc?: number;
  /** The unpacked size that both headers claim. */
  readonly size?: number;
  /** The name in the member's own header, where it shall differ. */
  readonly localName?: string;
}

/** A zip file by hand: the tools write no hostile ones. `counted` is the number of entries that its end claims. */
function zipOf(members: readonly Member[], counted = members.length): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const { name, body = '', flags = 0, method = 8, attributes = 0, crc, size, localName = name } of members) {
    const plain = Buffer.from(body);
    const packed = method === 8 ? deflateRawSync(plain) : plain;
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(flags, 2);
    common.writeUInt16LE(method, 4);
    common.writeUInt32LE(crc ?? crc32(plain), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(size ?? plain.length, 18);
    common.writeUInt16LE(Buffer.byteLength(localName), 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, Buffer.from(localName), packed]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE(attributes, 6);
    rest.writeUInt32LE(offset, 10);
    common.writeUInt16LE(Buffer.byteLength(name), 22);
    central.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x03', 'latin1'), common, rest, Buffer.from(name)]));
    locals.push(local);
    offset += local.length;
  }
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(counted, 8);
  end.writeUInt16LE(counted, 10);
  end.writeUInt32LE(Buffer.concat(central).length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, ...central, end]);
}

const GOOD: Member = { name: 'good.txt', body: 'good' };
const unix = (mode: number): number => (mode << 16) >>> 0;

let root: string;
let target: string;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'lading-zip-'));
  target = path.join(root, 'target');
  await mkdir(target);
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function unpackBytes(bytes: Buffer, more: Partial<ExtractRequest> = {}) {
  const archivePath = path.join(root, 'x.zip');
  await writeFile(archivePath, bytes);
  const request = {
    archivePath,
    extractType: 'zip',
    stripComponents: 0,
    targetDir: target,
    maxBytes: 1e6,
    maxFiles: 100,
  } as const;
  return await unpack({ ...request, ...more }, new AbortController().signal);
}

async function expectRefusal(bytes: Buffer, code: string, more: Partial<ExtractRequest> = {}): Promise<void> {
  const error = await unpackBytes(bytes, more).catch((e: unknown) => e);
  expect(error).toMatchObject({ name: 'ArchiveError', code, message: expect.stringMatching(/^[\x20-\x7e]+$/) });
  expect((await readdir(root)).sort()).toEqual(['target', 'x.zip']);
}

describe('a zip file that would do harm is refused whole', () => {
  it.each<[string, Member]>([
    ['a symbolic link', { name: 'link', body: '/etc', attributes: unix(0o120777) }],
    ['a device', { name: 'null', attributes: unix(0o020666) }],
    ['a fifo', { name: 'pipe', attributes: unix(0o010666) }],
    ['a directory that calls itself a file', { name: 'dir/', attributes: unix(0o100644) }],
    ['a file that calls itself a directory', { name: 'file', attributes: unix(0o040755) }],
    ['an encrypted entry', { name: 'secret', body: 'x'.repeat(20), method: 0, flags: 1, size: 8 }],
    ['a strongly encrypted entry', { name: 'secret', body: 'x', flags: 0x41 }],
    ['a method we cannot read', { name: 'bz', body: 'x', method: 12 }],
    ['a climbing name', { name: '../evil', body: 'x' }],
    ['a name that climbs from inside', { name: 'a/../../evil', body: 'x' }],
    ['an absolute name', { name: '/evil', body: 'x' }],
    ['a name with a drive', { name: 'C:/evil', body: 'x' }],
    ['a name with a backslash', { name: '..\\evil', body: 'x' }],
    ['a name with a backslash that another system would take for a slash', { name: 'dir\\file', body: 'x' }],
    ['a name with a NUL', { name: 'a\0b', body: 'x' }],
    ['a hidden name', { name: '.bashrc', body: 'x' }],
    ['a name of a device', { name: 'aux.txt', body: 'x' }],
    ['a climbing directory', { name: '../evil/' }],
    ['the same name again', { name: 'good.txt', body: 'x' }],
    ['the same name in capitals', { name: 'GOOD.TXT', body: 'x' }],
  ])('%s', async (_, hostile) => {
    await expectRefusal(zipOf([GOOD, hostile]), 'archiveUnsafe');
    expect(await readdir(target)).toEqual(['good.txt']);
  });
});

describe('a zip file that lies about itself is corrupt', () => {
  it.each<[string, Buffer]>([
    ['a wrong checksum', zipOf([{ ...GOOD, crc: 1 }])],
    ['a wrong checksum of a stored file', zipOf([{ ...GOOD, method: 0, crc: 1 }])],
    ['more bytes than declared', zipOf([{ ...GOOD, size: 3 }])],
    ['fewer bytes than declared', zipOf([{ ...GOOD, size: 5 }])],
    ['a directory with content', zipOf([GOOD, { name: 'dir/', body: 'x' }])],
    ['another name in its own header', zipOf([{ ...GOOD, localName: 'evil.txt' }])],
    ['an entry that is not counted', zipOf([GOOD, { name: 'hidden', body: 'x' }], 1)],
    ['more entries counted than there are', zipOf([GOOD], 2)],
    ['no entry', zipOf([])],
    ['directories only', zipOf([{ name: 'dir/' }])],
    ['bytes after its end', Buffer.concat([zipOf([GOOD]), Buffer.from('x')])],
    ['nothing at all', Buffer.alloc(0)],
    ['text', Buffer.from('<!doctype html>'.repeat(50))],
  ])('%s', async (_, bytes) => {
    await expectRefusal(bytes, 'archiveCorrupt');
  });

  it('wherever it is cut off, every 7 bytes', async () => {
    const whole = zipOf([GOOD, { name: 'dir/' }, { name: 'dir/b', body: 'b'.repeat(2000) }]);
    for (let length = 0; length < whole.length; length += 7) {
      await expectRefusal(whole.subarray(0, length), 'archiveCorrupt');
    }
    expect(await unpackBytes(whole)).toHaveLength(2);
  });

  it('whichever bit is flipped (every fifth is tried): refused, or the files are what they were', async () => {
    const body = 'The bytes are right or nobody gets them. '.repeat(3);
    const whole = zipOf([
      { name: 'a', body },
      { name: 'd/b', body: 'b', method: 0 },
    ]);
    let harmless = 0;
    for (let bit = 0; bit < whole.length * 8; bit += 5) {
      const bytes = Buffer.from(whole);
      bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      const found = await unpackBytes(bytes).catch((error: unknown) => error);
      if (Array.isArray(found)) {
        harmless += 1;
        expect(
          found.map((file) => file.filename),
          `bit ${bit}`,
        ).toEqual(['a', 'd/b']);
        expect(await readFile(path.join(target, 'a'), 'utf8'), `bit ${bit}`).toBe(body);
        expect(await readFile(path.join(target, 'd/b'), 'utf8'), `bit ${bit}`).toBe('b');
      } else {
        expect(found, `bit ${bit}`).toMatchObject({ name: 'ArchiveError' });
      }
      await rm(target, { recursive: true });
      await mkdir(target);
    }
    // Times, versions and comments may change without harm; content, names, sizes and checksums may not.
    expect(harmless).toBeLessThan(whole.length);
  });
});

describe('a zip file has bounds', () => {
  it('on what it declares: refused before the file is begun', async () => {
    await expectRefusal(zipOf([GOOD, { name: 'big', body: Buffer.alloc(2e6) }]), 'archiveTooLarge');
    expect(await readdir(target)).toEqual(['good.txt']);
  });

  it('on what it contains, whatever it declares: the bytes on disk never pass the declared size', async () => {
    await expectRefusal(zipOf([{ name: 'bomb', body: Buffer.alloc(5e7), size: 1000 }]), 'archiveCorrupt');
    expect((await readFile(path.join(target, 'bomb'))).length).toBeLessThanOrEqual(1000);
  });

  it('on files', async () => {
    await expectRefusal(zipOf([GOOD, { name: 'b' }, { name: 'c' }]), 'archiveTooLarge', { maxFiles: 2 });
  });
});

describe('a good zip file', () => {
  it('is left where it is when its signal says so', async () => {
    const stop = new AbortController();
    await writeFile(path.join(root, 'x.zip'), zipOf([{ name: 'large', body: Buffer.alloc(100_000_000) }]));
    const request = {
      archivePath: path.join(root, 'x.zip'),
      extractType: 'zip',
      stripComponents: 0,
      targetDir: target,
    } as const;
    const outcome = unpack({ ...request, maxBytes: 1e9, maxFiles: 1 }, stop.signal);
    setTimeout(() => stop.abort(new Error('enough')), 10);
    await expect(outcome).rejects.toThrow('enough');
    expect((await readFile(path.join(target, 'large'))).length).toBeLessThan(100_000_000);
  });

  it('from the system tool gives the bytes that went in, with and without its top directory', async () => {
    const source = path.join(root, 'top');
    await mkdir(path.join(source, 'voices/!v'), { recursive: true });
    await writeFile(path.join(source, 'voices/!v/f1'), 'variant');
    await writeFile(path.join(source, 'empty'), '');
    const noise = Buffer.from(Array.from({ length: 300_000 }, (_, n) => (n * n * 31) >> 7));
    await writeFile(path.join(source, 'noise.bin'), noise);
    execFileSync('zip', ['-qr', 'made.zip', 'top'], { cwd: root });
    for (const [stripComponents, below] of [
      [0, 'top/'],
      [1, ''],
    ] as const) {
      const archivePath = path.join(root, 'made.zip');
      const files = await unpack(
        { archivePath, extractType: 'zip', stripComponents, targetDir: target, maxBytes: 1e6, maxFiles: 3 },
        new AbortController().signal,
      );
      expect(files.map((file) => file.filename).sort()).toEqual([
        `${below}empty`,
        `${below}noise.bin`,
        `${below}voices/!v/f1`,
      ]);
      expect(await readFile(path.join(target, below, 'noise.bin'))).toEqual(noise);
      await rm(target, { recursive: true });
      await mkdir(target);
    }
  });

  it('from the system tool with a link in it is refused', async () => {
    await writeFile(path.join(root, 'real'), 'x');
    await symlink('/etc', path.join(root, 'link'));
    execFileSync('zip', ['-qy', 'made.zip', 'real', 'link'], { cwd: root });
    const bytes = await readFile(path.join(root, 'made.zip'));
    for (const name of ['made.zip', 'real', 'link']) await rm(path.join(root, name));
    await expectRefusal(bytes, 'archiveUnsafe');
  });
});
