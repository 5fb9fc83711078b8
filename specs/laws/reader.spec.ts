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

it('an owner that opens a depot notices what is lost, and fetches nothing else again, however often it is opened before', async () => {
  await fc.assert(
    fc.asyncProperty(fc.subarray(CORES), fc.integer({ min: 1, max: 3 }), async (lost, openings) => {
      const world = await createWorld({ seed: 1, catalog });
      for (const voice of Object.keys(catalog.voices)) await world.run(world.depot.download(voice));
      const paths = lost.map((core) => world.disk.lose(core));
      for (let i = 0; i < openings; i++) await world.reopen();
      expect(CORES.filter((core) => !isUsable(world.depot.state.cores.get(core)))).toEqual(lost);
      const before = world.memory.network.requests.length;
      for (const [voice, { phase }] of [...world.depot.state.voices.entries()])
        if (phase === 'unavailable') await world.run(world.depot.download(voice));
      const asked = world.memory.network.requests.slice(before).map(({ url }) => url.split('/').slice(-2).join('/'));
      const missing = paths.map((path) => (path ?? '').replace(/^.*\/cores\/(\w+)\/g\d+\//, '$1/'));
      expect(asked.sort()).toEqual(missing.sort());
      expect(CORES.filter((core) => !isUsable(world.depot.state.cores.get(core)))).toEqual([]);
    }),
    { numRuns: 20 },
  );
});
