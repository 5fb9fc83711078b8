import {
  appendFile,
  mkdtemp,
  readFile,
  rename,
  rm,
  symlink,
  truncate,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DiskStore } from './store.js';

const BYTES = Buffer.alloc(10_000, 'model');

let root: string;
let store: DiskStore;
let path: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lading-proofs-'));
  store = new DiskStore(root);
  path = join(root, 'staging', 'c', 'f');
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function staged() {
  const file = await store.stage('c', 'f', { bytes: 0, sizeBytes: BYTES.length, algorithms: ['sha256'] });
  await file.write(BYTES);
  return file;
}

async function proven(): Promise<void> {
  const file = await staged();
  await file.digests();
  await file.sync();
  await file.close();
}

describe('between its proof and its publishing', () => {
  it.each<[string, () => Promise<unknown>]>([
    [
      'exchanged for another of the same length',
      async () => {
        await writeFile(join(root, 'other'), Buffer.alloc(BYTES.length, 'wrong'));
        await rename(join(root, 'other'), path);
      },
    ],
    [
      'exchanged for a link',
      async () => {
        await writeFile(join(root, 'other'), BYTES);
        await unlink(path);
        await symlink(join(root, 'other'), path);
      },
    ],
    ['written to', () => appendFile(path, 'more')],
    ['touched', () => utimes(path, 1, 1)],
  ])('fs 1.11: a file that was %s is not published', async (_, misdeed) => {
    await proven();
    await misdeed();
    await expect(store.publish('c', 'g1', ['f'])).rejects.toMatchObject({
      fault: { type: 'storageError', detail: 'exchanged' },
    });
    expect(await store.generations('c')).toEqual([]);
    // Once it is proven again as it is now, it can be published.
    await rm(path, { force: true });
    await store.reclaim('c', null, ['f']);
    await proven();
    await store.publish('c', 'g2', ['f']);
    expect(await readFile(store.locate('c', 'g2', 'f'))).toEqual(BYTES);
  });

  it('fs 1.11: an archive that was exchanged is not unpacked', async () => {
    await proven();
    await writeFile(path, BYTES);
    const options = {
      file: 'f',
      generation: 'g1',
      extractType: 'tar',
      stripComponents: 0,
      maxBytes: 1,
      maxFiles: 1,
    } as const;
    await expect(store.extract('c', options, new AbortController().signal)).rejects.toMatchObject({
      fault: { detail: 'exchanged' },
    });
  });

  it('fs 1.3: a file that is shorter on the disk than what was written to it is not proven', async () => {
    const file = await staged();
    await truncate(path, 5_000);
    await expect(file.digests()).rejects.toMatchObject({
      fault: { type: 'storageError', detail: 'short', message: expect.stringContaining('has 5000 bytes') },
    });
    await file.close();
  });
});
