/** Who opens a depot removes nothing because of a record that a power cut could still take back. */
import { createWorld, goodsOf, type World } from '@lading/sim';
import { expect, it } from 'vitest';

const shelf = { cores: { a: { f: 40, g: 20 }, b: { f: 30 } }, voices: { ab: ['a', 'b'] } };

/** A depot whose owner has written that an update is installed, and did not live to sync it. */
async function halfUpdated(seed: number): Promise<World> {
  const world = await createWorld({ seed, catalog: goodsOf(shelf) });
  await world.run(world.depot.download('ab'));
  await world.reopen(goodsOf({ ...shelf, edition: 2 }));
  world.observe((seeing) => {
    if (seeing.type !== 'append') return;
    const types = seeing.records.flatMap(({ events }) => events.map(({ type }) => type));
    if (types.includes('CoreInstalled')) world.killAfter(1);
  });
  await world.run(world.depot.download('ab')).catch(() => undefined);
  expect(world.noticeDeath()).toBe(true);
  return world;
}

it('wherever the power fails while a depot is opened, nothing that it tells of is missing afterwards', async () => {
  for (let seed = 1; seed <= 4; seed++) {
    for (let steps = 0, isOpened = false; !isOpened; steps++) {
      const world = await halfUpdated(seed);
      const lost: string[] = [];
      world.observe((seeing) => {
        if (seeing.type !== 'record') return;
        for (const event of seeing.record.events) if (event.type === 'CoreLost') lost.push(event.core);
      });
      let isFirst = true;
      world.observe(({ type }) => {
        if (type === 'opening' && isFirst) world.killAfter(steps);
      });
      isOpened = (await world.open()) === null;
      isFirst = false;
      // Of what was not synced a part is there nevertheless: also that a file is gone.
      world.cutPower(true);
      await world.reopen();
      expect(lost, `seed ${seed}, after ${steps} steps`).toEqual([]);
      expect(steps).toBeLessThan(200);
    }
  }
});
