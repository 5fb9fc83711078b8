import { Coverage } from './coverage.js';
import type { Law } from './law.js';
import { LAWS } from './laws.js';
import { type Ending, play } from './play.js';
import { type Script, scriptOf } from './script.js';
import { STORMY, type Weather } from './weather.js';

export interface RunOptions {
  /** Of the first world; each next one has the next seed. */
  readonly seed: number;
  readonly worlds: number;
  readonly laws?: readonly Law[];
  readonly weather?: Weather;
  /** Stops after so many worlds in which a law broke. */
  readonly mostFailures?: number;
  /** Called after each world. */
  readonly onWorld?: (summary: Summary) => void;
}

export interface Failure {
  readonly script: Script;
  readonly ending: Ending;
}

export interface Summary {
  worlds: number;
  records: number;
  /** Simulated milliseconds, in all worlds together. */
  simulatedMs: number;
  readonly failures: Failure[];
  readonly coverage: Coverage;
}

/** Performs one world after the other and gathers what broke. */
export async function runWorlds(options: RunOptions): Promise<Summary> {
  const { seed, worlds, laws = LAWS, weather = STORMY, mostFailures = 10, onWorld } = options;
  const summary: Summary = { worlds: 0, records: 0, simulatedMs: 0, failures: [], coverage: new Coverage() };
  for (let i = 0; i < worlds && summary.failures.length < mostFailures; i++) {
    const script = scriptOf((seed + i) >>> 0, weather);
    const ending = await play(script, laws, { observe: () => summary.coverage.see });
    summary.worlds++;
    summary.records += ending.records;
    summary.simulatedMs += ending.elapsedMs;
    if (ending.violations.length > 0) summary.failures.push({ script, ending });
    onWorld?.(summary);
  }
  return summary;
}
