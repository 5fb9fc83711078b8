/** A stage on this machine: an origin on loopback, files in a folder of its own, a process that is really killed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { imageOf } from '@lading/core';
import { FileJournal, openDepot } from '@lading/node';
import { type Depot, fold } from '@lading/runtime';
import { startOrigin } from '../origin/origin.js';
import { catalogAt, type Goods, type Stage } from './stage.js';
import { rulesOf } from './troubled.js';

const program = fileURLToPath(new URL('../scenarios/depot-process.mjs', import.meta.url));
const quick = { retryBaseMs: 5, stallMs: 20_000 };

export async function nodeStage(): Promise<Stage> {
  const origin = await startOrigin();
  const root = await mkdtemp(join(tmpdir(), 'lading-journals-'));
  const dir = join(root, 'depot');
  const depots: Depot[] = [];
  const put = (goods: Goods) => {
    for (const [path, bytes] of goods.files) origin.put(path, bytes);
  };
  return {
    name: 'node',
    dir,
    open: async (goods) => {
      put(goods);
      const depot = await openDepot({ ...quick, dir, catalog: catalogAt(goods, origin.url) });
      depots.push(depot);
      return depot;
    },
    run: (promise) => promise,
    trouble: (path, ...troubles) => origin.script(path, ...rulesOf(troubles)),
    killedAt: async (goods, id, type) => {
      put(goods);
      const manifest = join(root, 'catalog.json');
      await writeFile(manifest, JSON.stringify({ version: 3, id: 'world', revision: 1, ...goods.shelf(origin.url) }));
      const child = spawn(process.execPath, [program, dir, manifest, 'download', id, type], { stdio: 'inherit' });
      const [, signal] = await once(child, 'exit');
      if (signal !== 'SIGKILL') throw new Error(`the program ended before it had recorded ${type}`);
    },
    compact: async () => {
      const journal = new FileJournal(join(dir, 'journal'), 'write');
      const image = await journal.load();
      await journal.compact(imageOf(fold(image)));
      await journal.close();
    },
    journal: () => new FileJournal(join(dir, 'journal'), 'read').archive(),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(depots.map((depot) => depot.close()));
      await origin.close();
      await rm(root, { recursive: true, force: true });
    },
  };
}
