/** What does my screen show when the disk fills at 63 %? A stranger's test: no network, no disk, no waiting. */
import { createWorld } from '@lading/sim';
import { expect, it } from 'vitest';
import { screenOf } from './screen.js';

const catalog = { cores: { kokoro: { 'model.onnx': 100_000 } }, voices: { heart: ['kokoro'] } };

it('tells how far it came, what is missing, and goes on when there is room', async () => {
  const world = await createWorld({ seed: 1, catalog });
  const screen = screenOf(world.depot, 'heart');
  world.depot.download('heart').catch(() => undefined);

  await world.runUntil(() => world.depot.status('heart').bytesDone >= 63_000);
  world.disk.fill();
  await world.run();
  expect(screen.text).toMatch(/^Paused at 6\d %: the disk is full\. Free some disk space/);

  world.disk.free();
  await world.run(world.depot.resume('heart'));
  await world.run();
  expect(screen.text).toBe('Ready.');
});
