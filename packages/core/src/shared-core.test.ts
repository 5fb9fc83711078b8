import { describe, expect, it } from 'vitest';
import { Catalog } from './catalog.js';
import { decide } from './decide.js';
import type { Input } from './input.js';
import { readManifest } from './manifest.js';
import { DEFAULT_POLICY } from './policy.js';
import { Queue } from './queue.js';
import { coreIn, type DepotState, EMPTY_STATE } from './state.js';

const VOICES = 10_000;

/** Voices that all need one core and nothing else. */
function catalog(): Catalog {
  const file = { filename: 'a', url: 'https://x.example/a', sizeBytes: 9_000, sha256: 'ab'.repeat(32) };
  const voices = Array.from({ length: VOICES }, (_, i) => ({ id: `v${i}`, coreRequirements: ['engine'] }));
  const text = JSON.stringify({ version: 3, id: 'many', cores: [{ id: 'engine', files: [file] }], voices });
  const reading = readManifest(text, { base: null, allowHttp: false });
  if (!reading.ok) throw new Error(JSON.stringify(reading.defects));
  return Catalog.of([reading.manifest], 'linux').catalog;
}

const many = catalog();

function decided(state: DepotState, input: Input) {
  const decision = decide(state, many, DEFAULT_POLICY, input, { now: 1, luck: 0.5 });
  if (decision.type === 'refusal') throw new Error(decision.message);
  return decision;
}

describe('a core that ten thousand voices share', () => {
  let state = EMPTY_STATE;
  for (let i = 0; i < VOICES; i++) state = decided(state, { type: 'download', id: `v${i}` }).state;
  const { ticket } = coreIn(state, 'engine').context;
  state = decided(state, { type: 'prepared', core: 'engine', ticket, staged: {} }).state;

  it('is one step of one machine further with a checkpoint; nothing of the voices is touched or copied', () => {
    const files = { a: { bytes: 10, validator: null, origin: null } };
    const decision = decided(state, { type: 'checkpointed', core: 'engine', ticket, files });
    expect(decision.events.map(({ type }) => type)).toEqual(['CoreCheckpointed']);
    expect(decision.state.voices).toBe(state.voices);
    expect(decision.state.demand).toBe(state.demand);
    expect(decision.state.queued).toBe(state.queued);
    expect(decision.state.working).toBe(state.working);
  });

  it('moves each of them once when it is ready, and what they want of it stays as it was', () => {
    let before = state;
    for (const type of ['downloaded', 'verified'] as const)
      before = decided(before, { type, core: 'engine', ticket, weak: [] } as Input).state;
    const decision = decided(before, { type: 'installed', core: 'engine', ticket, generation: 'g1', files: [] });
    expect(decision.events).toHaveLength(VOICES + 1);
    expect(decision.state.demand).toBe(before.demand);
  });
});

describe('a queue of ten thousand', () => {
  it('is shallow in whatever order they came, and the same for the same cores', () => {
    const places = Array.from({ length: 10_000 }, (_, order) => ({ id: `c${order}`, priority: order % 3, order }));
    const fill = (all: typeof places) => all.reduce((queue, place) => queue.with(place), Queue.empty);
    const queue = fill(places);
    interface Node {
      readonly left: Node | null;
      readonly right: Node | null;
    }
    const depthOf = (node: Node | null): number =>
      node === null ? 0 : 1 + Math.max(depthOf(node.left), depthOf(node.right));
    expect(depthOf((queue as unknown as { root: Node }).root)).toBeLessThan(60);
    expect(fill(places.toReversed())).toEqual(queue);
    const first = queue.first;
    expect(first).toBe('c2');
    expect(queue.without(places[2] as (typeof places)[0]).first).toBe('c5');
  });
});
