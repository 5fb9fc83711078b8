import { fingerprintOf, imageOf } from '@lading/core';
import { LAWS } from './laws.js';
import type { Observation } from './observation.js';
import { type Ending, play } from './play.js';
import type { Script } from './script.js';
import type { World } from './world.js';

/**
 * A performance as data, the same on every runtime to the byte: the script, every record with the effects that it named and a fingerprint
 * of the state behind it, every request, what is done to the disk but for single writes, every life and death, what is on disk at the end, and
 * how it ended. Text: JSON, one step a line.
 */
export interface Trace {
  readonly v: 1;
  readonly script: Script;
  readonly steps: readonly unknown[];
  readonly ending: Ending;
}

function stepOf(world: World, observation: Observation): unknown {
  const atMs = world.elapsedMs;
  switch (observation.type) {
    case 'record': {
      const { record, effects, after } = observation;
      return { atMs, record, effects, state: fingerprintOf(JSON.stringify(imageOf(after))) };
    }
    case 'request': {
      const { url, from, to, ifRange } = observation;
      return { atMs, request: { url, from, ...(to === null ? {} : { to }), ifRange } };
    }
    case 'store': {
      const { call, core } = observation;
      return { atMs, store: { call, core } };
    }
    case 'stage':
    case 'synced':
    case 'unstaged': {
      const { type, core, file } = observation;
      return { atMs, [type]: { core, file } };
    }
    case 'answer': {
      const { act, code } = observation;
      return { atMs, answer: { act, code } };
    }
    case 'died':
      return { atMs, died: observation.how };
    case 'opening':
      return { atMs, opening: observation.pid };
    case 'end': {
      const files = ['/depot/cores', '/depot/journal'].flatMap((folder) => [...world.disk.files(folder)]);
      return { atMs, disk: files.map(([path, bytes]) => [path, fingerprintOf(bytes.join())]) };
    }
    default:
      return null;
  }
}

/** Performs a script and writes down what happens. */
export async function traceOf(script: Script, laws = LAWS): Promise<Trace> {
  const steps: unknown[] = [];
  const ending = await play(script, laws, {
    observe: (world) => (observation) => {
      const step = stepOf(world, observation);
      if (step !== null) steps.push(step);
    },
  });
  return { v: 1, script, steps, ending };
}

export function writeTrace({ v, script, steps, ending }: Trace): string {
  const lines = steps.map((step) => JSON.stringify(step)).join(',\n');
  return `{"v":${v},\n"script":${JSON.stringify(script)},\n"steps":[\n${lines}\n],\n"ending":${JSON.stringify(ending)}}\n`;
}

/** Reads a trace. Throws if the text is none. */
export function readTrace(text: string): Trace {
  const value = JSON.parse(text) as Partial<Trace>;
  if (value.v !== 1 || value.script === undefined || !Array.isArray(value.steps) || value.ending === undefined)
    throw new TypeError('this is no trace of a simulated world');
  return value as Trace;
}

export interface Difference {
  /** Number of the first step that differs. */
  readonly step: number;
  readonly told: string;
  readonly found: string;
}

/** Performs a trace's script again and compares: null if everything happens as it was told. */
export async function replayTrace(trace: Trace, laws = LAWS): Promise<Difference | null> {
  const again = await traceOf(trace.script, laws);
  const [told, found] = [trace, again].map(({ steps, ending }) =>
    [...steps, ending].map((step) => JSON.stringify(step)),
  );
  if (told === undefined || found === undefined) return null;
  for (let step = 0; step < Math.max(told.length, found.length); step++) {
    if (told[step] !== found[step]) return { step, told: told[step] ?? 'nothing', found: found[step] ?? 'nothing' };
  }
  return null;
}
