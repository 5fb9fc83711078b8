import type { FileHandle } from 'node:fs/promises';
import { appendFile, mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EMPTY_STATE, imageOf } from '@lading/core';
import type { JournalRecord } from '@lading/runtime';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FileJournal } from './journal.js';
import { FileLease } from './lease.js';
import { Reserve } from './reserve.js';

const FENCED = { fault: { type: 'leaseHeld', detail: 'fenced' } };
const SEGMENT = '000001.jsonl';

let root: string;
let dir: string;
let opened: FileJournal[];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lading-journal-'));
  dir = join(root, 'journal');
  opened = [];
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const journal of opened) await journal.close();
  await rm(root, { recursive: true, force: true });
});

const record = (from: number, epoch = 1): JournalRecord => ({ v: 1, from, epoch, at: 0, events: [] });

async function journal(fence: (() => Promise<void>) | null = null, reserve: Reserve | null = null) {
  const made = new FileJournal(dir, 'write', fence, reserve);
  opened.push(made);
  await made.load();
  return made;
}

const epochs = async () => (await new FileJournal(dir, 'read').load()).records.map(({ epoch }) => epoch);

async function fileHandles(): Promise<FileHandle> {
  const handle = await open(root, 'r');
  await handle.close();
  return Object.getPrototypeOf(handle) as FileHandle;
}

describe('a journal whose depot was taken over', () => {
  it('writes nothing and cuts nothing: neither a record nor a snapshot', async () => {
    const lease = new FileLease(root);
    const held = await lease.acquire();
    const sleeper = await journal(() => lease.mustHold());
    await sleeper.append([record(0)]);

    await rm(join(root, 'lease'));
    const next = new FileLease(root);
    const now = await next.acquire();
    await (await journal(() => next.mustHold())).append([record(0, 2), record(0, 3)]);
    const before = await readFile(join(dir, SEGMENT));

    await expect(sleeper.append([record(0)])).rejects.toMatchObject({ ...FENCED, owner: { pid: process.pid } });
    await expect(sleeper.compact(imageOf(EMPTY_STATE))).rejects.toMatchObject(FENCED);
    await sleeper.close();
    await held.release();
    await next.mustHold();
    expect(await readFile(join(dir, SEGMENT))).toEqual(before);
    expect(await readdir(dir)).toEqual([SEGMENT]);
    expect(await epochs()).toEqual([1, 2, 3]);
    await now.release();
  });

  it('does not even cut its own half-line when the takeover came between', async () => {
    let isOurs = true;
    const ours = await journal(async () => {
      if (!isOurs) throw new Error('another owner');
    });
    await ours.append([record(0)]);
    vi.spyOn(await fileHandles(), 'datasync').mockImplementation(async () => {
      isOurs = false;
      throw Object.assign(new Error('EIO'), { code: 'EIO' });
    });
    const before = await readFile(join(dir, SEGMENT));
    await expect(ours.append([record(0, 2)])).rejects.toMatchObject({ fault: { detail: 'EIO' } });
    expect((await readFile(join(dir, SEGMENT))).length).toBeGreaterThan(before.length);
  });
});

describe('a journal that another process wrote to', () => {
  it('is told by its length, also where no lease tells', async () => {
    const sleeper = await journal();
    await sleeper.append([record(0)]);
    await (await journal()).append([record(0, 2)]);
    const before = await readFile(join(dir, SEGMENT));
    for (const _ of ['first', 'second']) await expect(sleeper.append([record(0)])).rejects.toMatchObject(FENCED);
    await sleeper.close();
    expect(await readFile(join(dir, SEGMENT))).toEqual(before);
    expect(await epochs()).toEqual([1, 2]);
  });

  it('before the first record of its own is told too', async () => {
    const sleeper = await journal();
    await (await journal()).append([record(0, 2)]);
    await expect(sleeper.append([record(0)])).rejects.toMatchObject(FENCED);
    expect(await epochs()).toEqual([2]);
  });

  it('or that lost its file is not begun anew in the middle', async () => {
    const sleeper = await journal();
    await sleeper.append([record(0)]);
    await sleeper.close();
    await rm(join(dir, SEGMENT));
    await expect(sleeper.append([record(0)])).rejects.toMatchObject(FENCED);
    expect(await readdir(dir)).toEqual([]);
  });
});

it('a torn tail that was there at the start is cut all the same', async () => {
  await (await journal()).append([record(0)]);
  await appendFile(join(dir, SEGMENT), 'torn');
  const next = await journal();
  await next.append([record(0, 2)]);
  await next.append([record(0, 3)]);
  expect(await epochs()).toEqual([1, 2, 3]);
});

describe('a journal on a full disk', () => {
  /** Fails as long as the reserve is there, as a full disk would. */
  async function fillWhile(isFull: () => Promise<boolean>) {
    const handles = await fileHandles();
    const write = handles.write;
    let tries = 0;
    vi.spyOn(handles, 'write').mockImplementation(async function (this: FileHandle, ...args: unknown[]) {
      tries++;
      if (await isFull()) throw Object.assign(new Error('ENOSPC: full'), { code: 'ENOSPC' });
      return (await Reflect.apply(write, this, args)) as never;
    });
    return () => tries;
  }
  const isReserved = async () => (await readdir(root)).includes('reserve');

  it('gives up the reserve and writes the record and the snapshot after all', async () => {
    const reserve = new Reserve(root);
    const full = await journal(null, reserve);
    await full.append([record(0)]);
    await writeFile(join(root, 'reserve'), 'x');
    await fillWhile(isReserved);
    await full.append([record(0, 2)]);
    expect(await isReserved()).toBe(false);
    expect(await epochs()).toEqual([1, 2]);

    await writeFile(join(root, 'reserve'), 'x');
    await full.compact(imageOf(EMPTY_STATE));
    expect((await readdir(dir)).sort()).toEqual([SEGMENT, 'snapshot.json']);
  });

  it('tries exactly once more, and not at all without a reserve', async () => {
    const full = await journal(null, new Reserve(root));
    await writeFile(join(root, 'reserve'), 'x');
    const tries = await fillWhile(async () => true);
    await expect(full.append([record(0)])).rejects.toMatchObject({ fault: { type: 'noSpace' } });
    expect(tries()).toBe(2);
    const bare = await journal(null, new Reserve(root));
    await expect(bare.append([record(0)])).rejects.toMatchObject({ fault: { type: 'noSpace' } });
    expect(tries()).toBe(3);
  });
});
