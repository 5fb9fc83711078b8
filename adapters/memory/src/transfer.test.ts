import { ChecksumError, DownloadError } from '@lading/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hexDigest } from './digest.js';
import { openDepot } from './open.js';
import { type Stock, stock, stockedBytes, urlOf } from './stock.js';
import { MemoryWorld } from './world.js';

const SIZE = 200_000;
const digest = (bytes: Uint8Array) => hexDigest('sha256', bytes);
const url = urlOf('c', 'a.bin');
const mirror = urlOf('c', 'a.bin', 'https://mirror.example.org');
const policy = { retryBaseMs: 100, retryCapMs: 1_000, maxAttempts: 5 };

async function bench(cores: Stock['cores'] = { c: { 'a.bin': SIZE } }, options: { limitBytesPerSecond?: number } = {}) {
  const world = new MemoryWorld();
  const catalog = stock(world.network, { cores });
  const depot = await openDepot({ world, catalog, policy, stallMs: 5_000, ...options });
  const installed = () => [...world.disk.files('/depot/cores').values()].map(digest);
  return { world, depot, installed, requests: world.network.requests, bytes: stockedBytes('c', 'a.bin', SIZE) };
}

const failureOf = async (promise: Promise<unknown>): Promise<unknown> =>
  await promise.then(
    () => null,
    (error: unknown) => error,
  );

describe('a download', () => {
  it('asks once, and installs exactly the bytes', async () => {
    const { world, depot, installed, requests, bytes } = await bench();
    const asset = await world.run(depot.download('c'));
    expect(requests).toMatchObject([{ url, from: null, ifRange: null, isFresh: false, status: 200 }]);
    expect(installed()).toEqual([digest(bytes)]);
    expect([...world.disk.files('/depot/cores').keys()]).toEqual([asset.path('a.bin')]);
    expect(asset.warnings).toEqual([]);
  });

  it('that is dropped goes on where the connection broke, and fetches no durable byte again', async () => {
    const { world, depot, installed, requests, bytes } = await bench();
    for (const afterBytes of [70_000, 1, 50_000]) world.network.fail(url, { type: 'drop', afterBytes });
    await world.run(depot.download('c'));
    expect(requests.map(({ from }) => from)).toEqual([null, 70_000, 70_001, 120_001]);
    expect(new Set(requests.slice(1).map(({ ifRange }) => ifRange)).size).toBe(1);
    expect(requests[1]?.ifRange).toMatch(/^"/);
    expect(world.network.bytesOf(url)).toBe(SIZE);
    expect(installed()).toEqual([digest(bytes)]);
  });

  it('that ends early without an error goes on as well', async () => {
    const { world, depot, requests } = await bench();
    world.network.fail(url, { type: 'cut', afterBytes: 30_000 });
    await world.run(depot.download('c'));
    expect(requests.map(({ from }) => from)).toEqual([null, 30_000]);
  });

  it('whose server ignores the range begins anew and is right', async () => {
    const { world, depot, installed, requests, bytes } = await bench();
    world.network.fail(url, { type: 'drop', afterBytes: 70_000 });
    world.network.fail(url, { type: 'ignoreRange' });
    await world.run(depot.download('c'));
    expect(requests.map(({ status }) => status)).toEqual([200, 200]);
    expect(installed()).toEqual([digest(bytes)]);
  });

  it('whose file was replaced under the same size splices no two versions, even if the server ignores If-Range', async () => {
    for (const faults of [[], [{ type: 'ignoreIfRange' } as const]]) {
      const { world, depot, installed, requests, bytes } = await bench();
      const other = Uint8Array.from(bytes).fill(7, 0, 70_000);
      world.network.put(url, other, { etag: '"old"' });
      world.network.fail(url, { type: 'drop', afterBytes: 70_000 });
      if (faults.length > 0) world.network.fail(url, faults);
      const download = depot.download('c');
      await world.clock.advance(70);
      world.network.put(url, bytes, { etag: '"new"' });
      await world.run(download);
      expect(installed()).toEqual([digest(bytes)]);
      expect(requests[1]).toMatchObject({ from: 70_000, ifRange: '"old"', status: faults.length > 0 ? 206 : 200 });
      // Never proven wrong, because never spliced: no strike, no fault of the digest.
      expect(requests.some(({ isFresh }) => isFresh)).toBe(false);
    }
  });

  it('with a bit turned over on the way is fetched again, fresh, and becomes ready', async () => {
    const { world, depot, requests, installed, bytes } = await bench();
    world.network.fail(url, { type: 'flip', atByte: 100_000 });
    await world.run(depot.download('c'));
    expect(requests.map(({ from, isFresh }) => [from, isFresh])).toEqual([
      [null, false],
      [null, true],
    ]);
    expect(installed()).toEqual([digest(bytes)]);
  });

  it('of which a part was durable already when it turned out wrong is fetched anew from its first byte', async () => {
    const { world, depot, requests, installed, bytes } = await bench();
    world.network.fail(url, [
      { type: 'flip', atByte: 100 },
      { type: 'pace', chunkBytes: 16_384, chunkMs: 500 },
    ]);
    await world.run(depot.download('c'));
    expect(requests.map(({ from, isFresh }) => [from, isFresh])).toEqual([
      [null, false],
      [null, true],
    ]);
    expect(installed()).toEqual([digest(bytes)]);
  });

  it('whose bytes are always wrong is never ready, and ends within its budget', async () => {
    const { world, depot, requests, installed } = await bench();
    world.network.fail(url, { type: 'flip', atByte: SIZE - 1 }, Number.POSITIVE_INFINITY);
    const error = await failureOf(world.run(depot.download('c')));
    expect(error).toBeInstanceOf(ChecksumError);
    expect(error).toMatchObject({ code: 'checksumMismatch' });
    expect(requests.length).toBeLessThanOrEqual(4);
    expect(installed()).toEqual([]);
    expect(depot.status('c')).toMatchObject({ phase: 'failed', reason: 'checksumMismatch' });
  });

  it.each([400, 401, 403, 404, 410, 451])('that is answered %i ends at once', async (status) => {
    const { world, depot, requests } = await bench();
    world.network.fail(url, { type: 'status', status }, Number.POSITIVE_INFINITY);
    expect(await failureOf(world.run(depot.download('c')))).toBeInstanceOf(DownloadError);
    expect(requests).toHaveLength(1);
    expect(world.clock.monotonicMs()).toBeLessThan(1_000);
  });

  it('that is asked to wait does not ask before', async () => {
    const { world, depot, requests } = await bench();
    world.network.fail(url, { type: 'status', status: 503, headers: { 'retry-after': '90' } });
    const date = new Date(world.clock.now() + 300_000).toUTCString();
    world.network.fail(url, { type: 'status', status: 429, headers: { 'retry-after': date } });
    await world.run(depot.download('c'));
    const at = requests.map((request) => request.at - (requests[0]?.at ?? 0));
    expect(at).toHaveLength(3);
    expect(at[1]).toBeGreaterThanOrEqual(90_000);
    expect(at[1]).toBeLessThan(95_000);
    expect(at[2]).toBeGreaterThanOrEqual(298_000);
    expect(at[2]).toBeLessThan(305_000);
  });

  it.each([
    [{ type: 'status', status: 500 } as const],
    [{ type: 'refuse' } as const],
    [{ type: 'drop', afterBytes: 0 } as const],
    [{ type: 'silence' } as const],
    [{ type: 'stall', afterBytes: 0 } as const],
    [{ type: 'headers', headers: { 'content-length': '0' } } as const],
    [{ type: 'headers', headers: { 'content-encoding': 'gzip' } } as const],
    [{ type: 'excess', bytes: new Uint8Array(10) } as const],
  ])('from a source that never works ($type) is given up after a bounded number of requests', async (fault) => {
    const { world, depot, requests, installed } = await bench();
    world.network.fail(url, fault, Number.POSITIVE_INFINITY);
    const error = await failureOf(world.run(depot.download('c')));
    expect(error).toBeInstanceOf(DownloadError);
    expect(requests.length).toBeGreaterThan(1);
    expect(requests.length).toBeLessThanOrEqual(24);
    expect(installed()).toEqual([]);
  });

  it('that stalls in head or body is tried again, and the bytes that came are kept', async () => {
    const { world, depot, requests } = await bench();
    world.network.fail(url, { type: 'silence' });
    world.network.fail(url, { type: 'stall', afterBytes: 80_000 });
    await world.run(depot.download('c'));
    expect(requests.map(({ from }) => from)).toEqual([null, null, 80_000]);
    expect(world.clock.monotonicMs()).toBeGreaterThanOrEqual(10_000);
    expect(world.clock.monotonicMs()).toBeLessThan(20_000);
  });

  it('goes to the mirror when the first source fails, and comes back to it no more than bounded', async () => {
    const { world, depot, requests, installed, bytes } = await bench({
      c: { 'a.bin': { bytes: stockedBytes('c', 'a.bin', SIZE), entry: { mirrors: [mirror] } } },
    });
    world.network.put(mirror, bytes);
    world.network.fail(url, { type: 'status', status: 404 }, Number.POSITIVE_INFINITY);
    await world.run(depot.download('c'));
    expect(requests.map((request) => request.url)).toEqual([url, mirror]);
    expect(installed()).toEqual([digest(bytes)]);
  });

  it("goes on at the mirror where the first source broke, without offering it the first one's validator", async () => {
    const { world, depot, requests, installed, bytes } = await bench({
      c: { 'a.bin': { bytes: stockedBytes('c', 'a.bin', SIZE), entry: { mirrors: [mirror] } } },
    });
    world.network.put(mirror, bytes, { etag: '"of-the-mirror"' });
    world.network.fail(url, { type: 'drop', afterBytes: 90_000 }, Number.POSITIVE_INFINITY);
    await world.run(depot.download('c'));
    expect(requests[1]).toMatchObject({ url: mirror, from: 90_000, ifRange: null, status: 206 });
    expect(installed()).toEqual([digest(bytes)]);
  });

  it('of many files keeps those that are whole when one fails', async () => {
    const files = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`f${i}`, 3_000]));
    const { world, depot, requests } = await bench({ c: files });
    world.network.fail(urlOf('c', 'f11'), { type: 'status', status: 500 });
    await world.run(depot.download('c'));
    for (let i = 0; i < 12; i++) expect(world.network.bytesOf(urlOf('c', `f${i}`)), `f${i}`).toBe(3_000);
    // The fault ends the three that run beside it before their first byte; nobody else is asked twice.
    expect(requests.length).toBeLessThanOrEqual(16);
  });

  it('stays below the limit of the rate', async () => {
    const { world, depot } = await bench(undefined, { limitBytesPerSecond: 20_000 });
    await world.run(depot.download('c'));
    expect(world.clock.monotonicMs()).toBeGreaterThan(9_500);
    expect(world.clock.monotonicMs()).toBeLessThan(11_000);
  });

  it('through any mix of faults ends ready with the right bytes once they end, and keeps every durable byte', async () => {
    const offset = fc.integer({ min: 0, max: SIZE });
    const fault = fc.oneof(
      fc.record({ type: fc.constantFrom('drop' as const, 'cut' as const, 'stall' as const), afterBytes: offset }),
      fc.record({ type: fc.constantFrom('ignoreRange' as const, 'silence' as const, 'refuse' as const) }),
      fc.record({ type: fc.constant('status' as const), status: fc.constantFrom(408, 429, 500, 503) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fault, { maxLength: 4 }), async (faults) => {
        const { world, depot, installed, bytes } = await bench();
        for (const each of faults) world.network.fail(url, each);
        await world.run(depot.download('c'));
        expect(installed()).toEqual([digest(bytes)]);
        if (!faults.some(({ type }) => type === 'ignoreRange')) expect(world.network.bytesOf(url)).toBe(SIZE);
      }),
      { numRuns: 40 },
    );
  });
});
