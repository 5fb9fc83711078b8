/** Some points of `npm run torture`, other ones each day; all of them are for a night. */
import { execFileSync } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Ground } from './ground.js';
import { MISFORTUNES, nameOf, type Point, pointsOf, sampleOf } from './point.js';
import { allPoints, sweep } from './sweep.js';
import { live } from './victim.js';

const COUNT = 30;
const AT_ONCE = 2;
const DAY_MS = 86_400_000;
const seed = Number(process.env['LADING_SEED'] ?? Math.floor(Date.now() / DAY_MS));

/** Why nothing can be traced here, or null. */
function lackOfTracing(): string | null {
  if (process.platform !== 'linux') return 'calls are traced with strace, which is for Linux';
  try {
    execFileSync('strace', ['-qq', '-o', '/dev/null', 'true'], { stdio: 'ignore' });
    return null;
  } catch {
    return 'calls are traced with strace, which is not here or may not trace: apt install strace';
  }
}

const lack = lackOfTracing();
if (lack !== null) process.stderr.write(`skipped: torture: ${lack}\n`);

describe.skipIf(lack !== null)(`an install under torture (seed ${seed})`, () => {
  let ground: Ground;
  let points: readonly Point[];
  beforeAll(async () => {
    ground = await Ground.make();
    points = await allPoints(ground);
  });
  afterAll(async () => {
    await ground?.[Symbol.asyncDispose]();
  });

  it(`fs 1.9: killed or failed at ${COUNT} calls of its file work, leaves nothing wrong and nothing lost, and the next run completes`, {
    timeout: 600_000,
  }, async () => {
    const sample = sampleOf(points, COUNT, seed);
    process.stderr.write(`torture, seed ${seed}, of ${points.length} points:\n  ${sample.map(nameOf).join('\n  ')}\n`);
    const verdicts = await sweep(ground, sample, { atOnce: AT_ONCE, onVerdict: () => undefined });
    const bad = verdicts.filter(({ wrongs }) => wrongs.length > 0);
    expect(bad.map(({ point, wrongs }) => `${nameOf(point)}: ${wrongs.join('; ')}`)).toEqual([]);
    // Otherwise it would pass on nothing.
    expect(verdicts.filter(({ isReached }) => isReached).length).toBeGreaterThan(COUNT / 2);
    expect(new Set(sample.map(({ misfortune }) => misfortune)).size).toBe(MISFORTUNES.length);
  });

  it('fs 1.6, 1.7, 1.10: syncs a file, closes it, makes it read-only, renames it, syncs the folders, and then only records that it is installed', async () => {
    const dir = await ground.depotFor('fresh');
    const { trace } = await live(ground.wordsFor('fresh', dir), null, { thread: 'both' });
    await rm(dir, { recursive: true, force: true });
    const calls = trace.map((line) => line.replaceAll(dir, ''));
    let from = 0;
    const next = (call: RegExp): void => {
      const at = calls.findIndex((each, i) => i >= from && call.test(each));
      expect(at, `${call} behind ${calls[from - 1] ?? 'the beginning'}`).toBeGreaterThanOrEqual(0);
      from = at + 1;
    };
    const staged = '/staging/engine/data/lexicon.bin';
    const assembled = '/cores/engine/.g1/data/lexicon.bin';
    next(new RegExp(`^f(data)?sync\\(\\d+<${staged}>\\) += 0`));
    next(new RegExp(`^close\\(\\d+<${staged}>\\) += 0`));
    next(new RegExp(`^f?chmod\\(.*${staged}.*, 0444\\) += 0`));
    next(new RegExp(`^rename\\("${staged}", "${assembled}"\\) += 0`));
    next(/^fsync\(\d+<\/cores\/engine\/\.g1\/data>\) += 0/);
    next(/^fsync\(\d+<\/cores\/engine\/\.g1>\) += 0/);
    next(/^rename\("\/cores\/engine\/\.g1", "\/cores\/engine\/g1"\) += 0/);
    next(/^fsync\(\d+<\/cores\/engine>\) += 0/);
    next(/^pwrite64\(\d+<\/journal\/000001\.jsonl>, ".*/);
    next(/^fdatasync\(\d+<\/journal\/000001\.jsonl>\) += 0/);
    // Every folder that was made is durable in its parent, and nothing that is final is changed.
    const made = calls.flatMap((call) => /^mkdir\("(\/[^"]*)\/[^"/]+", \d+\) += 0/.exec(call)?.[1] ?? []);
    expect(made).toContain('/cores/engine');
    for (const parent of made)
      expect(
        calls.some((call) => call.startsWith('fsync(') && call.includes(`<${parent}>`)),
        parent,
      ).toBe(true);
    expect(calls.filter((call) => /^(f?chmod|pwrite64|ftruncate)\(.*\/cores\/\w+\/g1/.test(call))).toEqual([]);
  });

  it('fs errors: a call that is interrupted (EINTR) is made again, and nobody learns of it', async () => {
    const interrupted = sampleOf(
      // A read that is interrupted is told: it is a fault of the disk then, or asked for again.
      points.filter(({ syscall, misfortune }) => misfortune === 'EINTR' && syscall !== 'read'),
      5,
      seed,
    );
    const verdicts = await sweep(ground, interrupted, { atOnce: AT_ONCE, onVerdict: () => undefined });
    expect(verdicts.map(({ ended, wrongs }) => [ended, ...wrongs])).toEqual(interrupted.map(() => ['0']));
  });

  it('sees every call by which the depot changes', () => {
    const syscalls = new Set(points.map(({ syscall }) => syscall));
    const needed = [
      'openat',
      'write',
      'pwrite64',
      'fsync',
      'fdatasync',
      'rename',
      'link',
      'unlink',
      'mkdir',
      'chmod',
      'close',
    ];
    expect(needed.filter((each) => !syscalls.has(each))).toEqual([]);
    expect(new Set(points.map(({ scenario }) => scenario)).size).toBe(3);
    expect(points.length).toBeGreaterThan(1_000);
  });
});

describe('the points of a trace', () => {
  it('count the calls of one name, and are those that concern the depot', () => {
    const trace = [
      'access("/d")',
      'openat(AT_FDCWD, "/elsewhere")',
      'openat(AT_FDCWD, "/d/x") = 7',
      'write(7</d/x>, "", 1)',
    ];
    expect(pointsOf('s', trace, '/d').map(nameOf)).toEqual([
      ...MISFORTUNES.map((misfortune) => `s openat 2 ${misfortune}`),
      's write 1 kill',
    ]);
  });

  it('of one seed are always the same, and of all kinds before two are of one', () => {
    const trace = Array.from({ length: 40 }, (_, i) => `${['fsync', 'rename', 'mkdir'][i % 3]}("/d/${i}")`);
    const all = pointsOf('s', trace, '/d');
    expect(sampleOf(all, 15, 7)).toEqual(sampleOf(all, 15, 7));
    expect(sampleOf(all, 15, 7)).not.toEqual(sampleOf(all, 15, 8));
    expect(new Set(sampleOf(all, 15, 7).map(({ syscall, misfortune }) => `${syscall} ${misfortune}`)).size).toBe(15);
  });
});
