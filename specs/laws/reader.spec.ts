/** Who only looks into a depot takes no lease and changes nothing, and is told of nothing that is not there. */
import { isUsable, voiceIn } from '@lading/core';
import { portsOf } from '@lading/memory';
import { withoutLost } from '@lading/runtime';
import { createWorld } from '@lading/sim';
import { expect, it } from 'vitest';
import { fc } from './chance.ts';

const CORES = ['a', 'b', 'c'];
const catalog = {
  cores: { a: { f: 40, g: 20 }, b: { f: 30 }, c: { f: 50 } },
  voices: { ab: ['a', 'b'], bc: ['b', 'c'], c: ['c'] },
};

it('a reader is told of exactly the cores whose files are there', async () => {
  await fc.assert(
    fc.asyncProperty(fc.subarray(CORES), async (lost) => {
      const world = await createWorld({ seed: 1, catalog });
      for (const voice of Object.keys(catalog.voices)) await world.run(world.depot.download(voice));
      const { state } = world.depot;
      for (const core of lost) expect(world.disk.lose(core)).not.toBeNull();
      const before = world.disk.files();
      const { store } = portsOf(world.memory, world.memory.disk.start());
      const seen = await withoutLost(store, world.goods.catalog, state);
      expect(CORES.filter((core) => !isUsable(seen.cores.get(core)))).toEqual(lost);
      for (const [voice, cores] of Object.entries(catalog.voices)) {
        const phase = cores.some((core) => lost.includes(core)) ? 'unavailable' : 'ready';
        expect(voiceIn(seen, voice).phase, voice).toBe(phase);
      }
      expect(world.disk.files()).toEqual(before);
    }),
    { numRuns: 20 },
  );
});
