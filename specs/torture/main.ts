/** `npm run torture`: every point; `--only TEXT` those whose name holds it, `--sample N` some, `--seed S` which. */
import { parseArgs } from 'node:util';
import { Ground } from './ground.js';
import { nameOf, type Point, sampleOf } from './point.js';
import { allPoints, sweep, type Verdict } from './sweep.js';

const AT_ONCE = 2;
const BAR_WIDTH = 30;

export async function main(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: { only: { type: 'string' }, sample: { type: 'string' }, seed: { type: 'string' } },
  });
  await using ground = await Ground.make();
  const seed = Number(values.seed ?? Date.now() % 1_000_000);
  const fitting = (await allPoints(ground)).filter((point) => nameOf(point).includes(values.only ?? ''));
  const points = values.sample === undefined ? fitting : sampleOf(fitting, Number(values.sample), seed);
  process.stderr.write(`${points.length} points${values.sample === undefined ? '' : `, seed ${seed}`}\n`);
  if (points.length === 0) return 2;
  const bad: Verdict[] = [];
  const verdicts = await sweep(ground, points, {
    atOnce: AT_ONCE,
    onVerdict: (verdict, done) => {
      if (verdict.wrongs.length > 0) {
        bad.push(verdict);
        process.stderr.write(`\r\x1b[K${nameOf(verdict.point)}: ${verdict.wrongs.join('\n    ')}\n`);
      }
      show(done, points.length, bad.length);
    },
  });
  process.stdout.write(`\n${tableOf(verdicts)}\n`);
  return bad.length === 0 ? 0 : 1;
}

function show(done: number, all: number, bad: number): void {
  const filled = Math.floor((done / all) * BAR_WIDTH);
  const bar = '#'.repeat(filled) + '.'.repeat(BAR_WIDTH - filled);
  if (process.stderr.isTTY || done % 50 === 0 || done === all)
    process.stderr.write(
      `${process.stderr.isTTY ? '\r' : ''}[${bar}] ${done}/${all}, ${bad} bad${process.stderr.isTTY ? '' : '\n'}`,
    );
}

/** One line for each scenario and misfortune. */
function tableOf(verdicts: readonly Verdict[]): string {
  const rows = new Map<string, Verdict[]>();
  for (const verdict of verdicts) {
    const { scenario, misfortune } = verdict.point satisfies Point;
    const key = `${scenario.padEnd(8)} ${misfortune.padEnd(8)}`;
    rows.set(key, [...(rows.get(key) ?? []), verdict]);
  }
  const count = (of: readonly Verdict[], fits: (verdict: Verdict) => boolean) =>
    String(of.filter(fits).length).padStart(8);
  const lines = [...rows].map(
    ([key, of]) =>
      `${key}${count(of, () => true)}${count(of, ({ isReached }) => isReached)}${count(of, ({ ended }) => ended === '0')}${count(of, ({ wrongs }) => wrongs.length > 0)}`,
  );
  return ['scenario misfort.  points reached succeed.     bad', ...lines].join('\n');
}
