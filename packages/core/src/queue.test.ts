import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { emptyCoreContext } from './core-state.js';
import { queueOf } from './queue.js';
import { type DepotState, EMPTY_STATE, withCore } from './state.js';

const place = fc.record({
  priority: fc.integer({ min: -2, max: 2 }),
  phase: fc.constantFrom('queued' as const, 'queued' as const, 'downloading' as const, 'ready' as const),
});

/** Cores that queued one after the other: the order is the position of the event, so no two have the same. */
function queued(places: readonly { priority: number; phase: 'queued' | 'downloading' | 'ready' }[]): DepotState {
  return places.reduce(
    (state, { priority, phase }, order) =>
      withCore(state, `c${order}`, {
        phase,
        context: { ...emptyCoreContext(`c${order}`), ticket: 1, order, priority },
      }),
    EMPTY_STATE,
  );
}

describe('the queue', () => {
  it('goes by priority, then by who queued first; only what is queued is in it', () => {
    fc.assert(
      fc.property(fc.array(place, { maxLength: 30 }), (places) => {
        const state = queued(places);
        const expected = places
          .map(({ priority, phase }, order) => ({ id: `c${order}`, priority, phase, order }))
          .filter(({ phase }) => phase === 'queued')
          .sort((a, b) => b.priority - a.priority || a.order - b.order)
          .map(({ id }) => id);
        expect(queueOf(state)).toEqual(expected);
        expect(state.queued.first).toBe(expected[0] ?? null);
      }),
    );
  });

  it('gives the next as long as there is one, whatever leaves', () => {
    let state = queued([0, 1, 0, 2].map((priority) => ({ priority, phase: 'queued' as const })));
    const order: string[] = [];
    for (let id = state.queued.first; id !== null; id = state.queued.first) {
      order.push(id);
      state = withCore(state, id, { phase: 'preparing', context: { ...emptyCoreContext(id), ticket: 2 } });
    }
    expect(order).toEqual(['c3', 'c1', 'c0', 'c2']);
    expect(state.working.size).toBe(4);
  });
});
