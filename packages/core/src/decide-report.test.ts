import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Catalog } from './catalog.js';
import { durableBytes } from './core-state.js';
import { decide } from './decide.js';
import type { Checkpoint } from './event.js';
import type { Input } from './input.js';
import { readManifest } from './manifest.js';
import { DEFAULT_POLICY } from './policy.js';
import { coreIn, type DepotState, EMPTY_STATE } from './state.js';

/** Some are names of what every object has. */
const NAMES = ['a', 'toString', 'valueOf', 'hasOwnProperty'];
const SIZE = 1_000;

const reading = readManifest(
  JSON.stringify({
    version: 3,
    id: 'names',
    cores: [
      {
        id: 'core',
        files: NAMES.map((filename) => ({
          filename,
          url: `https://x.example/${filename}`,
          sizeBytes: SIZE,
          sha256: 'ab'.repeat(32),
        })),
      },
    ],
  }),
  { base: null, allowHttp: false },
);
if (!reading.ok) throw new Error(JSON.stringify(reading.defects));
const { catalog } = Catalog.of([reading.manifest], 'linux');

function decided(state: DepotState, input: Input) {
  const decision = decide(state, catalog, DEFAULT_POLICY, input, { now: 1, luck: 0.5 });
  if (decision.type === 'refusal') throw new Error(decision.message);
  return decision;
}

describe('a checkpoint', () => {
  const checkpoint = fc.record({
    bytes: fc.nat(SIZE),
    validator: fc.constant(null),
    origin: fc.constant(null),
  }) as fc.Arbitrary<Checkpoint>;
  const files = fc.dictionary(fc.constantFrom(...NAMES), checkpoint, { minKeys: 1, noNullPrototype: true });

  it('is progress when it makes a step more durable than there ever was, whatever its files are called', () => {
    fc.assert(
      fc.property(fc.array(files, { minLength: 1, maxLength: 6 }), (reports) => {
        let { state } = decided(EMPTY_STATE, { type: 'download', id: 'core' });
        const { ticket } = coreIn(state, 'core').context;
        state = decided(state, { type: 'prepared', core: 'core', ticket, staged: {} }).state;
        let durable: Readonly<Record<string, Checkpoint>> = {};
        let highest = 0;
        for (const each of reports) {
          durable = { ...durable, ...each };
          const all = NAMES.length * SIZE;
          const risen = durableBytes(durable) - highest;
          const isProgress = risen >= all / 100 || (risen > 0 && durableBytes(durable) >= all);
          const decision = decided(state, { type: 'checkpointed', core: 'core', ticket, files: each });
          expect(decision.events).toMatchObject([{ type: 'CoreCheckpointed', isProgress }]);
          if (isProgress) highest += risen;
          state = decision.state;
        }
      }),
    );
  });
});
