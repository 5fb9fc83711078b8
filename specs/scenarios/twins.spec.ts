import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createWorld } from '@lading/sim';
import { describe, expect, it } from 'vitest';
import { seededBytes } from '../origin/seeded-bytes.js';
import { startWorld } from './world.js';

describe('a file that equals one of another core', () => {
  const vocoder = seededBytes(1, 300_000);

  it('is not fetched again, and lies on the disk once', async () => {
    await using world = await startWorld();
    const shared = { ...world.serve('/a/vocoder.onnx', vocoder), filename: 'vocoder.onnx' };
    const twin = { ...world.serve('/b/tail.onnx', vocoder), filename: 'deep/tail.onnx' };
    const own = world.serve('/b/own.bin', seededBytes(2, 5_000));
    const depot = await world.open({
      cores: [
        { id: 'one', files: [shared] },
        { id: 'two', files: [twin, own] },
      ],
    });
    const first = await depot.download('one');
    const plan = depot.plan('two');
    expect(plan.cores[0]?.files.map(({ state }) => state)).toEqual(['linked', 'missing']);
    expect(plan.bytesToFetch).toBe(5_000);
    const second = await depot.download('two');
    expect(world.origin.requestsOf('/b/tail.onnx')).toHaveLength(0);
    const [a, b] = [await stat(first.path('vocoder.onnx')), await stat(second.path('tail.onnx'))];
    expect([b.ino, b.nlink]).toEqual([a.ino, 2]);
    const { cores } = await depot.usage();
    expect(Object.values(cores).reduce((sum, bytes) => sum + bytes, 0)).toBe(305_000);
    await depot.delete('one');
    expect((await depot.verify('two')).every(({ damaged }) => damaged.length === 0)).toBe(true);
    expect((await stat(join(second.path('tail.onnx')))).nlink).toBe(1);
  });

  it('is not taken where the catalog names another size under its digest: what the source sends tells what is wrong', async () => {
    await using world = await startWorld();
    const right = { ...world.serve('/a/vocoder.onnx', vocoder), filename: 'vocoder.onnx' };
    const newer = { ...world.serve('/b/newer.onnx', seededBytes(3, 300_001)), filename: 'newer.onnx' };
    const depot = await world.open({
      cores: [
        { id: 'one', files: [right] },
        { id: 'two', files: [{ ...newer, sha256: right.sha256 }] },
      ],
    });
    await depot.download('one');
    await expect(depot.download('two')).rejects.toMatchObject({ name: 'ChecksumError', code: 'checksumMismatch' });
    expect(world.origin.requestsOf('/b/newer.onnx').map(({ headers }) => headers['range'])).not.toContain(
      'bytes=300000-',
    );
  });
});

const equal = { sizeBytes: 40_000, equals: 'one/a.bin' };
const catalog = {
  cores: { one: { 'a.bin': 40_000, 'a2.bin': 3_000 }, two: { 'b.bin': equal, 'b2.bin': 2_000 } },
  voices: { first: ['one'], second: ['two'], both: ['one', 'two'] },
};

describe('of two equal files that are wanted at once', () => {
  it('one is fetched, and the other waits for it', async () => {
    const world = await createWorld({ catalog, pace: { chunkBytes: 1_000, chunkMs: 50, latencyMs: 10 } });
    expect(world.depot.plan('both').bytesToFetch).toBe(45_000);
    await world.run(world.depot.download('both'));
    const fetched = world.network.memory.requests.reduce((sum, { bytes }) => sum + bytes, 0);
    expect(fetched).toBe(45_000);
  });

  it('the other is fetched if the first is given up', async () => {
    const world = await createWorld({ catalog, pace: { chunkBytes: 1_000, chunkMs: 50, latencyMs: 10 } });
    const first = world.depot.download('first').catch(() => undefined);
    const second = world.depot.download('second');
    await world.advance(500);
    await world.run(world.depot.cancel('first'));
    await first;
    await world.run(second);
    expect(world.depot.status('second').phase).toBe('ready');
  });

  it('a rotten one is found out, and the other is fetched from its source', async () => {
    const world = await createWorld({ catalog });
    await world.run(world.depot.download('first'));
    const right = [...world.goods.sources.values()].find(({ file }) => file === 'a.bin')?.bytes;
    const path = world.depot.asset('first')?.path('a.bin') ?? '';
    world.disk.memory.overwrite(path, new Uint8Array(40_000).fill(8));
    const voice = await world.run(world.depot.download('second'));
    expect(world.disk.files(voice.path('b.bin')).get(voice.path('b.bin'))).toEqual(right);
    expect(
      world.network.memory.requestsOf([...world.goods.sources].find(([, { file }]) => file === 'b.bin')?.[0] ?? ''),
    ).toHaveLength(1);
  });
});
