import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Safeguard, Suite } from './safeguard.js';
import type { Outcome, Workshop } from './workshop.js';

/** Worlds that a mutant is shown, beside those of `specs/seeds`. */
const WORLDS = 300;
/** Far beyond what any suite takes, milliseconds: who is not done then never will be. */
const TOO_LONG_MS = 300_000;

/** What vitest is asked to run for a suite. */
function specOf(suite: Exclude<Suite, 'worlds'>): readonly string[] {
  const [place, port] = suite.split('/');
  if (place === 'laws' || place === 'scenarios') return [`specs/${suite}.spec.ts`];
  return [`specs/conformance/${place}.spec.ts`, '-t', `the ${port} of @lading/${place}`];
}

interface Report {
  readonly testResults: readonly {
    readonly message: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

const hangs = ({ code }: Outcome): boolean => code === null;

async function worlds(shop: Workshop, count: number): Promise<string | null> {
  const outcome = await shop.run(['specs/mutants/worlds.mjs', String(count)], TOO_LONG_MS);
  if (hangs(outcome)) return 'a world ends';
  // A rejection that nobody awaits ends the program.
  if (outcome.code !== 0) return 'nothing throws';
  return JSON.parse(outcome.stdout) as string | null;
}

/** The first sentence of what is chosen that does not hold, or null. */
async function specs(shop: Workshop, chosen: readonly string[]): Promise<string | null> {
  const file = join(shop.root, 'report.json');
  await rm(file, { force: true });
  const outcome = await shop.run(
    [
      'node_modules/vitest/vitest.mjs',
      'run',
      '--bail=1',
      '--no-file-parallelism',
      // Modules are loaded once for all files: nothing that is asked here changes what they hold.
      '--no-isolate',
      '--reporter=json',
      `--outputFile=${file}`,
      ...chosen,
    ],
    TOO_LONG_MS,
  );
  if (outcome.code === 0) return null;
  if (hangs(outcome)) return `${chosen[0]} ends`;
  const report = JSON.parse(await readFile(file, 'utf8')) as Report;
  const failed = report.testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .find(({ status }) => status === 'failed');
  if (failed !== undefined) return failed.fullName;
  throw new Error(report.testResults.map(({ message }) => message).join('\n') || outcome.stderr);
}

export interface Red {
  readonly suite: Suite | 'unit';
  /** The law or sentence. */
  readonly sentence: string;
}

const PLACE = /^(packages|adapters)\/\w+\/src/;

function redIn(shop: Workshop, suite: Suite): Promise<string | null> {
  return suite === 'worlds' ? worlds(shop, WORLDS) : specs(shop, specOf(suite));
}

async function firstRed(shop: Workshop, suites: Iterable<Suite>): Promise<Red | null> {
  for (const suite of suites) {
    const sentence = await redIn(shop, suite);
    if (sentence !== null) return { suite, sentence };
  }
  return null;
}

/** What turns red though nothing was taken away: it would prove nothing. */
export const redAlready = (shop: Workshop, suites: ReadonlySet<Suite>): Promise<Red | null> => firstRed(shop, suites);

/** What turns red without this safeguard, the cheapest first; null if nothing does. Unit tests are asked last, and only told of. */
export async function redBy(shop: Workshop, { suites, file }: Safeguard): Promise<Red | null> {
  const red = await firstRed(shop, suites);
  if (red !== null) return red;
  const sentence = await specs(shop, [PLACE.exec(file)?.[0] ?? file]);
  return sentence === null ? null : { suite: 'unit', sentence };
}
