import { readdirSync, readlinkSync, statSync } from 'node:fs';
import { type FileHandle, mkdir, mkdtemp, open, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { UnpackedTree } from '@lading/runtime/archive';
import { Header, Pax } from 'tar';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { plainError, revivedError } from './archive-error.js';
import { type ExtractRequest, unpack } from './unpack.js';
import { DiskGround } from './unpack-ground.js';
import { UnpackedFile } from './unpacked-file.js';

/** One entry of a good tar archive; a name that ends in a slash makes a directory. */
function entry(name: string, body: string | Buffer = ''): Buffer {
  const bytes = Buffer.from(body);
  const header = new Header({
    path: name,
    size: bytes.length,
    mode: 0o644,
    type: name.endsWith('/') ? 'Directory' : 'File',
  });
  header.encode();
  return Buffer.concat([header.block ?? Buffer.alloc(0), bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}

const END = Buffer.alloc(1024);
const GOOD = entry('good.txt', 'good');

let root: string;
let target: string;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'lading-unpack-'));
  target = path.join(root, 'target');
  await mkdir(target);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(root, { recursive: true, force: true });
});

async function unpackBlocks(
  blocks: readonly Buffer[],
  more: Partial<ExtractRequest> = {},
  signal = new AbortController().signal,
) {
  const bytes = Buffer.concat(blocks);
  await writeFile(path.join(root, 'x.tar'), more.extractType === 'tar.gz' ? gzipSync(bytes) : bytes);
  return await unpackAgain(more, signal);
}

/** Unpacks the archive that lies there already. */
async function unpackAgain(more: Partial<ExtractRequest> = {}, signal = new AbortController().signal) {
  const archivePath = path.join(root, 'x.tar');
  const request = { archivePath, extractType: 'tar', stripComponents: 0, targetDir: target } as const;
  return await unpack({ ...request, maxBytes: 1e6, maxFiles: 100, ...more }, signal);
}

async function expectOnDisk(...names: string[]): Promise<void> {
  expect((await readdir(target, { recursive: true })).sort()).toEqual(names.sort());
}

/** What every open file's methods come from; a test may take one away for a while. */
async function fileHandles(): Promise<FileHandle> {
  const handle = await open(root, 'r');
  await handle.close();
  return Object.getPrototypeOf(handle) as FileHandle;
}

/** Files below a directory that this process holds open; none where the system does not tell. */
function openBelow(directory: string): string[] {
  if (process.platform !== 'linux') return [];
  const links = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return '';
    }
  });
  return links.filter((link) => link.startsWith(directory));
}

describe('unpacking has bounds', () => {
  it('on bytes: the file that would exceed them is not begun', async () => {
    const big = entry('big', Buffer.alloc(600));
    await expect(unpackBlocks([GOOD, big, END], { maxBytes: 603 })).rejects.toMatchObject({ code: 'archiveTooLarge' });
    await expectOnDisk('good.txt');
  });

  it('on bytes and files that may be reached exactly', async () => {
    expect(await unpackBlocks([GOOD, entry('b', 'bb'), END], { maxBytes: 6, maxFiles: 2 })).toHaveLength(2);
  });

  it('on names: empty entries count too, each with its name and 128 bytes, beyond a grace of 1 MiB', async () => {
    // Names of 90 bytes; folders, because no folder is synced before the end.
    const long = (n: number) => `${String(n).padStart(6, '0')}${'x'.repeat(84)}`;
    const most = Math.floor((1024 * 1024) / 218);
    const maxBytes = most * 218 + 217 - 1024 * 1024;
    const tree = new UnpackedTree(await DiskGround.at(target), { stripComponents: 0, maxBytes, maxFiles: 50_000 });
    for (let n = 0; n < most; n++) await tree.directory(long(n));
    await tree.directory(long(0));
    const refusal = {
      code: 'archiveTooLarge',
      message: expect.stringContaining(
        `at most ${most * 218 + 217} bytes in all, counting each name and 128 bytes for each entry, found more`,
      ) as string,
    };
    await expect(tree.directory(long(most))).rejects.toMatchObject(refusal);
    await expect(tree.beginFile(long(most), 0)).rejects.toMatchObject(refusal);
    expect(await readdir(target)).toHaveLength(most);
  });

  it('on files', async () => {
    const files = ['f0', 'f1', 'f2', 'f3'].map((name) => entry(name));
    await expect(unpackBlocks([...files, END], { maxFiles: 3 })).rejects.toMatchObject({ code: 'archiveTooLarge' });
    await expectOnDisk('f0', 'f1', 'f2');
  });

  it('on directories', async () => {
    const directories = Array.from({ length: 400 }, (_, n) => entry(`d${n}/`));
    const error = await unpackBlocks([...directories, END], { maxFiles: 3 }).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'archiveTooLarge' });
    expect((await readdir(target)).length).toBeLessThan(300);
  });

  it.each([
    ['zeros after the end mark', [GOOD, Buffer.alloc(5e7)]],
    ['extended headers without a file', Array<Buffer>(6000).fill(new Pax({ comment: 'x'.repeat(500) }).encode())],
    ['the bare directory, again and again', Array<Buffer>(10_000).fill(entry('./'))],
  ])('on overhead: %s', async (_, blocks) => {
    await expect(unpackBlocks(blocks, { extractType: 'tar.gz' })).rejects.toMatchObject({ code: 'archiveTooLarge' });
  });

  it('that are numbers: a bound of NaN is refused before anything is read', async () => {
    for (const bound of ['maxBytes', 'maxFiles', 'stripComponents']) {
      await expect(unpackBlocks([GOOD, END], { [bound]: Number.NaN })).rejects.toThrow(RangeError);
    }
    await expectOnDisk();
  });
});

describe('what was unpacked', () => {
  it.skipIf(process.platform !== 'linux')(
    'is synced, read-only, file by file, then directories from the deepest up, the target last',
    async () => {
      const handles = await fileHandles();
      const sync = handles.sync;
      const synced: [name: string, mode: number, size: number][] = [];
      vi.spyOn(handles, 'sync').mockImplementation(async function (this: FileHandle) {
        const place = readlinkSync(`/proc/self/fd/${this.fd}`);
        const stats = statSync(place);
        synced.push([
          path.relative(target, place),
          stats.isFile() ? stats.mode & 0o7777 : 0,
          stats.isFile() ? stats.size : 0,
        ]);
        return await sync.call(this);
      });
      await unpackBlocks([entry('a/b/c/deep', '1234'), entry('top', '12'), entry('a/x/', ''), entry('empty'), END]);
      expect(synced.slice(0, 3)).toEqual([
        ['a/b/c/deep', 0o444, 4],
        ['top', 0o444, 2],
        ['empty', 0o444, 0],
      ]);
      expect(synced.slice(3).map(([name]) => name)).toEqual(['a/b/c', 'a/b', 'a/x', 'a', '']);
    },
  );

  it('is complete also where the system writes only a part at a time', async () => {
    const handles = await fileHandles();
    const write = handles.write as (...args: unknown[]) => Promise<{ bytesWritten: number; buffer: Buffer }>;
    const body = Buffer.from(Array.from({ length: 10_000 }, (_, n) => n % 251));
    // The archive itself is written before the system becomes slow.
    await unpackBlocks([entry('x', body), END], { maxFiles: 0 }).catch(() => {});
    vi.spyOn(handles, 'write').mockImplementation(async function (
      this: FileHandle,
      ...[bytes, from, length, at]: unknown[]
    ) {
      return await write.call(this, bytes, from, Math.min(length as number, 700), at);
    } as never);
    await unpackAgain();
    expect((await readFile(path.join(target, 'x'))).equals(body)).toBe(true);
  });

  it.each([
    [{ code: 'Unknown system error -122', errno: -122, syscall: 'write' }],
    [{ code: 'ENOSPC', errno: -28, syscall: 'write' }],
    [{ code: 'EIO', errno: -5, syscall: 'write' }],
  ])('is not said to be corrupt when the disk fails: %o', async (facts) => {
    const handles = await fileHandles();
    const spy = vi.spyOn(handles, 'write');
    await writeFile(path.join(root, 'x.tar'), Buffer.concat([GOOD, END]));
    spy.mockRejectedValue(Object.assign(new Error(`${facts.code}: write`), facts));
    const error = await unpackAgain().catch((e: unknown) => e);
    expect(error).toMatchObject(facts);
    // And so it crosses from the worker.
    expect(revivedError(structuredClone(plainError(error)))).toMatchObject({
      ...facts,
      message: `${facts.code}: write`,
    });
  });

  it('has the length that was declared, whatever the reader of its format lets through', async () => {
    const limits = { stripComponents: 0, maxBytes: 100, maxFiles: 10 };
    const tree = new UnpackedTree(await DiskGround.at(target), limits);
    await tree.beginFile('more', 3);
    await tree.write(Buffer.from('123'));
    await expect(tree.write(Buffer.from('4'))).rejects.toMatchObject({ code: 'archiveCorrupt' });
    await tree.abandon();
    await tree.beginFile('less', 3);
    await tree.write(Buffer.from('12'));
    await expect(tree.endFile()).rejects.toThrow('"less": expected 3 bytes, found 2');
    await tree.abandon();
    expect(await readFile(path.join(target, 'more'), 'utf8')).toBe('123');
  });

  it('is not put into a directory that holds something, nor through a link', async () => {
    await writeFile(path.join(target, 'mine'), 'mine');
    await expect(unpackBlocks([GOOD, END])).rejects.toMatchObject({ code: 'ENOTEMPTY' });
    await expectOnDisk('mine');
    await mkdir(path.join(root, 'elsewhere'));
    await symlink(path.join(root, 'elsewhere'), path.join(root, 'link'));
    await expect(unpackBlocks([GOOD, END], { targetDir: path.join(root, 'link') })).rejects.toMatchObject({
      code: 'ENOTDIR',
    });
    expect(await readdir(path.join(root, 'elsewhere'))).toEqual([]);
  });

  it('never replaces a file, nor is it written through a link that appeared', async () => {
    await writeFile(path.join(target, 'mine'), 'mine');
    await symlink(path.join(target, 'absent'), path.join(target, 'dangling'));
    for (const name of ['mine', 'dangling']) {
      await expect(UnpackedFile.create(path.join(target, name), name)).rejects.toMatchObject({ code: 'EEXIST' });
    }
    expect(await readFile(path.join(target, 'mine'), 'utf8')).toBe('mine');
    await expectOnDisk('dangling', 'mine');
  });

  it('ends where its signal says, and leaves no file open', async () => {
    const stop = new AbortController();
    const handles = await fileHandles();
    const write = handles.write;
    await writeFile(path.join(root, 'x.tar'), Buffer.concat([entry('large', Buffer.alloc(1e6)), END]));
    let writes = 0;
    vi.spyOn(handles, 'write').mockImplementation(async function (this: FileHandle, ...args: unknown[]) {
      writes += 1;
      if (writes === 3) stop.abort(new Error('enough'));
      return await (write as (...all: unknown[]) => Promise<unknown>).apply(this, args);
    } as never);
    await expect(unpackAgain({}, stop.signal)).rejects.toThrow('enough');
    expect(writes).toBe(3);
    expect(openBelow(target)).toEqual([]);
    expect(statSync(path.join(target, 'large')).mode & 0o7777).toBe(0o600);
  });
});
