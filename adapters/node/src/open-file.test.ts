import { constants } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OpenFile } from './open-file.js';
import { DiskStore } from './store.js';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lading-open-file-'));
});
afterAll(async () => {
  await rm(root, { recursive: true, force: true });
});

describe('an open file', () => {
  it.each([true, false])('is closed once: its number is another file’s by then (small: %s)', async (isSmall) => {
    const at = (name: string) => OpenFile.at(join(root, name), constants.O_RDWR | constants.O_CREAT, isSmall);
    const first = at('first');
    await first.close();
    const second = at('second');
    expect(second.fd).toBe(first.fd);
    await first.close();
    expect(await second.write([new Uint8Array(3)], 0)).toBe(3);
    await expect(first.write([new Uint8Array(3)], 0)).rejects.toThrow('EBADF');
    await second.close();
  });
});

it('a folder of a generation that became a file has lost its files, and nothing is refused for that', async () => {
  await mkdir(join(root, 'cores/c/g1'), { recursive: true });
  await writeFile(join(root, 'cores/c/g1/deep'), 'x');
  await writeFile(join(root, 'cores/c/g1/f'), 'xyz');
  expect(await new DiskStore(root).sizes('c', 'g1', ['deep/f', 'f'])).toEqual({ f: 3 });
});
