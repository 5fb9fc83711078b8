/** One life of a downloading process on a disk, and what must be there after the power was cut. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { DEFAULT_POLICY, type LadingEvent } from '@lading/core';
import { readDepot } from '@lading/node';
import { replayed } from '@lading/runtime';
import { finalFiles } from '../scenarios/world.js';
import type { PowerDisk } from './disk.js';
import type { PowerShelf } from './shelf.js';

const program = fileURLToPath(new URL('downloader.mjs', import.meta.url));
/** From this size on also the name of a staged file is durable with its checkpoint: smaller ones are only fetched again. */
const NAMED_BYTES = 1024 * 1024;

/** What a process said before its end. */
export interface Acknowledged {
  readonly ready: readonly string[];
  /** Of the last event that was durable. */
  readonly position: number;
  readonly events: readonly LadingEvent[];
}

export interface LifeOptions {
  readonly disk: PowerDisk;
  readonly dir: string;
  readonly catalogPath: string;
  readonly ids: readonly string[];
  /** Without it nothing is flushed, though the process believes so. */
  readonly flushes?: boolean;
  /** Asked after each word of the process: null lets it live on, a number cuts the power after so many milliseconds. */
  readonly cutAfter: (said: Acknowledged) => number | null;
}

/** Downloads until the power is cut, or until all is here and then the power is cut. The disk is mounted again afterwards. */
export async function liveUntilPowerCut(options: LifeOptions): Promise<Acknowledged> {
  const { disk, dir, catalogPath, ids, flushes = true, cutAfter } = options;
  const words = [process.execPath, program, dir, catalogPath, ...ids];
  if (!flushes) words.unshift('eatmydata');
  const child = spawn(words[0] ?? '', words.slice(1), {
    stdio: ['pipe', 'pipe', 'pipe'],
    // A sync that goes past the C library could not be held back.
    env: { PATH: process.env['PATH'], UV_USE_IO_URING: '0' },
  });
  const closed = once(child, 'close');
  const stderr: string[] = [];
  child.stderr.on('data', (bytes: Buffer) => stderr.push(bytes.toString()));
  const said = { ready: [] as string[], position: 0, events: [] as LadingEvent[] };
  let heard: Acknowledged = said;
  let choose: (delayMs: number) => void = () => undefined;
  const moment = new Promise<number>((resolve) => (choose = resolve));
  createInterface({ input: child.stdout }).on('line', (line) => {
    const word = JSON.parse(line) as { ready?: string; position?: number; event?: LadingEvent };
    if (word.ready !== undefined) said.ready.push(word.ready);
    if (word.position !== undefined) said.position = word.position;
    if (word.event !== undefined) said.events.push(word.event);
    const delayMs = cutAfter(said);
    if (delayMs !== null) choose(delayMs);
  });
  try {
    const first = await Promise.race([moment, closed]);
    if (typeof first === 'number') await sleep(first);
    else if (first[0] !== 0) throw new Error(`the process ended by itself with ${first.join(' ')}: ${stderr.join('')}`);
    // What it says from here on counts for nothing: in a machine without power it would not be running any more.
    heard = { ...said, ready: [...said.ready], events: [...said.events] };
    disk.cut();
  } finally {
    child.kill('SIGKILL');
    await closed;
  }
  disk.restart();
  return heard;
}

/** Everything that is not as it was said to be, in words; empty if nothing was lost and nothing is wrong. */
export async function lossesOf(dir: string, shelf: PowerShelf, said: Acknowledged): Promise<readonly string[]> {
  const losses: string[] = [];
  const here = new Set<string>();
  for (const { core, file, sha256 } of await finalFiles(dir)) {
    const name = `${core}/${file}`;
    here.add(name);
    if (shelf.digests.get(name) !== sha256) losses.push(`${name} is wrong under its final name`);
  }
  const lost = said.ready.flatMap((id) => shelf.filesOf(id)).filter((name) => !here.has(name));
  losses.push(...lost.map((name) => `${name} was ready and is lost`));
  try {
    losses.push(...(await historyLosses(dir, shelf, said)));
  } catch (error) {
    losses.push(`the journal does not open: ${(error as Error).message}`);
  }
  return losses;
}

async function historyLosses(dir: string, shelf: PowerShelf, said: Acknowledged): Promise<readonly string[]> {
  const reader = await readDepot({ dir, catalog: shelf.catalog });
  const losses: string[] = [];
  const { position } = reader.state;
  if (position < said.position) losses.push(`event ${said.position} was durable, the journal ends at ${position}`);
  for (const id of said.ready) {
    const { phase } = reader.status(id);
    if (phase !== 'ready') losses.push(`${id} was ready and is ${phase}`);
  }
  for (const { breaches } of replayed(await reader.archive(), DEFAULT_POLICY))
    losses.push(...breaches.map(({ law, message }) => `${law}: ${message}`));
  for (const [core, { context }] of reader.state.cores.entries()) {
    if (context.installed !== null) continue;
    for (const [file, { bytes }] of Object.entries(context.durable)) {
      const right = shelf.bytes.get(`${core}/${file}`) ?? new Uint8Array(0);
      const held = (await partialOf(dir, core, file)).subarray(0, bytes);
      if (held.length < bytes && bytes >= NAMED_BYTES)
        losses.push(`${core}/${file} has a checkpoint at ${bytes} and holds ${held.length}`);
      if (!held.equals(right.subarray(0, held.length))) losses.push(`${core}/${file} is wrong below its checkpoint`);
    }
  }
  return losses;
}

/** What there is of a file that is not installed: staged, or in a generation that was being published. */
async function partialOf(dir: string, core: string, file: string): Promise<Buffer> {
  const generations = await readdir(join(dir, 'cores', core)).catch(() => []);
  const places = [join(dir, 'staging', core), ...generations.map((name) => join(dir, 'cores', core, name))];
  for (const place of places) {
    const bytes = await readFile(join(place, file)).catch(() => null);
    if (bytes !== null) return bytes;
  }
  return Buffer.alloc(0);
}
