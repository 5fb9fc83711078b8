// `npm run bench:browser`: half a gibibyte from a real nginx on this machine, stored by a depot in a real Chromium, by the Cache API and by
// `createWritable`, in turn, each in a profile of its own; then how long tabs are without an owner. `--record` writes BROWSER.md.
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { median } from './figures.mjs';
import { startNginx } from './nginx.mjs';
import { seededFile } from './seeded-file.mjs';

const ROUNDS = 3;
const MIB = 1024 * 1024;
const SIZE = 512 * MIB;
const TABS = 4;
const TAKEOVERS = 12;
const ENDS = ['close', 'crash', 'leave'];
/** What a page may notice of it. */
const TASK_MS = 50;
const HEAP_BYTES = 5_000_000;
const TAKEOVER_MS = 1_000;
const WAYS = {
  depot: '**depot: stored and verified**',
  cache: '`cache.put`: stored',
  writable: '`createWritable`: stored',
};

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const dir = await mkdtemp(join(tmpdir(), 'lading-bench-'));
const say = (text) => process.stderr.write(`${text}\n`);

async function inChromium(url, work) {
  const profile = await mkdtemp(join(dir, 'profile-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: '/usr/bin/chromium',
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--disable-background-networking'],
  });
  const openPage = async () => {
    const page = await context.newPage();
    await page.goto(`${url}/browser.html`);
    return page;
  };
  try {
    return await work(context, openPage);
  } finally {
    await context.close();
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** The page's own heap while `work` runs, with buffers outside of it: how far it rose above what it was after a collection, garbage and all. */
async function heapGrowth(cdp, work) {
  await cdp.send('HeapProfiler.collectGarbage');
  const used = async () => {
    const { usedSize, embedderHeapUsedSize = 0, backingStorageSize = 0 } = await cdp.send('Runtime.getHeapUsage');
    return usedSize + embedderHeapUsedSize + backingStorageSize;
  };
  const before = await used();
  let peak = before;
  const sample = async () => {
    peak = Math.max(peak, await used().catch(() => 0));
  };
  const look = setInterval(() => void sample(), 50);
  const result = await work();
  clearInterval(look);
  peak = Math.max(peak, await used());
  await cdp.send('HeapProfiler.collectGarbage');
  return { ...result, peakBytes: peak - before, keptBytes: (await used()) - before };
}

const stored = (url, way) =>
  inChromium(url, async (context, openPage) => {
    const page = await openPage();
    const cdp = await context.newCDPSession(page);
    const run = await heapGrowth(cdp, () => page.evaluate((each) => window.store(each), way));
    const { bytes, isVerified } = await page.evaluate((each) => window.check(each), way);
    if (bytes !== SIZE || isVerified !== (way === 'depot')) throw new Error(`${way} has stored something else`);
    return run;
  });

async function transfers(url) {
  const runs = Object.fromEntries(Object.keys(WAYS).map((way) => [way, []]));
  for (let round = 1; round <= ROUNDS; round++) {
    for (const way of Object.keys(WAYS)) {
      const run = await stored(url, way);
      runs[way].push(run);
      say(`round ${round}/${ROUNDS}  ${way.padEnd(8)} ${JSON.stringify(run)}`);
    }
  }
  return runs;
}

async function end(context, page, how, url) {
  if (how === 'close') return await page.close();
  if (how === 'leave') return await page.goto(`${url}/elsewhere.html`);
  const crashed = page.waitForEvent('crash');
  const cdp = await context.newCDPSession(page);
  cdp.send('Page.crash').catch(() => undefined);
  await crashed;
}

/** From the end of the owner's tab to the moment when another one's worker owns the depot, milliseconds. */
const takeovers = (url) =>
  inChromium(url, async (context, openPage) => {
    const tabs = [];
    const open = async () => {
      const page = await openPage();
      await page.evaluate(() => window.openTab());
      tabs.push(page);
    };
    for (let i = 0; i < TABS; i++) await open();
    const tookMs = [];
    for (let i = 0; i < TAKEOVERS; i++) {
      const owner = await Promise.any(tabs.map((page) => page.evaluate(() => window.owning()).then(() => page)));
      tabs.splice(tabs.indexOf(owner), 1);
      const next = Promise.any(tabs.map((page) => page.evaluate(() => window.owning())));
      const endedMs = Date.now();
      await end(context, owner, ENDS[i % ENDS.length], url);
      tookMs.push((await next) - endedMs);
      say(`takeover after ${ENDS[i % ENDS.length]}: ${tookMs.at(-1)} ms`);
      await open();
    }
    return tookMs;
  });

function report(runs, tookMs, version) {
  const of = (way, key) => median(runs[way].map((run) => run[key]));
  const most = (way, key) => Math.max(...runs[way].map((run) => run[key]));
  const megabytes = (bytes) => (bytes / 1e6).toFixed(1);
  const rows = Object.entries(WAYS).map(([way, name]) => {
    const speed = Math.round(SIZE / 1e3 / of(way, 'tookMs'));
    const heap = `${megabytes(of(way, 'peakBytes'))} | ${megabytes(of(way, 'keptBytes'))}`;
    return `| ${name} | ${speed} | ${Math.round(most(way, 'longestTaskMs'))} | ${heap} |`;
  });
  const bar = (words, isMet) => `| ${words} | ${isMet ? 'met' : '**missed**'} |`;
  return [
    '# A depot in Chromium, measured',
    '',
    'Written by `npm run bench:browser -- --record`.',
    '',
    `512 MiB from nginx on loopback, Chromium ${version}, medians of ${ROUNDS} interleaved runs, each in a new profile on the disk; ${new Date().toISOString().slice(0, 10)}, ${cpus().length} × ${cpus()[0].model}, Node ${process.versions.node}.`,
    'The depot computes and checks the sha256, syncs each 4 MiB and could go on after a crash; the other two verify nothing, and start again.',
    '',
    '| | MB/s | longest main-thread task of all runs, ms (0: none over 50) | heap of the page at its peak, MB more | after a collection, MB more |',
    '|---|---|---|---|---|',
    ...rows,
    '',
    `Takeover, from the end of the owner's tab (closed, crashed, navigated away, ${TAKEOVERS} in turn) to the next owner: median ${Math.round(median(tookMs))} ms, longest ${Math.max(...tookMs)} ms.`,
    '',
    '| bar for the depot | |',
    '|---|---|',
    bar(`no main-thread task over ${TASK_MS} ms`, most('depot', 'longestTaskMs') <= TASK_MS),
    bar(`page heap grows by at most ${HEAP_BYTES / 1e6} MB`, of('depot', 'peakBytes') <= HEAP_BYTES),
    bar(`takeover below ${TAKEOVER_MS} ms`, Math.max(...tookMs) < TAKEOVER_MS),
    '',
  ].join('\n');
}

try {
  const root = join(dir, 'www');
  await mkdir(root);
  say('making half a gibibyte …');
  const sha256 = await seededFile(join(root, 'big.bin'), SIZE, 'browser');
  await copyFile(here('browser.html'), join(root, 'browser.html'));
  for (const file of ['page.js', 'worker.js'])
    await copyFile(here(`../../adapters/browser/dist/standalone/${file}`), join(root, file));
  await writeFile(join(root, 'elsewhere.html'), '<!doctype html>elsewhere');
  const nginx = await startNginx(dir, root);
  try {
    const file = { filename: 'big.bin', url: `${nginx.url}/big.bin`, sizeBytes: SIZE, sha256 };
    await writeFile(
      join(root, 'catalog.json'),
      JSON.stringify({ version: 3, cores: [{ id: 'big', files: [file] }], voices: [] }),
    );
    const version = await inChromium(nginx.url, async (context) => context.browser()?.version() ?? '');
    const text = report(await transfers(nginx.url), await takeovers(nginx.url), version);
    process.stdout.write(text);
    if (process.argv.includes('--record')) await writeFile(here('BROWSER.md'), text);
  } finally {
    await nginx.stop();
  }
} finally {
  await rm(dir, { recursive: true, force: true, maxRetries: 5 });
}
