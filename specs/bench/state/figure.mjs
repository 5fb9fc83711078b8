// A figure that was measured, and the bar it is held against.
import { performance } from 'node:perf_hooks';
import { median } from '../figures.mjs';

/** Lower is better; without a bar it is only told. */
export const figure = (what, value, unit, bar = null) => ({ what, value, unit, bar });

export const isHeld = ({ value, bar }) => bar === null || value <= bar;

/** CPU milliseconds of this process, user and system, while the work ran. */
export async function cpuMs(work) {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

export async function wallMs(work) {
  const before = performance.now();
  await work();
  return performance.now() - before;
}

/** The median of several rounds of a measurement; the first, in which code is compiled, does not count. */
export async function medianOf(rounds, measurement) {
  const values = [];
  for (let round = 0; round <= rounds; round++) {
    const value = await measurement(round);
    if (round > 0) values.push(value);
  }
  return median(values);
}

const shortest = (value) => (value >= 100 ? value.toFixed(0) : value >= 1 ? value.toFixed(1) : value.toFixed(3));

export function tableOf(figures) {
  const rows = figures.map((each) => {
    const { what, value, unit, bar } = each;
    const verdict = bar === null ? '' : isHeld(each) ? 'held' : '**not held**';
    return `| ${what} | ${shortest(value)} ${unit} | ${bar === null ? '' : `${bar} ${unit}`} | ${verdict} |`;
  });
  return ['| | measured | bar | |', '|---|---|---|---|', ...rows].join('\n');
}
