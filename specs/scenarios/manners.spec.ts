import { createWorld } from '@lading/sim';
import { expect, it } from 'vitest';

const catalog = {
  cores: { first: { 'a.bin': 4_000 }, second: { 'b.bin': 4_000 }, third: { 'c.bin': 4_000 } },
  voices: { one: ['first'], two: ['second'], three: ['third'] },
};

it('63: a host that asks one file to wait is left alone by all, and none of them has failed for it', async () => {
  const world = await createWorld({ catalog, policy: { slots: 1, maxAttempts: 2 } });
  const { requests } = world.network.memory;
  world.network.answer(429, { retryAfterSeconds: 120, on: 'first' });
  const all = Promise.all(['one', 'two', 'three'].map((id) => world.depot.download(id)));
  await world.advance(115_000);
  expect(requests).toHaveLength(1);
  const statuses = ['one', 'two', 'three'].map((id) => world.depot.status(id));
  expect(statuses.every(({ phase, reason }) => phase === 'waiting' && reason !== null)).toBe(true);
  await world.run(all);
  expect(requests).toHaveLength(4);
});
