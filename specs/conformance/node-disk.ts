/** The benches of Node's disk: real folders, a real full disk where one may be mounted, and deaths between two calls. */
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, statfs, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiskStore, FileJournal } from '@lading/node';
import type { JournalBench } from './journal-bench.js';
import { dying, failNext } from './node-mortal.js';
import type { StoreBench, StoreSetting } from './store-bench.js';

const NO_POWER_SWITCH = 'no test can cut the power of the machine it runs on';
const unable = (why: string): never => {
  throw new Error(why);
};

function mount(dir: string, bytes: number): void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', dir], { stdio: 'ignore' });
}

/** Why no small disk can be mounted here, or undefined if one can. */
export async function lackOfSmallDisks(): Promise<string | undefined> {
  const dir = await mkdtemp(join(tmpdir(), 'lading-mount-'));
  try {
    mount(dir, 65_536);
    execFileSync('umount', [dir]);
    return undefined;
  } catch {
    return 'a small disk cannot be mounted without the rights for it';
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function folder(): Promise<string> {
  return await mkdtemp(join(tmpdir(), 'lading-conformance-'));
}

export async function makeNodeStore({ diskBytes }: StoreSetting): Promise<StoreBench> {
  const root = await folder();
  if (diskBytes !== null) mount(root, diskBytes);
  const dir = join(root, 'depot');
  await mkdir(dir);
  const filler = join(root, 'filler');
  const store = new DiskStore(dir);
  return {
    store,
    reopen: () => new DiskStore(dir),
    spoil: async (core, generation, file, bytes) => {
      const path = store.locate(core, generation, file);
      if (bytes === null) return await rm(path);
      await chmod(path, 0o600);
      await writeFile(path, bytes);
    },
    leaveFree: async (bytes) => {
      await rm(filler, { force: true });
      if (bytes === null) return;
      const { bavail, bsize } = await statfs(root);
      await writeFile(filler, new Uint8Array(Math.max(0, bavail * bsize - bytes)));
    },
    failNextSync: () => failNext('sync'),
    halveNextWrite: () => failNext('half a write'),
    dying: (steps, work) => dying(steps, () => work(new DiskStore(dir))),
    cutPower: () => unable(NO_POWER_SWITCH),
    [Symbol.asyncDispose]: async () => {
      if (diskBytes !== null) execFileSync('umount', [root]);
      await rm(root, { recursive: true, force: true });
    },
  };
}

export async function makeNodeJournal(): Promise<JournalBench> {
  const root = await folder();
  const dir = join(root, 'journal');
  const names = async (): Promise<readonly string[]> => (await readdir(dir)).sort();
  return {
    open: () => new FileJournal(dir, 'write'),
    read: () => new FileJournal(dir, 'read'),
    medium: {
      segments: async () => (await names()).filter((name) => name.endsWith('.jsonl')),
      snapshot: 'snapshot.json',
      read: async (name) => Uint8Array.from(await readFile(join(dir, name))),
      write: async (name, bytes) => {
        await truncate(join(dir, name), 0);
        await writeFile(join(dir, name), bytes);
      },
      all: async () => {
        const all = new Map<string, Uint8Array>();
        for (const name of await names()) all.set(name, Uint8Array.from(await readFile(join(dir, name))));
        return all;
      },
    },
    failNext,
    dying: (steps, work) => dying(steps, () => work(new FileJournal(dir, 'write'))),
    cutPower: () => unable(NO_POWER_SWITCH),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}
export const nodeDiskLacks = { powerCut: NO_POWER_SWITCH };
