/**
 * Family H: what went wrong elsewhere when a download was resumed. In the simulated world wherever it can show the case; on real HTTP
 * where the headers of a request, or an encoding, are the case.
 */
import { gzipSync } from 'node:zlib';
import { openDepot } from '@lading/memory';
import { createWorld, goodsOf } from '@lading/sim';
import { getGlobalDispatcher, RetryAgent, setGlobalDispatcher } from 'undici';
import { describe, expect, it } from 'vitest';
import { plainReply } from '../origin/answer.js';
import {
  always,
  type Behaviour,
  chunked,
  closeDelimited,
  dropAfter,
  first,
  fromNth,
  multipart206,
  noContentRange,
  noEtag,
  nth,
  type Rule,
  withHeaders,
} from '../origin/behaviour.js';
import type { LoggedRequest } from '../origin/origin.js';
import { seededBytes, sha256Hex } from '../origin/seeded-bytes.js';
import { checkManners, startWorld } from '../scenarios/world.js';
import { HALF, modelWorld, page, SIZE } from './model.js';

const part = (from: number, total: number | '*' = SIZE): string => `bytes ${from}-${SIZE - 1}/${total}`;

/** A real depot and a real origin that goes by these rules; fetches one file and tells how it was asked for. */
async function overHttp(...rules: readonly (Rule | Behaviour)[]): Promise<readonly LoggedRequest[]> {
  await using world = await startWorld();
  const bytes = seededBytes(31, SIZE);
  const file = world.serve('/model.onnx', bytes);
  world.origin.script('/model.onnx', ...rules);
  const depot = await world.open({ cores: [{ id: 'model', files: [file] }] });
  await depot.download('model');
  expect((await world.final()).map(({ sha256 }) => sha256)).toEqual([sha256Hex(bytes)]);
  checkManners(world.origin.requests);
  return world.origin.requests;
}

describe('a server that does not do as it was asked', () => {
  it('H1: a 200 to a range begins anew, a compressed one is refused, and the bytes are right', async () => {
    const { world, url, bytes, ...model } = await modelWorld();
    world.network.dropAfter(HALF);
    const packed = gzipSync(bytes);
    const headers = { 'content-encoding': 'gzip', 'content-length': String(packed.length) };
    world.network.memory.fail(url, { type: 'status', status: 200, headers, bytes: packed });
    world.network.order({ trouble: 'plainAnswer' });
    expect(await model.fetch()).toMatchObject({ phase: 'ready', bytesDone: SIZE });
    expect(model.faults()).toEqual(['interrupted ECONNRESET', 'serverError contentEncoding']);
    expect(model.froms()).toEqual([null, HALF, HALF]);
    expect(world.network.memory.requests.at(-1)?.bytes, 'the whole, from its first byte').toBe(SIZE);
    expect(model.reach()).toBe(SIZE);
    expect(model.final()).toBe('right');
  });

  it('H1: a CDN that forgets ranges for whoever takes gzip is never told that we do', async () => {
    const forgetful: Behaviour = {
      name: 'forgetful',
      reply: (was, asked, resource) =>
        /gzip/.test(String(asked.headers['accept-encoding'])) && resource !== null
          ? plainReply(200, { 'content-encoding': 'gzip' }, gzipSync(resource.bytes))
          : was,
    };
    const requests = await overHttp(always(forgetful), nth(1, dropAfter(HALF)));
    expect(requests.map(({ range, status }) => [range, status])).toEqual([
      [null, 200],
      [`bytes=${HALF}-`, 206],
    ]);
  });

  it.each([
    ['says so', 'ignoreRange' as const],
    ['answers the range all the same', 'ignoreIfRange' as const],
  ])('H2: a file that was replaced by a longer one is never spliced, where the server %s', async (_, type) => {
    const { world, url, ...model } = await modelWorld();
    world.network.dropAfter(HALF);
    model.begin();
    await world.runUntil(() => model.faults().length === 1);
    world.network.replace(url, 5_000);
    world.network.memory.fail(url, { type }, Number.POSITIVE_INFINITY);
    expect(await model.fetch()).toMatchObject({ phase: 'failed', reason: 'upstreamChanged' });
    expect(model.ifRanges()[1]).toMatch(/^"/);
    expect(model.reach(), 'not a byte was added to the old ones').toBe(HALF);
    expect(model.final()).toBeNull();

    const next = goodsOf({ cores: { model: { 'model.onnx': SIZE + 5_000 } }, edition: 2 });
    world.network.memory.heal();
    await world.reopen(next);
    await world.run(world.depot.retry('model'));
    await world.runUntil(() => world.depot.status('model').phase === 'ready');
    expect(model.final()).toBe('right');
  });

  it('H2: a file that was replaced by one as long is told by its tag alone, before a byte of it comes', async () => {
    const { world, url, ...model } = await modelWorld();
    world.network.dropAfter(HALF);
    model.begin();
    await world.runUntil(() => model.faults().length === 1);
    world.network.replace(url, 0);
    world.network.memory.fail(url, { type: 'ignoreIfRange' });
    expect(await model.fetch()).toMatchObject({ phase: 'failed', reason: 'checksumMismatch' });
    expect(world.network.memory.requests.slice(0, 3).map(({ from, bytes }) => [from, bytes])).toEqual([
      [null, HALF],
      [HALF, 0],
      [null, SIZE],
    ]);
    expect(model.final()).toBeNull();
  });

  it('H6: a server that knows only dates gives the whole to a tag once, and is then asked plainly', async () => {
    const onlyDates: Behaviour = {
      name: 'onlyDates',
      reply: (was, asked, resource) => {
        if (!String(asked.headers['if-range'] ?? '').startsWith('"') || resource === null) return was;
        const { 'content-range': _, ...headers } = was.headers;
        return plainReply(200, headers, resource.bytes);
      },
    };
    const requests = await overHttp(always(onlyDates), first(2, dropAfter(HALF)));
    expect(requests.map(({ range, status, headers }) => [range, status, headers['if-range'] !== undefined])).toEqual([
      [null, 200, false],
      [`bytes=${HALF}-`, 200, true],
      [`bytes=${HALF}-`, 206, false],
    ]);
  });

  it.each([HALF + 100, HALF - 100, 0])('H7: a 206 that begins at %i instead writes no byte', async (from) => {
    const { world, url, bytes, ...model } = await modelWorld();
    world.network.dropAfter(HALF);
    const headers = { 'content-range': part(from), etag: `"${SIZE}-${bytes[0]}"` };
    world.network.memory.fail(url, { type: 'status', status: 206, headers, bytes: bytes.subarray(from) });
    model.begin();
    await world.runUntil(() => model.faults().length === 2);
    expect(model.faults()[1]).toBe('serverError wrongRange');
    expect(model.reach()).toBe(HALF);
    expect((await model.fetch()).phase).toBe('ready');
    expect(model.froms()).toEqual([null, HALF, HALF]);
    expect(model.final()).toBe('right');
  });

  it('H8: every attempt carries exactly one Range header, with the offset of that attempt', async () => {
    const requests = await overHttp(first(4, dropAfter(10_000)));
    const headers = requests.map(({ rawHeaders }) =>
      rawHeaders.filter((_, i) => rawHeaders[i - 1]?.toLowerCase() === 'range' && i % 2 === 1),
    );
    expect(headers).toEqual([[], ['bytes=10000-'], ['bytes=20000-'], ['bytes=30000-'], ['bytes=40000-']]);
  });

  it('H9: a partial that is whole already is proven without asking', async () => {
    const { world, bytes, ...model } = await modelWorld({}, { diskMs: 50 });
    model.begin();
    const isWhole = () => world.state.cores.get('model')?.context.durable['model.onnx']?.bytes === SIZE;
    await world.runUntil(isWhole);
    expect(world.depot.status('model').phase).not.toBe('ready');
    world.crash();
    await world.reopen();
    expect((await model.fetch()).phase).toBe('ready');
    expect(model.froms()).toEqual([null]);
    expect(model.final()).toBe('right');
  });

  it.each([
    ['because the file is shorter now', { 'content-range': `bytes */${HALF - 1}` }],
    ['without a reason', {}],
  ])('H9: 416 to what is here, %s, discards it, and the whole is asked for', async (_, headers) => {
    const { world, url, bytes, ...model } = await modelWorld();
    world.network.dropAfter(HALF);
    world.network.memory.fail(url, { type: 'status', status: 416, headers });
    expect((await model.fetch()).phase).toBe('ready');
    expect(model.froms()).toEqual([null, HALF, null]);
    expect(model.final()).toBe('right');
  });

  it('H9: 416 for ever ends, and says so', async () => {
    const { world, ...model } = await modelWorld();
    world.network.answer(416, { times: Number.POSITIVE_INFINITY });
    expect((await model.fetch()).fault?.detail).toBe('http416');
    expect(model.froms().length).toBeLessThanOrEqual(24);
    expect(model.final()).toBeNull();
  });

  it.each([
    ['a 206 without Content-Range', [nth(1, dropAfter(HALF)), fromNth(2, noContentRange())]],
    ['a connection that breaks at once', [nth(1, dropAfter(0))]],
    ['a HEAD that would be refused', [nth(1, dropAfter(HALF)), always({ name: 'noHead', reply: withoutHead })]],
  ])('H10: the same happens whether a retrying client is in the way of all others or not: %s', async (_, rules) => {
    const look = ({ method, range, status }: LoggedRequest) => [method, range, status];
    const plain = (await overHttp(...rules)).map(look);
    const before = getGlobalDispatcher();
    setGlobalDispatcher(new RetryAgent(before, { maxRetries: 5, minTimeout: 1 }));
    try {
      expect((await overHttp(...rules)).map(look)).toEqual(plain);
    } finally {
      setGlobalDispatcher(before);
    }
    expect(plain.length).toBeLessThanOrEqual(3);
  });

  it('H11: a body that stalls is a fault with a name, and is asked for again', async () => {
    const { world, bytes, ...model } = await modelWorld();
    world.network.stallAfter(HALF);
    expect((await model.fetch()).phase).toBe('ready');
    expect(model.faults()).toEqual(['stalled body']);
    expect(model.froms()).toEqual([null, HALF]);
    expect(model.final()).toBe('right');
  });

  it('H11: a 412 is a fault with a name, and is not asked for', async () => {
    const { world, ...model } = await modelWorld();
    world.network.answer(412, { times: Number.POSITIVE_INFINITY });
    expect((await model.fetch()).fault).toMatchObject({ type: 'upstreamChanged', detail: 'http412', httpStatus: 412 });
    const requests = await overHttp(first(2, dropAfter(HALF)));
    for (const { headers } of requests) expect(headers).not.toHaveProperty('if-match');
  });

  it('H12: a 200 that calls itself a part is taken whole or not at all', async () => {
    const { world, url, bytes, ...model } = await modelWorld();
    const odd = { 'content-encoding': 'identity', etag: `"${SIZE}-${bytes[0]}"` };
    world.network.dropAfter(HALF);
    world.network.memory.fail(url, {
      type: 'status',
      status: 200,
      headers: { ...odd, 'content-range': part(HALF), 'content-length': String(SIZE - HALF) },
      bytes: bytes.subarray(HALF),
    });
    const headers = { ...odd, 'content-range': part(0), 'content-length': String(SIZE) };
    world.network.memory.fail(url, { type: 'status', status: 200, headers, bytes });
    expect((await model.fetch()).phase).toBe('ready');
    expect(model.faults()[1]).toBe('upstreamChanged length');
    expect(world.network.memory.requests.map(({ bytes: got }) => got)).toEqual([HALF, 0, SIZE]);
    expect(model.final()).toBe('right');
  });

  it('H13: a part of a compressed form is refused before its first byte', async () => {
    const { world, url, bytes, ...model } = await modelWorld();
    world.network.dropAfter(HALF);
    const stored = gzipSync(bytes);
    world.network.memory.fail(url, {
      type: 'status',
      status: 206,
      headers: { 'content-encoding': 'gzip', 'content-range': part(HALF) },
      bytes: stored.subarray(HALF),
    });
    expect((await model.fetch()).phase).toBe('ready');
    expect(model.faults()[1]).toBe('serverError contentEncoding');
    expect(world.network.memory.requests.map(({ bytes: got }) => got)).toEqual([HALF, 0, SIZE - HALF]);
    expect(model.final()).toBe('right');
  });

  it('H14: a total that is another with each request is another file, and none of it is combined', async () => {
    const { world, url, ...model } = await modelWorld();
    world.network.dropAfter(HALF);
    const offered = [SIZE + 11, SIZE - 3, SIZE + 7, SIZE + 2, SIZE - 9, SIZE + 5];
    for (const length of offered) {
      const headers = { 'content-length': String(length), 'content-range': part(HALF, length) };
      world.network.memory.fail(url, { type: 'headers', headers });
    }
    expect(await model.fetch()).toMatchObject({ phase: 'failed', reason: 'upstreamChanged' });
    expect(model.reach(), 'nothing was added').toBe(HALF);
    expect(model.final()).toBeNull();
  });

  it('H15: only single ranges are asked for, and several in one reply are refused', async () => {
    const requests = await overHttp(nth(1, dropAfter(HALF)), nth(2, multipart206()), nth(3, dropAfter(HALF)));
    const ranges = requests.map(({ range }) => range);
    expect(ranges).toEqual([null, 'bytes=40000-', 'bytes=40000-', 'bytes=80000-']);
  });

  it.each([
    [403, 'failed', 'unauthorized http403'],
    [500, 'backingOff', 'serverError http500'],
    [200, 'backingOff', 'checksumMismatch html'],
  ])('H16: a page under %i in mid-segment never reaches the disk', async (status, phase, fault) => {
    const { world, url, ...model } = await modelWorld();
    world.network.dropAfter(HALF);
    const headers = { 'content-type': 'text/html' };
    world.network.memory.fail(url, { type: 'status', status, headers, bytes: page() });
    model.begin();
    await world.runUntil(() => model.faults().length === 2);
    expect(model.faults()[1]).toBe(fault);
    expect(world.network.memory.requests[1]?.bytes, 'of the page').toBe(0);
    expect(model.reach()).toBe(HALF);
    expect(world.depot.status('model').phase).toBe(phase);
    expect((await model.fetch()).phase).toBe('ready');
    expect(model.froms(), 'what was here was kept').toEqual([null, HALF, HALF]);
    expect(model.final()).toBe('right');
  });

  it.each([60, SIZE])('H17: a page of %i bytes in place of a model is refused as one', async (length) => {
    const { world, url, ...model } = await modelWorld();
    const headers = { 'content-type': 'text/html', 'content-length': String(length) };
    const fault = { type: 'status', status: 200, headers, bytes: page(length) } as const;
    world.network.memory.fail(url, fault, Number.POSITIVE_INFINITY);
    const { phase, fault: found } = await model.fetch();
    expect([phase, found?.type]).toEqual(['failed', 'checksumMismatch']);
    expect(found?.message).toContain('text/html');
    expect(model.final()).toBeNull();
    expect(world.depot.asset('model')).toBeNull();
  });

  it.each([
    ['hides', ''],
    ['understates', '1'],
    ['overstates', '409600000'],
  ])('H18: what is shown is a share of the declared size, also where a server %s the length', async (_, length) => {
    const { world, url, ...model } = await modelWorld({}, { pace: { chunkBytes: 4_000, chunkMs: 100, latencyMs: 20 } });
    world.network.memory.fail(url, { type: 'headers', headers: { 'content-length': length } });
    world.network.memory.fail(url, { type: 'headers', headers: { 'content-encoding': 'gzip' } });
    const shown: { readonly bytesDone: number; readonly bytesTotal: number; readonly cameBytes: number }[] = [];
    world.depot.onStatus('model', ({ bytesDone, bytesTotal }) => {
      if (bytesTotal > 0) shown.push({ bytesDone, bytesTotal, cameBytes: model.reach() });
    });
    expect(await model.fetch()).toMatchObject({ phase: 'ready', bytesTotal: SIZE, bytesDone: SIZE });
    expect(shown.length).toBeGreaterThan(5);
    expect(shown.filter(({ bytesDone, cameBytes }) => bytesDone > cameBytes)).toEqual([]);
    expect(new Set(shown.map(({ bytesTotal }) => bytesTotal))).toEqual(new Set([SIZE]));
    const done = shown.map(({ bytesDone }) => bytesDone);
    expect(done).toEqual([...done].sort((a, b) => a - b));
  });
});

describe('validators', () => {
  it('H4: another edge with another tag goes on where the first one ended, and the digest decides', async () => {
    const { world, url, bytes, ...model } = await modelWorld({ mirrors: 1 });
    const [, mirror = ''] = [...world.goods.sources.keys()];
    world.network.memory.put(url, bytes, { etag: '"edge-1"' });
    world.network.memory.put(mirror, bytes, { etag: '"edge-2"' });
    world.network.memory.fail(url, { type: 'drop', afterBytes: HALF });
    world.network.memory.fail(url, { type: 'refuse' }, Number.POSITIVE_INFINITY);
    expect((await model.fetch()).phase).toBe('ready');
    expect(world.network.memory.requestsOf(mirror)).toMatchObject([{ from: HALF, ifRange: null, status: 206 }]);
    expect(model.final()).toBe('right');
  });

  it('H4: another tag under the same address begins the unproven file anew, and keeps those that are proven', async () => {
    const files = { 'config.json': 500, 'model.onnx': SIZE };
    const world = await createWorld({ catalog: { cores: { model: files } } });
    const url = [...world.goods.sources].find(([, { file }]) => file === 'model.onnx')?.[0] ?? '';
    const bytes = world.goods.sources.get(url)?.bytes ?? new Uint8Array(0);
    world.network.dropAfter(HALF, 'model/model.onnx');
    world.depot.download('model').catch(() => undefined);
    await world.runUntil(() => world.depot.status('model').phase === 'backingOff');
    world.network.memory.put(url, bytes, { etag: '"edge-2"' });
    await world.runUntil(() => world.depot.status('model').phase === 'ready');
    const { requests } = world.network.memory;
    expect(requests.filter((request) => request.url === url).map(({ from, status }) => [from, status])).toEqual([
      [null, 200],
      [HALF, 200],
    ]);
    expect(requests.filter((request) => request.url !== url)).toHaveLength(1);
    expect([...world.disk.installed('model').values()]).toContainEqual(bytes);
  });

  it.each(['"plain"', '"W/only-looks-weak"', '"has-W/-inside"', '"\\back;slash,"'])(
    'H5: the tag %s is offered back to the letter, also after the program was killed',
    async (etag) => {
      const { world, url, bytes, ...model } = await modelWorld();
      world.network.memory.put(url, bytes, { etag });
      world.network.dropAfter(HALF);
      model.begin();
      await world.runUntil(() => model.faults().length === 1);
      world.crash();
      await world.advance(9 * 60_000);
      await world.reopen();
      expect((await model.fetch()).phase).toBe('ready');
      expect(world.network.memory.requests.map(({ from, ifRange, status }) => [from, ifRange, status])).toEqual([
        [null, null, 200],
        [HALF, etag, 206],
      ]);
      expect(model.final()).toBe('right');
    },
  );

  it('H5: a weak tag is no validator, and the digest decides over what is put together without one', async () => {
    const { world, url, bytes, ...model } = await modelWorld();
    world.network.memory.put(url, bytes, { etag: 'W/"weak"' });
    world.network.dropAfter(HALF);
    expect((await model.fetch()).phase).toBe('ready');
    expect(model.ifRanges()).toEqual([null, null]);
    expect(model.froms()).toEqual([null, HALF]);
    expect(model.final()).toBe('right');
  });

  it('H19: no tag, no date and no length are no hindrance, nor to going on', async () => {
    const { world, url, bytes, ...model } = await modelWorld();
    const bare = { etag: null, lastModified: null, headers: { 'content-length': '', date: '', 'accept-ranges': '' } };
    world.network.memory.put(url, bytes, bare);
    world.network.dropAfter(HALF);
    world.network.dropAfter(HALF);
    expect((await model.fetch()).phase).toBe('ready');
    expect(model.froms()).toEqual([null, HALF, 2 * HALF]);
    expect(model.final()).toBe('right');
  });

  it.each([
    ['chunked', [chunked(), noEtag(), withHeaders({ 'last-modified': null })]],
    ['ended by the connection', [closeDelimited(), noEtag(), withHeaders({ 'last-modified': null })]],
  ])('H19: over real HTTP, %s', async (_, behaviours) => {
    const requests = await overHttp(always(...behaviours), nth(1, dropAfter(HALF)));
    expect(requests.map(({ range }) => range)).toEqual([null, `bytes=${HALF}-`]);
  });
});

describe('two that want the same', () => {
  it('H3: a program that is started again while the first still runs appends nothing', async () => {
    const { world, bytes, ...model } = await modelWorld();
    model.begin();
    await world.runUntil(() => model.reach() >= HALF);
    const options = { world: world.memory, catalog: world.goods.catalog };
    const rival = await world.run(openDepot(options).catch((error: unknown) => error));
    expect(rival).toMatchObject({ code: 'leaseHeld' });
    model.begin();
    expect(await model.fetch()).toMatchObject({ phase: 'ready' });
    expect(model.froms(), 'one transfer for all of them').toEqual([null]);
    expect(model.final()).toBe('right');
  });

  it('H3: a program that was killed leaves a file that the next one goes on with', async () => {
    const { world, bytes, ...model } = await modelWorld(
      {},
      { pace: { chunkBytes: 4_000, chunkMs: 100, latencyMs: 20 } },
    );
    model.begin();
    await world.runUntil(() => (world.state.cores.get('model')?.context.durable['model.onnx']?.bytes ?? 0) >= HALF);
    world.crash();
    await world.reopen();
    expect((await model.fetch()).phase).toBe('ready');
    const [, from] = model.froms();
    expect(from).toBeGreaterThanOrEqual(HALF);
    expect(model.final()).toBe('right');
  });
});

function withoutHead(was: ReturnType<NonNullable<Behaviour['reply']>>, asked: { readonly method: string }) {
  return asked.method === 'HEAD' ? plainReply(405, {}, '') : was;
}
