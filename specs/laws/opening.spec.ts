/** Who opens a depot removes nothing because of a record that a power cut could still take back. */
import { createWorld, goodsOf } from '@lading/sim';
import { expect, it } from 'vitest';

const shelf = { cores: { a: { f: 40, g: 20 }, b: { f: 30 } }, voices: { ab: ['a', 'b'] } };

it('wherever the power fails while a depot is opened, nothing that it tells of is missing afterwards', async () => {
  let torn = 0;
  for (let steps = 0; steps < 40; steps++) {
    const world = await createWorld({ seed: 1, catalog: goodsOf(shelf) });
    await world.run(world.depot.download('ab'));
    await world.reopen(goodsOf({ ...shelf, edition: 2 }));
    const lost: string[] = [];
    let isDying = true;
    world.observe((seeing) => {
      // The record that the new files are installed is written, and its writer does not live to sync it.
      if (seeing.type === 'append' && isDying) {
        const types = seeing.records.flatMap(({ events }) => events.map(({ type }) => type));
        if (types.includes('CoreInstalled')) world.killAfter(1);
      }
      if (seeing.type === 'opening' && isDying) world.killAfter(steps);
      if (seeing.type === 'record')
        for (const event of seeing.record.events) if (event.type === 'CoreLost') lost.push(event.core);
    });
    await world.run(world.depot.download('ab')).catch(() => undefined);
    world.noticeDeath();
    if ((await world.open()) !== null) torn++;
    isDying = false;
    world.cutPower();
    await world.reopen();
    expect(lost, `after ${steps} steps`).toEqual([]);
  }
  expect(torn).toBeGreaterThan(3);
});
