/** A depot that was closed, or that could not write down what happened, is over: it lets go at once, and touches nothing any more. */
import { createWorld, type Observation, type World } from '@lading/sim';
import { describe, expect, it } from 'vitest';
import { fc } from './chance.ts';

const catalog = { cores: { a: { f: 200_000, g: 20_000 }, b: { f: 300_000 } }, voices: { ab: ['a', 'b'], b: ['b'] } };
const MINUTE_MS = 60_000;

const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code;
const quietly = (promise: Promise<unknown>): Promise<unknown> => promise.catch(codeOf);

/** What a depot does to its world from now on. */
function deeds(world: World): readonly Observation['type'][] {
  const seen: Observation['type'][] = [];
  world.observe(({ type }) => {
    if (['append', 'request', 'stage', 'write', 'store', 'synced', 'unstaged'].includes(type)) seen.push(type);
  });
  return seen;
}

const moments = fc.record({
  afterMs: fc.integer({ min: 0, max: 900 }),
  isStalled: fc.boolean(),
  diskMs: fc.constantFrom(0, 3, 60),
});

describe('a depot', () => {
  it('that is closed in the midst of its work lets go soon, and does nothing more', async () => {
    let busy = 0;
    await fc.assert(
      fc.asyncProperty(moments, async ({ afterMs, isStalled, diskMs }) => {
        const world = await createWorld({ seed: 1, catalog, diskMs });
        if (isStalled) world.network.stallAfter(5_000);
        const { depot } = world;
        for (const id of ['ab', 'b']) void quietly(depot.download(id));
        await world.advance(afterMs);
        if ([...depot.state.cores.values()].some(({ phase }) => phase === 'downloading')) busy++;
        const before = world.elapsedMs;
        await world.run(depot.close());
        expect(world.elapsedMs - before).toBeLessThan(1_000);
        const seen = deeds(world);
        expect(await world.run(Promise.all([depot.download('b'), depot.delete('ab')].map(quietly)))).toEqual([
          'closed',
          'closed',
        ]);
        await world.advance(10 * MINUTE_MS);
        expect(seen).toEqual([]);
      }),
      { numRuns: 40 },
    );
    expect(busy).toBeGreaterThan(5);
  });

  it('that is asked for something and closed in the same breath does not begin with it', async () => {
    for (const diskMs of [0, 3, 60]) {
      const world = await createWorld({ seed: 1, catalog, diskMs });
      const seen = deeds(world);
      void quietly(world.depot.download('ab'));
      await world.run(world.depot.close());
      await world.advance(MINUTE_MS);
      expect(seen.filter((type) => type !== 'append')).toEqual([]);
    }
  });

  it('whose journal cannot be written refuses everything from then on, and does nothing more', async () => {
    await fc.assert(
      fc.asyncProperty(moments, fc.constantFrom('write', 'sync'), async ({ afterMs, diskMs }, action) => {
        const world = await createWorld({ seed: 1, catalog, diskMs });
        const { depot } = world;
        void quietly(depot.download('ab'));
        await world.advance(afterMs);
        world.disk.fail(action, 'EIO', { where: 'journal' });
        await world.run(quietly(depot.download('b')));
        // Long before the transfers would have come to their end.
        await world.advance(500);
        const seen = deeds(world);
        const answers = await world.run(Promise.all([depot.download('b'), depot.delete('ab')].map(quietly)));
        expect(answers).not.toContain(undefined);
        await world.advance(10 * MINUTE_MS);
        expect(seen).toEqual([]);
      }),
      { numRuns: 40 },
    );
  });
});
