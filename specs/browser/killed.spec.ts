/**
 * SIGKILL to a whole Chromium at thirty random moments of a download and of its update, the same profile opened again after each: whatever has a
 * final name is what a catalog says, the rest goes on by itself, and in the end nothing is stored that no record names. What is fetched twice is
 * read from the origin's log. The lots come from one seed, LADING_SEED if it is set; a failure names it.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_POLICY, isBusy } from '@lading/core';
import { fold, replayed } from '@lading/runtime';
import { afterAll, describe, expect, it, onTestFailed } from 'vitest';
import { throttle } from '../origin/behaviour.js';
import { type LoggedRequest, startOrigin } from '../origin/origin.js';
import { seededBytes, sha256Hex } from '../origin/seeded-bytes.js';
import { tarGz } from '../scenarios/tar.js';
import { type DepotPage, openPage, startSite } from './depot-page.js';
import { killAll, type MortalChromium, startMortalChromium } from './mortal-chromium.js';

const MIB = 1024 * 1024;
const KILLS = 30;
/** What a kill may cost: all that is fetched again after it, by all connections together. */
const REFETCH_BYTES = 16 * MIB;
/** So slow that an edition takes a few lives of the browser. Nothing is measured against it. */
const BYTES_PER_SECOND = 6 * MIB;
const seed = Number(process.env['LADING_SEED'] ?? 20_261_204);
const CORES = ['model', 'af', 'data'];

/** Files of an edition by core and name; `data` comes as an archive. */
type Edition = Readonly<Record<string, Uint8Array>>;
const COMMON: Edition = { 'model/tokenizer.json': seededBytes(3, 300_000), 'af/voices/af.bin': seededBytes(4, 40_000) };
const editionOf = (number: number): Edition => ({
  ...COMMON,
  // As many at once as there ever are: what each of them has not made durable is lost together.
  'model/encoder.onnx': seededBytes(10 * number, 9 * MIB + number),
  'model/decoder.onnx': seededBytes(10 * number + 1, 8 * MIB),
  'model/joiner.onnx': seededBytes(10 * number + 2, 7 * MIB),
  'model/weights.bin': seededBytes(10 * number + 3, 6 * MIB),
  'data/phontab': seededBytes(10 * number + 4, 2 * MIB),
  'data/lang/Mr serious': seededBytes(10 * number + 5, MIB),
  'data/empty': new Uint8Array(0),
});
const EDITIONS = [editionOf(1), editionOf(2)] as const;
const digestsOf = (edition: Edition): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(edition).map(([name, bytes]) => [name, sha256Hex(bytes)]));
const DIGESTS = EDITIONS.map(digestsOf);

const site = await startSite();
const files = await startOrigin({ headers: { 'access-control-allow-origin': '*' } });
afterAll(() => Promise.all([killAll(), site.close(), files.close()]));

/** A core's files, without its name before theirs. */
const filesOf = (edition: Edition, core: string): Readonly<Record<string, Uint8Array>> =>
  Object.fromEntries(
    Object.entries(edition).flatMap(([name, bytes]) =>
      name.startsWith(`${core}/`) ? [[name.slice(core.length + 1), bytes]] : [],
    ),
  );

const ARCHIVES = EDITIONS.map((edition) => tarGz(filesOf(edition, 'data')));

function serve(number: number): void {
  const edition = EDITIONS[number] ?? {};
  const entry = (path: string, bytes: Uint8Array) => {
    const url = files.put(path, bytes);
    files.script(path, throttle(BYTES_PER_SECOND));
    return { url, sizeBytes: bytes.length, sha256: sha256Hex(bytes) };
  };
  const many = (id: string) => ({
    id,
    files: Object.entries(filesOf(edition, id)).map(([filename, bytes]) => ({
      filename,
      ...entry(`/${id}/${filename}`, bytes),
    })),
  });
  const archive = {
    id: 'data',
    extractType: 'tar.gz',
    ...entry('/data.tar.gz', ARCHIVES[number] ?? new Uint8Array(0)),
  };
  const voices = [{ id: 'heart', coreRequirements: CORES }];
  const catalog = { version: 3, cores: [many('model'), many('af'), archive], voices };
  site.put('/catalog.json', new TextEncoder().encode(JSON.stringify(catalog)), { contentType: 'application/json' });
}

const lots = new Uint32Array(seededBytes(seed, 4_000).buffer);
let drawn = 0;
const lot = (below: number): number => (lots[drawn++ % lots.length] ?? 0) % below;

/** When to kill: after so many bytes of this life, or as soon as somebody in the page hears of an event. */
type When = { readonly bytes: number } | { readonly event: string };
const EVENTS = ['CoreCheckpointed', 'CoreDownloaded', 'CoreVerified', 'CoreExtracted', 'CoreInstalled'];
const nextWhen = (): When =>
  lot(3) > 0 ? { bytes: 1 + lot(9 * MIB) } : { event: EVENTS[lot(EVENTS.length)] ?? 'CoreVerified' };

const beginOf = ({ range }: LoggedRequest): number => Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);

/** What was asked for from this place in the log on. */
const since = (began: number): readonly LoggedRequest[] => files.requests.slice(began);

/** Bytes that a life fetched though an earlier one, of the same edition, had them. */
function refetched(earlier: readonly LoggedRequest[], life: readonly LoggedRequest[]): number {
  let bytes = 0;
  for (const path of new Set(life.map((request) => request.path))) {
    const last = earlier.findLast((request) => request.path === path);
    const next = life.find((request) => request.path === path);
    if (last !== undefined && next !== undefined) bytes += Math.max(0, beginOf(last) + last.bytesSent - beginOf(next));
  }
  return bytes;
}

/** True when the moment has come, false when the voice is ready before. */
async function comes(when: When, tab: DepotPage, began: number): Promise<boolean> {
  const over = new AbortController();
  const ready = tab.call('newest', 'heart').then(() => false);
  const sent = async (bytes: number): Promise<boolean> => {
    const enough = () => since(began).reduce((sum, { bytesSent }) => sum + bytesSent, 0) >= bytes;
    while (!enough()) await sleep(2, undefined, { signal: over.signal });
    return true;
  };
  const moment = 'bytes' in when ? sent(when.bytes) : tab.call('event', when.event).then(() => true);
  try {
    return await Promise.race([moment, ready]);
  } finally {
    over.abort();
    // Who is not waited for any more ends with the browser.
    for (const each of [moment, ready]) each.catch(() => undefined);
  }
}

/** Each core is whole, in one of these editions, or not there. */
async function expectRight(tab: DepotPage, editions: readonly number[]): Promise<void> {
  const installed = await tab.call('installed', CORES);
  for (const core of CORES) {
    const isOf = (digests: Readonly<Record<string, string>>) =>
      Object.fromEntries(Object.entries(digests).filter(([name]) => name.startsWith(`${core}/`)));
    const found = isOf(installed);
    if (Object.keys(found).length > 0) expect(editions.map((each) => isOf(DIGESTS[each] ?? {}))).toContainEqual(found);
  }
}

/**
 * What the last life left, by the journal of those before this one: work, or none. Rarely there is no journal: Chromium has made its database
 * anew, and the depot is a new one that names nothing.
 */
async function leftBehind(tab: DepotPage): Promise<'hits' | 'misses' | 'losses'> {
  const { records } = await tab.call('journal');
  const epoch = Math.max(...records.map((record) => record.epoch));
  const before = records.filter((record) => record.epoch < epoch);
  if (before.length === 0) return 'losses';
  const state = fold({ snapshot: null, records: before });
  return [...state.cores.entries()].some(([, core]) => isBusy(core)) ? 'hits' : 'misses';
}

/** Everything that records name, as it lies in the private file system. */
async function expectNoOrphan(tab: DepotPage): Promise<void> {
  const { records } = await tab.call('journal');
  const state = fold({ snapshot: null, records });
  const named = [...state.cores.entries()].flatMap(([core, { context }]) => {
    const { generation = '', files = [] } = context.installed ?? {};
    const place = `lading/cores/${core}`;
    return [`${place}/.final-${generation}`, ...files.map(({ filename }) => `${place}/${generation}/${filename}`)];
  });
  const stored = await tab.call('stored');
  expect(stored.filter((path) => path !== 'lading/staging/')).toEqual(named.sort());
}

/** Where it is, for whoever has to find out why it went no further. */
let step = '';
const tally = { hits: 0, inTransfer: 0, misses: 0, losses: 0, rounds: 0, lives: 0, resumes: 0, mostBytes: 0 };

async function openIn(chromium: MortalChromium): Promise<DepotPage> {
  tally.lives += 1;
  const tab = await openPage(chromium.context, `${site.url}/`);
  await tab.call('open');
  return tab;
}

/** One profile, from its first download to the last update, killed on the way as long as kills are left; false if the browser lost its database. */
async function round(profile: string): Promise<boolean> {
  let number = 0;
  serve(number);
  let isAsked = false;
  let isKilled = false;
  /** Where the requests of this edition begin in the log, and those of this life. */
  let [began, life] = [files.requests.length, files.requests.length];
  const count = () => {
    tally.mostBytes = Math.max(tally.mostBytes, refetched(files.requests.slice(began, life), since(life)));
    tally.resumes += since(life).filter((request) => beginOf(request) > 0).length;
  };
  for (;;) {
    step = 'starting';
    const chromium = await startMortalChromium(profile);
    try {
      life = files.requests.length;
      let tab = await openIn(chromium);
      step = 'reading what is installed';
      await expectRight(tab, number === 0 ? [0] : [0, 1]);
      if (isKilled) {
        const left = await leftBehind(tab);
        tally[left] += 1;
        if (left === 'losses') return false;
        isKilled = false;
      }
      for (;;) {
        if (!isAsked) await tab.call('begin', 'heart');
        isAsked = true;
        const when = tally.hits < KILLS ? nextWhen() : { bytes: Number.POSITIVE_INFINITY };
        step = `waiting for ${JSON.stringify(when)} of edition ${number + 1}`;
        isKilled = await comes(when, tab, life);
        if (isKilled) break;
        // It went on by itself to the end: the newest edition, whole.
        expect(await tab.call('installed', CORES)).toEqual(DIGESTS[number]);
        if (number === EDITIONS.length - 1) break;
        count();
        number += 1;
        serve(number);
        isAsked = false;
        await tab.page.close();
        [began, life] = [files.requests.length, files.requests.length];
        tab = await openIn(chromium);
      }
      step = 'killing';
      await chromium.kill();
      // Nobody asks any more: it was the right process that was killed.
      const outcomes = await Promise.all(since(life).map(({ finished }) => finished));
      if (isKilled && outcomes.includes('left')) tally.inTransfer += 1;
      count();
      if (!isKilled) return true;
    } finally {
      await chromium.kill();
    }
  }
}

/** One more start of a profile whose browser was killed when all was ready. */
async function afterwards(profile: string): Promise<void> {
  const chromium = await startMortalChromium(profile);
  try {
    const before = files.requests.length;
    const tab = await openIn(chromium);
    expect(await tab.call('status', 'heart')).toMatchObject({ phase: 'ready', isUpdateAvailable: false });
    expect(await tab.call('installed', CORES)).toEqual(DIGESTS.at(-1));
    await expectNoOrphan(tab);
    expect(files.requests.length).toBe(before);
    const { records } = await tab.call('journal');
    expect([...replayed({ snapshot: null, records }, DEFAULT_POLICY)].flatMap(({ breaches }) => breaches)).toEqual([]);
  } finally {
    await chromium.kill();
  }
}

describe('kill -9 of the browser', () => {
  it(`at ${KILLS} random moments leaves no wrong file and no orphan, and it always completes (seed ${seed})`, {
    timeout: 300_000,
  }, async () => {
    onTestFailed(() => void process.stdout.write(`${step}: ${JSON.stringify(tally)}\n`));
    while (tally.hits < KILLS) {
      const profile = await mkdtemp(join(tmpdir(), 'lading-profile-'));
      tally.rounds += 1;
      try {
        if (await round(profile)) await afterwards(profile);
      } finally {
        await rm(profile, { recursive: true, force: true, maxRetries: 5 });
      }
    }
    process.stdout.write(`kill -9 of the browser: ${JSON.stringify(tally)}\n`);
    expect(tally.mostBytes, 'bytes fetched twice because of one kill').toBeLessThanOrEqual(REFETCH_BYTES);
    expect(tally.losses, 'times that the browser has lost its database').toBeLessThan(KILLS / 10);
    // Otherwise it would pass on nothing.
    expect(tally.rounds).toBeGreaterThan(1);
    expect(tally.inTransfer, 'kills in the middle of a reply').toBeGreaterThan(KILLS / 3);
    expect(tally.resumes, 'requests that went on from an offset').toBeGreaterThan(KILLS / 3);
  });
});
