import { createWorld } from '@lading/sim';
import { expect, it } from 'vitest';

const catalog = { cores: { model: { 'model.onnx': 100_000 } }, voices: { heart: ['model'] } };

it('a depot whose journal cannot be written says so of everything that was under way, and what to do', async () => {
  const world = await createWorld({ catalog });
  const told: (string | null)[] = [];
  world.depot.onStatus('model', ({ reason }) => told.push(reason));
  const life = world.depot.download('heart').catch((error: { code: string }) => error.code);
  await world.runUntil(() => world.depot.status('model').phase === 'downloading');
  world.disk.fail('write', 'EIO', { where: 'journal' });
  expect(await world.run(life)).toBe('storageError');
  await world.advance(1_000);
  for (const id of ['heart', 'model']) {
    const { reason, fault, remedy, rateBytesPerSecond, actions } = world.depot.status(id);
    expect({ reason, type: fault?.type, rateBytesPerSecond, actions }).toEqual({
      reason: 'journalBroken',
      type: 'storageError',
      rateBytesPerSecond: null,
      actions: [],
    });
    expect(remedy).not.toBe(null);
  }
  expect(told.at(-1)).toBe('journalBroken');
  expect(world.depot.list().every(({ reason }) => reason === 'journalBroken')).toBe(true);
});
