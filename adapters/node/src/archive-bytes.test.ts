import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { tarBytes } from './archive-bytes.js';
import { unpack } from './unpack.js';

let root: string;
const savedPath = process.env['PATH'];
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'lading-bytes-'));
});
afterEach(async () => {
  process.env['PATH'] = savedPath;
  await rm(root, { recursive: true, force: true });
});

const squeezed = (tool: string, bytes: Buffer): Buffer => execFileSync(tool, ['-c'], { input: bytes, maxBuffer: 1e9 });

/** Processes whose input is this file. */
function holdersOf(file: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readlinkSync(`/proc/${pid}/fd/0`) === file;
    } catch {
      return false;
    }
  });
}

describe.each([
  ['tar.gz', 'gzip', 'system'],
  ['tar.bz2', 'bzip2', 'system'],
  ['tar.bz2', 'bzip2', 'none'],
] as const)('a %s (%s, tools: %s)', (extractType, tool, tools) => {
  async function outcome(bytes: Buffer): Promise<unknown> {
    const archivePath = path.join(root, `x.${extractType}`);
    const targetDir = path.join(root, 'target');
    await mkdir(targetDir);
    await writeFile(archivePath, bytes);
    if (tools === 'none') process.env['PATH'] = '/nonexistent';
    const request = { archivePath, extractType, stripComponents: 0, targetDir, maxBytes: 1e7, maxFiles: 10 };
    return await unpack(request, new AbortController().signal).catch((error: unknown) => error);
  }

  async function plainTar(): Promise<Buffer> {
    await writeFile(path.join(root, 'a'), randomBytes(100_000));
    execFileSync('tar', ['-cf', 'made.tar', 'a'], { cwd: root });
    return await readFile(path.join(root, 'made.tar'));
  }

  it('may come in several members, if together they are one archive', async () => {
    const tar = await plainTar();
    const halves = [tar.subarray(0, 50_000), tar.subarray(50_000)].map((half) => squeezed(tool, half));
    expect(await outcome(Buffer.concat(halves))).toMatchObject([{ filename: 'a', sizeBytes: 100_000 }]);
  });

  it('that is two archives in a row is refused', async () => {
    const once = squeezed(tool, await plainTar());
    expect(await outcome(Buffer.concat([once, once]))).toMatchObject({ code: 'archiveCorrupt' });
  });

  it.each(['x', '\0', '\0\0\0\0garbage', 'garbage'.repeat(20_000)])(
    'with rubbish behind it is refused',
    async (rubbish) => {
      const once = squeezed(tool, await plainTar());
      expect(await outcome(Buffer.concat([once, Buffer.from(rubbish)]))).toMatchObject({ code: 'archiveCorrupt' });
    },
  );

  it('that is something else altogether is refused', async () => {
    for (const bytes of [Buffer.from('<!doctype html>'), await plainTar()]) {
      expect(await outcome(bytes)).toMatchObject({ name: 'ArchiveError', code: 'archiveCorrupt' });
      await rm(path.join(root, 'target'), { recursive: true });
    }
  });

  it('gives all its bytes however short it is, time after time', async () => {
    // A child that ends before anybody reads from it loses what it wrote; short streams end at once.
    const archivePath = path.join(root, `x.${extractType}`);
    await writeFile(archivePath, squeezed(tool, Buffer.alloc(700, 'x')));
    if (tools === 'none') process.env['PATH'] = '/nonexistent';
    for (let round = 0; round < 50; round += 1) {
      let bytes = 0;
      for await (const chunk of tarBytes(archivePath, extractType)) bytes += chunk.length;
      expect(bytes).toBe(700);
    }
  });
});

describe('an archive that cannot be read', () => {
  it.each([
    ['tar', 'EISDIR', 'system'],
    ['tar.gz', 'EISDIR', 'system'],
    ['tar.bz2', 'EISDIR', 'none'],
  ] as const)('is not called corrupt: %s, %s, tools: %s', async (extractType, code, tools) => {
    if (tools === 'none') process.env['PATH'] = '/nonexistent';
    const reading = (async () => {
      for await (const chunk of tarBytes(root, extractType)) expect(chunk.length).toBe(0);
    })();
    await expect(reading).rejects.toMatchObject({ code, errno: expect.any(Number), syscall: 'read' });
  });
});

describe('a tool that fails by itself', () => {
  it.each([
    ['cannot read', "echo 'bzip2: I/O or other error, bailing out.' >&2; exit 1", { code: 'EIO', syscall: 'read' }],
    ['is killed', 'kill -9 $$', { message: 'bzip2 was ended by SIGKILL' }],
  ])('is not taken for a corrupt archive: it %s', async (_, script, facts) => {
    await writeFile(path.join(root, 'bzip2'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    process.env['PATH'] = `${root}:${savedPath}`;
    await writeFile(path.join(root, 'x.tar.bz2'), 'BZh9');
    const error = await tarBytes(path.join(root, 'x.tar.bz2'), 'tar.bz2')
      [Symbol.asyncIterator]()
      .next()
      .catch((e: unknown) => e);
    expect(error).toMatchObject(facts);
    expect(error).not.toMatchObject({ name: 'ArchiveError' });
  });
});

describe('whoever stops reading', () => {
  it.skipIf(process.platform !== 'linux')('finds that the tool has stopped too', async () => {
    const archivePath = path.join(root, 'x.tar.bz2');
    await writeFile(archivePath, squeezed('bzip2', Buffer.alloc(300_000_000)));
    let child = '';
    for await (const chunk of tarBytes(archivePath, 'tar.bz2')) {
      expect(chunk.length).toBeGreaterThan(0);
      [child] = holdersOf(archivePath) as [string];
      expect(child).toMatch(/^\d+$/);
      break;
    }
    expect(holdersOf(archivePath)).toEqual([]);
    expect(existsSync(`/proc/${child}`)).toBe(false);
  });
});
