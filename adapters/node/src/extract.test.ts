import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ExtractRequest, extractArchive } from './extract.js';

const TYPES = ['tar', 'tar.gz', 'tar.bz2', 'zip'] as const;
const never = new AbortController().signal;

let root: string;
let target: string;
const savedPath = process.env['PATH'];
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'lading-extract-'));
  target = path.join(root, 'target');
  await mkdir(target);
});
afterEach(async () => {
  process.env['PATH'] = savedPath;
  await rm(root, { recursive: true, force: true });
});

async function emptyTarget(): Promise<void> {
  await rm(target, { recursive: true });
  await mkdir(target);
}

/** What an archive of a voice looks like: a top directory, a model, espeak-ng's data with its odd names, many small files. */
async function makeVoice(): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>([
    ['model.onnx', randomBytes(1_000_000)],
    ['tokens.txt', Buffer.from('a 1\nb 2\n'.repeat(20_000))],
    ['empty', Buffer.alloc(0)],
    ['espeak-ng-data/phontab', randomBytes(512)],
    ['espeak-ng-data/lang/gmw/en-US', Buffer.from('name English')],
    ['espeak-ng-data/voices/!v/f5', randomBytes(513)],
    ['espeak-ng-data/voices/!v/UniRobot', randomBytes(1)],
  ]);
  for (let n = 0; n < 30; n += 1) files.set(`espeak-ng-data/dicts/${n}_dict`, randomBytes(n * 37));
  for (const [name, bytes] of files) {
    const place = path.join(root, 'voice-v1', name);
    await mkdir(path.dirname(place), { recursive: true });
    await writeFile(place, bytes);
  }
  return files;
}

/** Packs `root/<what>` with the tools that publishers use. */
function pack(extractType: ExtractRequest['extractType'], what = 'voice-v1'): string {
  const archivePath = path.join(root, `made.${extractType}`);
  if (extractType === 'zip') {
    execFileSync('zip', ['-qr', archivePath, what], { cwd: root });
  } else {
    execFileSync('tar', ['-cf', path.join(root, 'made.tar'), what], { cwd: root });
    const tool = { tar: null, 'tar.gz': 'gzip', 'tar.bz2': 'bzip2' }[extractType];
    if (tool !== null) execFileSync(tool, [path.join(root, 'made.tar')]);
  }
  return archivePath;
}

function request(archivePath: string, more: Partial<ExtractRequest> = {}): ExtractRequest {
  const extractType = TYPES.findLast((type) => archivePath.endsWith(`.${type}`)) ?? 'tar';
  return { archivePath, extractType, stripComponents: 0, targetDir: target, maxBytes: 1e9, maxFiles: 1000, ...more };
}

async function bytesOnDisk(directory: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(directory, { recursive: true })) {
    const stats = await stat(path.join(directory, name));
    if (stats.isFile()) bytes += stats.size;
  }
  return bytes;
}

const threads = (): number =>
  process.getActiveResourcesInfo().filter((kind) => kind === 'MessagePort' || kind === 'Worker').length;

/** Processes that hold a file of this test open; none of ours may outlive its extraction. */
async function holders(): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir('/proc').catch(() => [])).filter(
    (name) => /^\d+$/.test(name) && name !== `${process.pid}`,
  )) {
    const held = await readlink(`/proc/${pid}/fd/0`).catch(() => '');
    if (held.startsWith(root)) found.push(pid);
  }
  return found;
}

describe.each(TYPES)('a real %s archive', (type) => {
  it.each([0, 1])('gives exactly the bytes that went in, without its first %i components', async (stripComponents) => {
    const files = await makeVoice();
    const found = await extractArchive(request(pack(type), { stripComponents, maxFiles: files.size }), never);
    const below = stripComponents === 0 ? 'voice-v1' : '';
    expect(found.map((file) => file.filename).sort()).toEqual(
      [...files.keys()].map((name) => path.posix.join(below, name)).sort(),
    );
    for (const { filename, sizeBytes, sha256 } of found) {
      const bytes = await readFile(path.join(target, filename));
      expect(bytes.equals(files.get(path.posix.relative(below, filename)) as Buffer), filename).toBe(true);
      expect(sizeBytes).toBe(bytes.length);
      expect(sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
      expect((await stat(path.join(target, filename))).mode & 0o7777).toBe(0o444);
    }
    expect(threads()).toBe(0);
  });

  it('is refused when a file lies above the stripped components', async () => {
    await makeVoice();
    await expect(extractArchive(request(pack(type), { stripComponents: 2 }), never)).rejects.toMatchObject({
      code: 'archiveUnsafe',
    });
  });

  it('is refused wherever it is cut off', async () => {
    await makeVoice();
    const archivePath = pack(type);
    const whole = await readFile(archivePath);
    const ends = [0, 3, 512, 5000, whole.length >> 1, whole.length - 11_000, whole.length - 1];
    for (const length of type === 'tar' ? ends.slice(0, -1) : ends) {
      await writeFile(archivePath, whole.subarray(0, length));
      const error = await extractArchive(request(archivePath), never).catch((e: unknown) => e);
      expect(error, `${length} of ${whole.length} bytes`).toMatchObject({
        name: 'ArchiveError',
        code: 'archiveCorrupt',
      });
      await emptyTarget();
    }
  });

  it('whose content holds a flipped byte is refused, if its format has checksums', async () => {
    await makeVoice();
    const archivePath = pack(type);
    const whole = await readFile(archivePath);
    // In a tar only the headers have one; everywhere else the middle of the file is content.
    const quarters = [1, 2, 3].map((n) => Math.floor((whole.length * n) / 4));
    for (const at of type === 'tar' ? [0, 100, 124, 150, 260] : quarters) {
      const bytes = Buffer.from(whole);
      bytes.writeUInt8(bytes.readUInt8(at) ^ 0x15, at);
      await writeFile(archivePath, bytes);
      const error = await extractArchive(request(archivePath), never).catch((e: unknown) => e);
      expect(error, `byte ${at}`).toMatchObject({ name: 'ArchiveError', code: 'archiveCorrupt' });
      await emptyTarget();
    }
  });

  it('that unfolds beyond its bound stops early', async () => {
    await mkdir(path.join(root, 'voice-v1'));
    await writeFile(path.join(root, 'voice-v1/bomb'), Buffer.alloc(60_000_000));
    const archivePath = pack(type);
    const error = await extractArchive(request(archivePath, { maxBytes: 1_000_000 }), never).catch((e: unknown) => e);
    expect(error).toMatchObject({
      code: 'archiveTooLarge',
      message: expect.stringContaining('expected at most 1000000'),
    });
    expect(await bytesOnDisk(target)).toBeLessThanOrEqual(1_000_000);
    expect(await holders()).toEqual([]);
  });

  it('stops promptly when told to, and nothing of it runs on', async () => {
    await mkdir(path.join(root, 'voice-v1'));
    await writeFile(path.join(root, 'voice-v1/large'), Buffer.alloc(120_000_000));
    const archivePath = pack(type);
    for (const tools of ['system', 'none'].slice(0, type === 'tar.bz2' ? 2 : 1)) {
      if (tools === 'none') process.env['PATH'] = '/nonexistent';
      const stop = new AbortController();
      const running = extractArchive(request(archivePath), stop.signal);
      const outcome = running.catch((e: unknown) => e);
      while ((await bytesOnDisk(target)) < 100_000) await sleep(2);
      expect(threads()).toBeGreaterThan(0);
      const from = performance.now();
      stop.abort(new Error('no longer wanted'));
      expect(await outcome).toMatchObject({ message: 'no longer wanted' });
      expect(performance.now() - from).toBeLessThan(60_000);
      expect(threads()).toBe(0);
      expect(await holders()).toEqual([]);
      const bytes = await bytesOnDisk(target);
      expect(bytes).toBeLessThan(120_000_000);
      await sleep(100);
      expect(await bytesOnDisk(target)).toBe(bytes);
      await emptyTarget();
    }
  });
});

describe('a .tar.bz2', () => {
  it('unpacks to the same files with and without the system tool, whatever its environment says', async () => {
    const files = await makeVoice();
    const archivePath = pack('tar.bz2');
    const withTool = await extractArchive(request(archivePath), never);
    await emptyTarget();
    process.env['BZIP2'] = '--version';
    try {
      expect(await extractArchive(request(archivePath), never)).toEqual(withTool);
    } finally {
      delete process.env['BZIP2'];
    }
    await emptyTarget();
    process.env['PATH'] = '/nonexistent';
    expect(await extractArchive(request(archivePath), never)).toEqual(withTool);
    expect(withTool).toHaveLength(files.size);
  });
});

describe('an error of the file system', () => {
  it('keeps its code and number on the way out of the thread', async () => {
    await expect(extractArchive(request(path.join(root, 'absent.tar')), never)).rejects.toMatchObject({
      code: 'ENOENT',
      errno: -2,
    });
    await makeVoice();
    const archivePath = pack('zip');
    for (const type of TYPES) {
      const absent = extractArchive(request(path.join(root, 'absent'), { extractType: type }), never);
      await expect(absent).rejects.toMatchObject({ code: 'ENOENT', syscall: expect.any(String) });
    }
    const nowhere = extractArchive(request(archivePath, { targetDir: path.join(root, 'nowhere') }), never);
    await expect(nowhere).rejects.toMatchObject({ code: 'ENOENT' });
    const inFile = extractArchive(request(archivePath, { targetDir: archivePath }), never);
    await expect(inFile).rejects.toMatchObject({ code: 'ENOTDIR' });
    await writeFile(path.join(target, 'mine'), 'mine');
    await expect(extractArchive(request(archivePath), never)).rejects.toMatchObject({ code: 'ENOTEMPTY' });
    expect(await readFile(path.join(target, 'mine'), 'utf8')).toBe('mine');
  });

  it.skipIf(process.getuid?.() === 0)('names a directory that may not be written', async () => {
    await makeVoice();
    const archivePath = pack('tar');
    await chmod(target, 0o500);
    await expect(extractArchive(request(archivePath), never)).rejects.toMatchObject({ code: 'EACCES' });
  });
});

describe('an extraction that is no longer wanted', () => {
  it('before it begins does not begin', async () => {
    await makeVoice();
    const stop = AbortSignal.abort(new Error('never mind'));
    await expect(extractArchive(request(pack('tar')), stop)).rejects.toThrow('never mind');
    expect(await readdir(target)).toEqual([]);
  });
});
