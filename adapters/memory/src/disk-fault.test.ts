import { fold } from '@lading/runtime';
import { describe, expect, it } from 'vitest';
import { hexDigest } from './digest.js';
import { openDepot, portsOf } from './open.js';
import { stock, stockedBytes, urlOf } from './stock.js';
import { MemoryWorld } from './world.js';

const policy = { retryBaseMs: 10, retryCapMs: 50, maxAttempts: 3, progressBytes: 1_000 };
const model = urlOf('shared', 'model.onnx');
const bytes = stockedBytes('shared', 'model.onnx', 9_000);

/** A core of two files, the larger of which takes about three seconds. */
function bench() {
  const world = new MemoryWorld();
  const catalog = stock(world.network, { cores: { shared: { 'model.onnx': 9_000, 'sub/tokens.txt': 700 } } });
  world.network.put(model, bytes, { chunkBytes: 1_000, chunkMs: 300 });
  return { world, open: () => openDepot({ world, catalog, policy, stallMs: 5_000 }) };
}

function checkInstalled(world: MemoryWorld): void {
  const files = world.disk.files('/depot/cores');
  const found = [...files].map(([path, held]) => [path.replace(/\/g\d+\//, '/'), hexDigest('sha256', held)]);
  expect(found).toEqual([
    ['/depot/cores/shared/model.onnx', hexDigest('sha256', bytes)],
    ['/depot/cores/shared/sub/tokens.txt', hexDigest('sha256', stockedBytes('shared', 'sub/tokens.txt', 700))],
  ]);
}

describe('a depot whose disk fails', () => {
  it('by having no room for more bytes pauses with those it has, says what it needs, and goes on when there is room', async () => {
    const { world, open } = bench();
    const depot = await open();
    const failed = expect(depot.download('shared')).rejects.toMatchObject({ code: 'noSpace', name: 'DownloadError' });
    await world.clock.advance(1_600);
    world.disk.fail({ action: 'write', path: /staging/, code: 'ENOSPC', times: Number.POSITIVE_INFINITY });
    await world.run(failed);
    expect(depot.status('shared')).toMatchObject({ phase: 'paused', reason: 'noSpace' });
    const { bytesDone, fault } = depot.status('shared');
    expect(bytesDone).toBeGreaterThan(2_000);
    expect(fault?.neededBytes).toBe(9_700 - bytesDone);
    world.disk.heal();
    await world.run(depot.download('shared'));
    checkInstalled(world);
    expect(world.network.bytesOf(model)).toBeLessThanOrEqual(9_000 + 1_000);
  });

  it('by being so full that not even the journal has room stops, and the next one goes on', async () => {
    const { world, open } = bench();
    const depot = await open();
    const failed = expect(depot.download('shared')).rejects.toMatchObject({ code: 'noSpace' });
    await world.clock.advance(1_600);
    world.disk.capacityBytes = world.disk.usedBytes() + 1_500;
    await world.run(failed);
    await world.run(depot.close());
    world.disk.capacityBytes = Number.POSITIVE_INFINITY;
    const again = await open();
    await world.run(again.download('shared'));
    checkInstalled(world);
  });

  it('by too little room from the beginning fetches nothing and says how much it needs', async () => {
    const { world, open } = bench();
    const depot = await open();
    world.disk.capacityBytes = world.disk.usedBytes() + 5_000;
    await expect(world.run(depot.download('shared'))).rejects.toMatchObject({
      code: 'noSpace',
      fault: { neededBytes: 9_700 },
    });
    expect(world.network.requests).toEqual([]);
  });

  it('by a failed sync never trusts the same file again, and is ready in the end', async () => {
    const { world, open } = bench();
    const depot = await open();
    world.disk.fail({ action: 'sync', path: /staging\/shared\/model/, code: 'EIO' });
    await world.run(depot.download('shared'));
    checkInstalled(world);
    // Once failed, always failed: the bytes are fetched again, though a second sync would have said that all is well.
    expect(world.network.requestsOf(model)).toHaveLength(2);
  });

  it('by a journal that cannot be written stops for good, and tells everyone who waits', async () => {
    const { world, open } = bench();
    const depot = await open();
    const [one, two] = [depot.download('shared'), depot.download('shared')].map((life) =>
      life.catch((error: unknown) => error),
    );
    await world.clock.advance(700);
    world.disk.fail({ action: 'sync', path: /journal/, code: 'EIO', times: Number.POSITIVE_INFINITY });
    for (const error of [await world.run(one ?? Promise.reject()), await world.run(two ?? Promise.reject())]) {
      expect(error).toMatchObject({ name: 'DownloadError' });
    }
    await expect(depot.pause('shared')).rejects.toThrow();
    const requests = world.network.requests.length;
    await world.clock.advance(60_000);
    expect(world.network.requests).toHaveLength(requests);
    world.disk.heal();
    const { position } = depot.state;
    await world.run(depot.close());
    const journal = portsOf(world, world.disk.start()).journal;
    expect(fold(await journal.load()).position, 'nothing of what failed counts').toBe(position);
    const again = await open();
    await world.run(again.download('shared'));
    checkInstalled(world);
  });
});
