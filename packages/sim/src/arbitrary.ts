import { seededLuck } from '@lading/memory';
import fc from 'fast-check';
import { actOf, CONNECTIONS, DISK_MS, policyOf, type Script } from './script.js';
import { STORMY, type Weather } from './weather.js';

/** Acts in a generated script, at most. */
const MOST_ACTS = 24;

/** Scripts for fast-check, which shrinks them by leaving acts out. */
export function scripts(weather: Weather = STORMY): fc.Arbitrary<Script> {
  const number = fc.noShrink(fc.integer({ min: 0, max: 2 ** 32 - 1 }));
  const act = number.map((seed) => actOf(seededLuck(seed), weather));
  return fc.record({
    seed: number,
    policy: number.map((seed) => policyOf(seededLuck(seed))),
    stallMs: fc.constantFrom(5_000, 1_500, 400),
    diskMs: fc.constantFrom(...DISK_MS),
    connections: fc.constantFrom(...CONNECTIONS),
    acts: fc.array(act, { minLength: 1, maxLength: MOST_ACTS, size: 'max' }),
  });
}
