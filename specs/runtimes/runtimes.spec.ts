/** One seed, one course of events, on every runtime: what Node writes down in stormy weather, Bun, Deno and Chromium write down to the byte. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { programOf } from './installed.js';
import { missingForPage, tracesInPage } from './page.js';

/** Worlds in which two once came to the disk in another order on another engine. */
const ONCE_DIFFERENT = [248, 337, 813, 898, 1067];
const SEEDS = [...Array.from({ length: 40 }, (_, at) => at + 1), ...ONCE_DIFFERENT];
/** A further program starts here, on a machine that may have one core. */
const TIMEOUT_MS = 120_000;

const run = promisify(execFile);
const program = fileURLToPath(new URL('./program.mjs', import.meta.url));
const sim = fileURLToPath(new URL('../../packages/sim/dist/main.js', import.meta.url));

/** memfs asks who the user is; beyond that Deno allows what it is told, and no look at the network. */
const DENO = ['run', '--quiet', '--no-remote', '--no-prompt', '--allow-read', '--allow-write', '--allow-sys=uid,gid'];
const RUNTIMES = [
  { name: 'Bun', path: programOf('bun'), words: [] },
  { name: 'Deno', path: programOf('deno'), words: DENO },
];

const isCi = process.env['CI'] === 'true';
const absent = [...RUNTIMES.filter(({ path }) => path === null).map(({ name }) => name), ...missingForPage()];
const reason = `for want of ${absent.join(', ')}: npm run runtimes:install; apt-get install chromium`;
if (absent.length > 0 && !isCi) process.stderr.write(`runtimes.spec.ts skips a part, ${reason}\n`);

async function tracesOn(path: string | null, words: readonly string[]): Promise<readonly string[]> {
  if (path === null) throw new Error(`cannot run, ${reason}`);
  const { stdout } = await run(path, [...words, program, ...SEEDS.map(String)], {
    maxBuffer: 256 * 1024 * 1024,
  });
  return JSON.parse(stdout) as readonly string[];
}

/** What the first step that differs says here and there; null if all is the same. A trace has one step a line. */
function firstDifference(told: readonly string[], found: readonly string[]): string | null {
  for (const [at, seed] of SEEDS.entries()) {
    if (told[at] === found[at]) continue;
    const [right = [], wrong = []] = [told, found].map((traces) => traces[at]?.split('\n') ?? []);
    const line = right.findIndex((text, step) => text !== wrong[step]);
    return `seed ${seed}, line ${line + 1}:\n  Node: ${right[line]}\n  here: ${wrong[line]}`;
  }
  return null;
}

describe('the same seeds, performed elsewhere', () => {
  let told: readonly string[] = [];

  beforeAll(async () => {
    told = await tracesOn(process.execPath, []);
  }, TIMEOUT_MS);

  it('give worlds in which much goes wrong, written down with records, effects, states and the journal itself', () => {
    expect(told).toHaveLength(SEEDS.length);
    for (const what of ['"died":"powerCut"', 'RetryScheduled', 'CoreExtracted', '"effects":[{', '/depot/journal/'])
      expect(told.filter((trace) => trace.includes(what)).length, what).toBeGreaterThan(SEEDS.length / 10);
    expect(told.every((trace) => trace.includes('"state":"'))).toBe(true);
  });

  for (const { name, path, words } of RUNTIMES) {
    it.skipIf(path === null && !isCi)(`give the same traces on ${name}`, { timeout: TIMEOUT_MS }, async () => {
      expect(firstDifference(told, await tracesOn(path, words))).toBeNull();
    });
  }

  it.skipIf(missingForPage().length > 0 && !isCi)(
    'give the same traces in a page of Chromium',
    { timeout: TIMEOUT_MS },
    async () => {
      expect(firstDifference(told, await tracesInPage(SEEDS))).toBeNull();
    },
  );
});

describe('lading-sim', () => {
  for (const { name, path, words } of RUNTIMES) {
    it.skipIf(path === null && !isCi)(
      `runs on ${name} and writes the same trace`,
      { timeout: TIMEOUT_MS },
      async () => {
        const dir = await mkdtemp(join(tmpdir(), 'lading-runtimes-'));
        try {
          const [there, here] = [join(dir, 'there.json'), join(dir, 'here.json')];
          await run(process.execPath, [sim, '--seed', '5', '--trace', there]);
          await run(path ?? name, [...words, sim, '--seed', '5', '--trace', here]);
          expect(await readFile(here, 'utf8')).toBe(await readFile(there, 'utf8'));
        } finally {
          await rm(dir, { recursive: true });
        }
      },
    );
  }
});
