/**
 * One of many processes that want the same depot. It waits until it owns it, works a little, lets go, and begins again until its stdin ends.
 * What it says carries the machine's monotonic clock, which all processes share. `contender lease DIR SEED` wants the lease alone and dies in
 * every fifth of its turns; `contender depot DIR SEED CATALOG` downloads and deletes, and is killed by others.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { readFile, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { InitializationError } from '@lading/core';
import { FileLease, HttpFetcher, loadCatalog, openDepot } from '@lading/node';
import { FaultError } from '@lading/runtime';
import { seededBytes } from '../origin/seeded-bytes.js';
import type { Word } from './word.js';

const [mode = '', dir = '', seed = '', catalogPath = ''] = process.argv.slice(2);

const lots = new Uint32Array(seededBytes(Number(seed), 40_000).buffer);
let drawn = 0;
const lot = (below: number): number => (lots[drawn++ % lots.length] ?? 0) % below;

/** What it does, for whoever wonders why it does not end. */
let deed = 'begins';
let tell = (): unknown => null;
process.on('SIGUSR2', () => {
  writeFileSync(2, `${JSON.stringify({ deed, resources: process.getActiveResourcesInfo(), depot: tell() })}\n`);
});

let isOver = false;
process.stdin
  .on('end', () => {
    isOver = true;
  })
  .resume();

/** A pipe is written at once: what was said is with the listener before anything else happens. */
function say(word: Omit<Word, 'at'>): void {
  writeFileSync(1, `${JSON.stringify({ ...word, at: Number(process.hrtime.bigint() / 1000n) } satisfies Word)}\n`);
}

const isHeld = (error: unknown): boolean =>
  (error instanceof FaultError && error.fault.type === 'leaseHeld') ||
  (error instanceof InitializationError && error.code === 'leaseHeld');

/** Asks until it is given, or until nobody wants it any more. */
async function waited<T>(ask: () => Promise<T>, pauseMs: number): Promise<T | null> {
  while (!isOver) {
    try {
      return await ask();
    } catch (error) {
      if (!isHeld(error)) throw error;
      await sleep(pauseMs / 2 + lot(pauseMs));
    }
  }
  return null;
}

function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !['Z', 'X'].includes(stat.charAt(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}

/** Says so if another living process is inside. */
async function enter(inside: string): Promise<void> {
  try {
    await writeFile(inside, String(process.pid), { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const pid = Number(await readFile(inside, 'utf8').catch(() => '0'));
    if (isAlive(pid)) say({ is: 'crowded', pid });
    await writeFile(inside, String(process.pid));
  }
}

async function wantLease(): Promise<void> {
  const inside = join(dir, 'inside');
  while (!isOver) {
    const held = await waited(() => new FileLease(dir).acquire(), 100);
    if (held === null) return;
    say({ is: 'owner', epoch: held.epoch });
    await enter(inside);
    await sleep(lot(3));
    if (lot(5) === 0) {
      say({ is: 'dying' });
      process.kill(process.pid, 'SIGKILL');
    }
    await unlink(inside);
    say({ is: 'leaving' });
    await held.release();
    await sleep(lot(10));
  }
}

async function wantDepot(): Promise<void> {
  const fetcher = new HttpFetcher({});
  const catalog = await loadCatalog([catalogPath], fetcher);
  await fetcher.close();
  const { origin } = new URL(JSON.parse(await readFile(catalogPath, 'utf8')).cores[0].files[0].url as string);
  const ids = [...catalog.cores()].map(({ id }) => id).filter((id) => id !== 'kept');
  for (let turn = 0; !isOver; turn++) {
    const name = `${process.pid}.${turn}`;
    const options = { dir, catalog, headers: { [origin]: { 'x-owner': name } }, retryBaseMs: 20 };
    deed = 'wants the depot';
    const depot = await waited(() => openDepot(options), 400);
    if (depot === null) return;
    tell = () => depot.list().filter(({ phase }) => phase !== 'absent');
    say({ is: 'owner', epoch: depot.state.epoch });
    const id = ids[lot(ids.length)] ?? '';
    deed = `works on ${id}`;
    const work = depot.status(id).phase === 'ready' ? depot.delete(id) : depot.download(id);
    // It is let go of in the middle of it, or soon after: the next owner goes on.
    await Promise.race([
      work.then(
        () => undefined,
        () => undefined,
      ),
      sleep(20 + lot(150)),
    ]);
    say({ is: 'leaving' });
    deed = `lets go in the midst of ${id}`;
    await depot.close();
  }
}

await (mode === 'lease' ? wantLease() : wantDepot());
process.exit(0);
