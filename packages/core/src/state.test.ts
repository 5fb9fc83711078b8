import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Catalog } from './catalog.js';
import { decide } from './decide.js';
import type { Input } from './input.js';
import { readManifest } from './manifest.js';
import { DEFAULT_POLICY } from './policy.js';
import { coreIn, type DepotState, demandOn, EMPTY_STATE, imageOf, stateOf } from './state.js';

const VOICES = 40;

/** Many voices that share an engine, each with a core of its own. */
function catalog(): Catalog {
  const file = (id: string) => ({
    filename: 'a',
    url: `https://x.example/${id}`,
    sizeBytes: 10,
    sha256: 'ab'.repeat(32),
  });
  const core = (id: string) => ({ id, files: [file(id)] });
  const own = Array.from({ length: VOICES }, (_, i) => i);
  const text = JSON.stringify({
    version: 3,
    id: 'many',
    cores: [core('engine'), ...own.map((i) => core(`c${i}`))],
    voices: own.map((i) => ({ id: `v${i}`, coreRequirements: ['engine', `c${i}`] })),
  });
  const reading = readManifest(text, { base: null, allowHttp: false });
  if (!reading.ok) throw new Error(JSON.stringify(reading.defects));
  return Catalog.of([reading.manifest], 'linux').catalog;
}

const many = catalog();

function after(state: DepotState, input: Input): DepotState {
  const decision = decide(state, many, DEFAULT_POLICY, input, { now: 1, luck: 0.5 });
  return decision.type === 'decision' ? decision.state : state;
}

const voice = fc.nat(VOICES - 1).map((i) => `v${i}`);
const core = fc.nat(VOICES).map((i) => (i === VOICES ? 'engine' : `c${i}`));
type Move = (state: DepotState) => Input;
const ticketed = (type: string, id: string): Move => {
  return (state) =>
    ({ type, core: id, ticket: coreIn(state, id).context.ticket, staged: {}, weak: [] }) as unknown as Input;
};
const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 4,
    arbitrary: voice.map(
      (id): Move =>
        () => ({ type: 'download', id }),
    ),
  },
  voice.map(
    (id): Move =>
      () => ({ type: 'pause', id }),
  ),
  voice.map(
    (id): Move =>
      () => ({ type: 'resume', id }),
  ),
  voice.map(
    (id): Move =>
      () => ({ type: 'delete', id, force: false }),
  ),
  fc.tuple(voice, fc.integer({ min: -2, max: 2 })).map(
    ([id, priority]): Move =>
      () => ({ type: 'prioritize', id, priority }),
  ),
  fc
    .tuple(fc.constantFrom('prepared', 'downloaded', 'verified', 'discarded', 'removed'), core)
    .map(([type, id]) => ticketed(type, id)),
);

describe('a state', () => {
  it('reads back from its image with all that is derived: who wants what, who is next, who works', () => {
    let mostHeld = 0;
    let longest = 0;
    fc.assert(
      fc.property(fc.array(move, { maxLength: 150, size: 'max' }), (moves) => {
        const state = moves.reduce((before, next) => after(before, next(before)), EMPTY_STATE);
        expect(stateOf(imageOf(state))).toEqual(state);
        mostHeld = Math.max(mostHeld, demandOn(state, 'engine').holders.size);
        longest = Math.max(longest, state.queued.size);
      }),
      { numRuns: 100 },
    );
    expect(mostHeld).toBeGreaterThan(20);
    expect(longest).toBeGreaterThan(15);
  });
});
