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

it('a host that asks for a pause of days is asked again after the longest that is granted, whoever asks', async () => {
  const world = await createWorld({ catalog, policy: { slots: 1, retryAfterMaxMs: 60_000 } });
  world.network.answer(503, { retryAfterSeconds: 864_000, on: 'first' });
  await world.run(Promise.all(['one', 'two', 'three'].map((id) => world.depot.download(id))));
  expect(world.elapsedMs).toBeGreaterThanOrEqual(60_000);
  expect(world.elapsedMs).toBeLessThan(120_000);
});

it('a pause that is asked for meanwhile does not shorten the one that was', async () => {
  const world = await createWorld({ catalog, policy: { slots: 3 } });
  const { requests } = world.network.memory;
  world.network.answer(429, { retryAfterSeconds: 120, on: 'first' });
  world.network.answer(429, { retryAfterSeconds: 5, on: 'second' });
  void Promise.all(['one', 'two'].map((id) => world.depot.download(id)));
  await world.advance(115_000);
  expect(requests).toHaveLength(2);
});

it('a server that says it knows no parts is not asked for one again', async () => {
  const world = await createWorld({ catalog });
  const [[url, { bytes }] = ['', { bytes: new Uint8Array(0) }]] = [...world.goods.sources];
  world.network.memory.put(url, bytes, { hasRanges: false, headers: { 'accept-ranges': 'none' } });
  world.network.dropAfter(1_000, url);
  await world.run(world.depot.download('one'));
  expect(world.network.memory.requestsOf(url).map(({ from }) => from)).toEqual([null, null]);
});

it('waiting for a host that another file was told to leave alone costs no attempt', async () => {
  const world = await createWorld({ catalog, policy: { slots: 1, maxAttempts: 1 } });
  world.network.answer(429, { retryAfterSeconds: 120, on: 'first' });
  const outcomes = await world.run(Promise.allSettled(['one', 'two', 'three'].map((id) => world.depot.download(id))));
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
});
