/** The same seed, the same course of events: records, effects, requests and state, byte for byte. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { readTrace, replayTrace, scriptOf, traceOf, writeTrace } from '@lading/sim';
import { describe, expect, it } from 'vitest';

const SEEDS = [1, 2, 3, 5, 8, 13, 21, 34];

const inAnotherProcess = (seed: number): string => {
  const sim = fileURLToPath(new URL('../../packages/sim/dist/index.js', import.meta.url));
  const program = `import { scriptOf, traceOf, writeTrace } from ${JSON.stringify(sim)}; process.stdout.write(writeTrace(await traceOf(scriptOf(${seed}))));`;
  return execFileSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
};

describe('the same seed', () => {
  it.each(SEEDS)('%i gives the same trace twice in one process', async (seed) => {
    const one = writeTrace(await traceOf(scriptOf(seed)));
    const two = writeTrace(await traceOf(scriptOf(seed)));
    expect(two).toBe(one);
    expect(one).toContain('"state":"');
  });

  it('gives the same trace in two other processes, whatever ran before', () => {
    for (const seed of SEEDS.slice(0, 2)) expect(inAnotherProcess(seed)).toBe(inAnotherProcess(seed));
  });

  it('gives the same trace here as there', async () => {
    for (const seed of SEEDS.slice(0, 3))
      expect(inAnotherProcess(seed)).toBe(writeTrace(await traceOf(scriptOf(seed))));
  });

  it('and another gives another', async () => {
    expect(writeTrace(await traceOf(scriptOf(1)))).not.toBe(writeTrace(await traceOf(scriptOf(4))));
  });
});

describe('a trace', () => {
  it('is performed again as it is told', async () => {
    const trace = readTrace(writeTrace(await traceOf(scriptOf(7))));
    expect(await replayTrace(trace)).toBeNull();
  });

  it('that tells something else is found out, with the step', async () => {
    const trace = readTrace(writeTrace(await traceOf(scriptOf(7))));
    const steps = trace.steps.with(3, { atMs: -1 });
    expect(await replayTrace({ ...trace, steps })).toMatchObject({ step: 3, told: '{"atMs":-1}' });
  });
});
