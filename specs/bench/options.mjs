// What may be said to the bench.
import { parseArgs } from 'node:util';
import { CASE_NAMES } from './cases.mjs';

/** All that there is to measure: the races, the limit of rate, the starts. */
export const ALL = [...CASE_NAMES, 'L', 'S'];
const ROUNDS = 5;

/** `{ only, rounds, scale, record }`; throws an error that says what is wrong. A record is of everything, whole, and of at least five rounds. */
export function readOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string', default: ALL.join(',') },
      rounds: { type: 'string', default: String(ROUNDS) },
      scale: { type: 'string', default: '1' },
      record: { type: 'boolean', default: false },
    },
  });
  const only = [...new Set(values.only.split(','))];
  const unknown = only.find((name) => !ALL.includes(name));
  if (unknown !== undefined) throw new Error(`--only ${unknown}: there is no such case; there are ${ALL.join(', ')}`);
  const rounds = Number(values.rounds);
  if (!Number.isSafeInteger(rounds) || rounds < 1) throw new Error(`--rounds ${values.rounds}: expected 1 or more`);
  const scale = Number(values.scale);
  if (!(scale > 0 && scale <= 1)) throw new Error(`--scale ${values.scale}: expected more than 0, at most 1`);
  if (values.record && (only.length < ALL.length || rounds < ROUNDS || scale < 1))
    throw new Error(`--record: only a run of all cases, of ${ROUNDS} rounds or more and of full size is recorded`);
  return { only, rounds, scale, record: values.record };
}
