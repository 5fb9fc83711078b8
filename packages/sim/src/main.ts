#!/usr/bin/env node
import { type Failure, runWorlds, type Summary } from './run.js';
import { scriptOf } from './script.js';
import { shrink } from './shrink.js';
import { storyOf, violationIn } from './story.js';
import { readTrace, replayTrace, traceOf, writeTrace } from './trace.js';

// The package imports no platform, so that a page can hold a world; its program asks the process for the little that it needs.
const { readFileSync, writeFileSync } = process.getBuiltinModule('node:fs');
const { parseArgs } = process.getBuiltinModule('node:util');

const USAGE = `lading-sim [--seed N] [--worlds N] [--trace FILE] [--replay FILE] [--story] [--coverage] [--json] [--quiet]

Random people, random weather, and laws that watch every step.

  --seed N      seed of the first world; each next one has the next. Default: a fresh one, which is told
  --worlds N    how many worlds; default 1 with --seed, else 1000
  --trace FILE  where the trace of the (first failing, else first) world goes
  --replay FILE performs the script of a trace again and compares, step by step
  --coverage    tells how often each thing happened
  --story       tells the first world as a timeline
  --json        one JSON object a line on stdout
  --quiet       no progress

Exit: 0 no law is broken · 1 one is · 2 usage`;

const YEAR_MS = 365.25 * 24 * 3_600_000;
const PROGRESS_EVERY_MS = 250;

// The simulated disk asks for the user with every call; the system's answer never changes, and costs more than the call.
if (process.getuid !== undefined && process.getgid !== undefined) {
  const [uid, gid] = [process.getuid(), process.getgid()];
  process.getuid = () => uid;
  process.getgid = () => gid;
}

const say = (text: string): void => void process.stderr.write(`${text}\n`);
const nowMs = (): number => Number(process.hrtime.bigint() / 1_000_000n);

function wholeNumber(text: string | undefined, name: string): number | null {
  if (text === undefined) return null;
  if (!/^\d{1,10}$/.test(text)) throw new RangeError(`--${name} wants a whole number, not ${JSON.stringify(text)}`);
  return Number(text);
}

function freshSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] ?? 1;
}

async function report({ script, ending }: Failure, traceFile: string, isJson: boolean): Promise<void> {
  const [violation] = ending.violations;
  if (violation === undefined) return;
  const small = await shrink(script, violation.law);
  const trace = await traceOf(small);
  writeFileSync(traceFile, writeTrace(trace));
  const again = `npm run sim -- --seed ${script.seed} --worlds 1`;
  if (isJson) {
    process.stdout.write(
      `${JSON.stringify({ type: 'violation', seed: script.seed, ...violation, script: small, trace: traceFile, again })}\n`,
    );
    return;
  }
  say(`\nseed ${script.seed}: ${violationIn(violation)}`);
  say(`shrunk from ${script.acts.length} acts to ${small.acts.length}:\n`);
  say(await storyOf(small));
  say(`\nagain:      ${again}`);
  say(`the small:  npm run sim -- --replay ${traceFile}`);
}

async function replay(file: string): Promise<number> {
  const trace = readTrace(readFileSync(file, 'utf8'));
  say(await storyOf(trace.script));
  const difference = await replayTrace(trace);
  if (difference === null) {
    say(`\n${trace.steps.length} steps, all as the trace tells them.`);
    return trace.ending.violations.length === 0 ? 0 : 1;
  }
  say(`\nstep ${difference.step} differs:\n  told:  ${difference.told}\n  found: ${difference.found}`);
  return 1;
}

function sumUp({ worlds, records, simulatedMs, failures }: Summary, tookMs: number) {
  const perSecond = Math.round((worlds / Math.max(1, tookMs)) * 1_000);
  return {
    worlds,
    failures: failures.length,
    records,
    simulatedYears: Number((simulatedMs / YEAR_MS).toFixed(2)),
    worldsPerSecond: perSecond,
  };
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      worlds: { type: 'string' },
      trace: { type: 'string' },
      replay: { type: 'string' },
      story: { type: 'boolean' },
      json: { type: 'boolean' },
      quiet: { type: 'boolean' },
      coverage: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  if (values.replay !== undefined) return await replay(values.replay);
  const given = wholeNumber(values.seed, 'seed');
  const seed = given ?? freshSeed();
  const worlds = wholeNumber(values.worlds, 'worlds') ?? (given === null ? 1_000 : 1);
  const isJson = values.json === true;
  const isTalkative = values.quiet !== true && !isJson;
  if (values.story === true) say(await storyOf(scriptOf(seed)));
  if (isTalkative) say(`${worlds} worlds from seed ${seed}`);

  const begin = nowMs();
  let told = begin;
  const summary = await runWorlds({
    seed,
    worlds,
    onWorld: (so) => {
      if (!isTalkative || !process.stderr.isTTY || nowMs() - told < PROGRESS_EVERY_MS) return;
      told = nowMs();
      const { worldsPerSecond, simulatedYears } = sumUp(so, told - begin);
      process.stderr.write(
        `\r${so.worlds} of ${worlds} worlds, ${worldsPerSecond} a second, ${simulatedYears} simulated years, ${so.failures.length} broken\x1b[K`,
      );
    },
  });
  const result = sumUp(summary, nowMs() - begin);
  if (isTalkative && process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  const [failure] = summary.failures;
  if (failure !== undefined) await report(failure, values.trace ?? `lading-sim-${failure.script.seed}.json`, isJson);
  else if (values.trace !== undefined) writeFileSync(values.trace, writeTrace(await traceOf(scriptOf(seed))));
  if (values.coverage === true)
    for (const [what, count] of summary.coverage.entries()) say(`${String(count).padStart(10)} ${what}`);
  if (isJson) process.stdout.write(`${JSON.stringify({ type: 'result', seed, ...result })}\n`);
  else
    say(
      `${result.worlds} worlds, ${result.records} records, ${result.simulatedYears} simulated years, ${result.worldsPerSecond} worlds a second: ${result.failures === 0 ? 'no law is broken' : `a law is broken in ${result.failures}`}`,
    );
  for (const { script, ending } of summary.failures.slice(1))
    say(
      `seed ${script.seed}: ${violationIn(ending.violations[0] ?? { law: '?', kind: 'hygiene', message: '', atMs: 0 })}`,
    );
  return result.failures === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  if (!(error instanceof RangeError) && !(error instanceof TypeError)) say(USAGE);
  process.exitCode = 2;
}
