import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { link, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { copyDurably, moveFile } from './move-file.js';
import { DiskStore } from './store.js';

const BYTES = Buffer.alloc(100_000, 'model');

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lading-move-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function elsewhere(): Promise<never> {
  throw Object.assign(new Error('EXDEV: cross-device link not permitted, rename'), { code: 'EXDEV' });
}

describe('a file that moves to another file system', () => {
  it('fs 1.1: is copied beside its target, named there when it is whole, and gone where it was', async () => {
    const [from, to] = [join(root, 'from'), join(root, 'to')];
    await writeFile(from, BYTES, { mode: 0o444 });
    // What stood under the name is replaced, not written over: whoever has it open, or another name for it, keeps it whole.
    await writeFile(to, 'before');
    await link(to, join(root, 'kept'));
    await moveFile(from, to, elsewhere);
    expect(await readFile(join(root, 'kept'), 'utf8')).toBe('before');
    expect(await readFile(to)).toEqual(BYTES);
    expect((await stat(to)).mode & 0o777).toBe(0o444);
    expect((await readdir(root)).sort()).toEqual(['kept', 'to']);
  });

  it('fs 1.1: stays where it is if it cannot be copied, and nothing half is left', async () => {
    const from = join(root, 'from');
    await writeFile(from, BYTES);
    await mkdir(join(root, 'to', 'full'), { recursive: true });
    await expect(moveFile(from, join(root, 'to'), elsewhere)).rejects.toThrow(/EISDIR|ENOTEMPTY|EEXIST/);
    expect((await readdir(root)).sort()).toEqual(['from', 'to']);
    expect(await readFile(from)).toEqual(BYTES);
  });

  it('fs 1.1: is not copied for any other reason', async () => {
    await expect(moveFile(join(root, 'none'), join(root, 'to'))).rejects.toThrow('ENOENT');
    expect(await readdir(root)).toEqual([]);
  });

  it('fs names: has a name of its own length in the meantime, so that the longest name can be copied', async () => {
    const [from, to] = [join(root, 'from'), join(root, 'n'.repeat(255))];
    await writeFile(from, BYTES);
    await copyDurably(from, to);
    expect(await readFile(to)).toEqual(BYTES);
    await expect(copyDurably(from, join(root, 'é'.repeat(128)))).rejects.toThrow('ENAMETOOLONG');
    expect((await readdir(root)).length).toBe(2);
  });
});

/** Why no other file system can be mounted, or null. */
function lackOfMounts(): string | null {
  const dir = mkdtempSync(join(tmpdir(), 'lading-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', dir], { stdio: 'ignore' });
    execFileSync('umount', [dir]);
    return null;
  } catch {
    process.stderr.write('skipped: staging on a file system of its own needs the right to mount one\n');
    return 'no right to mount';
  } finally {
    rmSync(dir, { recursive: true });
  }
}

it('fs 1.12: what a death over a copy has left in staging is removed when the core is taken up again', async () => {
  const store = new DiskStore(root);
  await mkdir(join(root, 'staging', 'c', 'deep'), { recursive: true });
  await writeFile(join(root, 'staging', 'c', 'deep', '.copy-0123'), 'half');
  await writeFile(join(root, 'staging', 'c', 'f'), 'staged');
  expect(await store.reclaim('c', null, ['f'])).toEqual({ f: 6 });
  expect(await readdir(join(root, 'staging', 'c', 'deep'))).toEqual([]);
});

it('fs 1.2: a file is staged through no link, and for its owner only', async () => {
  const store = new DiskStore(root);
  const options = { bytes: 0, sizeBytes: 5, algorithms: ['sha256'] } as const;
  await (await store.stage('c', 'own', options)).close();
  expect((await stat(join(root, 'staging', 'c', 'own'))).mode & 0o777).toBe(0o600);
  expect((await stat(join(root, 'staging'))).mode & 0o777).toBe(0o700);
  await writeFile(join(root, 'precious'), 'precious');
  await symlink(join(root, 'precious'), join(root, 'staging', 'c', 'f'));
  await expect(store.stage('c', 'f', options)).rejects.toMatchObject({
    fault: { type: 'filePermissions', detail: 'ELOOP' },
  });
  expect(await readFile(join(root, 'precious'), 'utf8')).toBe('precious');
});

describe.skipIf(lackOfMounts() !== null)('a depot whose staging is a file system of its own', () => {
  it('fs 1.1: publishes, takes back and sets aside as any other', async () => {
    const staging = join(root, 'staging');
    await mkdir(staging);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', staging]);
    try {
      const store = new DiskStore(root);
      const staged = await store.stage('c', 'deep/f', { bytes: 0, sizeBytes: BYTES.length, algorithms: ['sha256'] });
      await staged.write(BYTES);
      await staged.digests();
      await staged.sync();
      await staged.close();
      await store.publish('c', 'g1', ['deep/f']);
      expect(await readFile(store.locate('c', 'g1', 'deep/f'))).toEqual(BYTES);
      expect(await store.sizes('c', 'g1', ['deep/f'])).toEqual({ 'deep/f': BYTES.length });
      expect((await stat(store.locate('c', 'g1', 'deep/f'))).mode & 0o777).toBe(0o444);
      await store.quarantine('c', 'g1', ['deep/f']);
      expect((await store.usage()).staging).toEqual({ c: BYTES.length });
      expect(await store.reclaim('c', null, ['deep/f'])).toEqual({ 'deep/f': BYTES.length });
    } finally {
      execFileSync('umount', [staging]);
    }
  });
});
