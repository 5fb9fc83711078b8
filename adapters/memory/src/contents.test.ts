import { describe, expect, it } from 'vitest';
import { hexDigest } from './digest.js';
import { openDepot } from './open.js';
import { type Stock, stock, stockedBytes, urlOf } from './stock.js';
import { MemoryWorld } from './world.js';

const SIZE = 50_000;
const url = urlOf('c', 'a.bin');
const digest = (bytes: Uint8Array) => hexDigest('sha256', bytes);

async function bench(cores: Stock['cores']) {
  const world = new MemoryWorld();
  const depot = await openDepot({ world, catalog: stock(world.network, { cores }) });
  return { world, depot, installed: () => [...world.disk.files('/depot/cores').values()].map(digest) };
}

describe('what vouches for a file', () => {
  it('takes another content that the catalog accepts, of another size', async () => {
    const [declared, served] = [stockedBytes('c', 'a.bin', SIZE), stockedBytes('c', 'other', SIZE - 5_000)];
    const accepted = [{ sizeBytes: served.length, sha256: hexDigest('sha256', served) }];
    const { world, depot, installed } = await bench({ c: { 'a.bin': { bytes: declared, entry: { accepted } } } });
    world.network.put(url, served);
    world.network.fail(url, { type: 'drop', afterBytes: 20_000 });
    const asset = await world.run(depot.download('c'));
    expect(installed()).toEqual([digest(served)]);
    expect(asset.files[0]).toMatchObject({ sizeBytes: served.length, sha256: hexDigest('sha256', served) });
  });

  it.each(['md5', 'sha1', 'gitBlob'] as const)(
    'that only %s vouches for is ready with a warning',
    async (algorithm) => {
      const bytes = stockedBytes('c', 'a.bin', SIZE);
      const entry = { sha256: null, [algorithm]: hexDigest(algorithm, bytes) };
      const { world, depot, installed } = await bench({ c: { 'a.bin': { bytes, entry } } });
      world.network.fail(url, { type: 'flip', atByte: 5 });
      const asset = await world.run(depot.download('c'));
      expect(asset.warnings).toEqual(['c/a.bin']);
      expect(world.network.requests).toHaveLength(2);
      expect(installed()).toEqual([digest(bytes)]);
    },
  );

  it('of an empty file is ready, and right', async () => {
    const { world, depot, installed } = await bench({ c: { 'empty.txt': 0, 'a.bin': 10 } });
    const asset = await world.run(depot.download('c'));
    expect(asset.files.map(({ filename, sizeBytes }) => [filename, sizeBytes]).sort()).toEqual([
      ['a.bin', 10],
      ['empty.txt', 0],
    ]);
    expect(installed()).toHaveLength(2);
  });
});
