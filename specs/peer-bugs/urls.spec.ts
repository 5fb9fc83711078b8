/** Family U: what went wrong elsewhere with addresses, credentials and redirects. */
import { readdirSync, readFileSync } from 'node:fs';
import { readManifest } from '@lading/core';
import { createWorld } from '@lading/sim';
import { describe, expect, it } from 'vitest';
import { plainReply } from '../origin/answer.js';
import { type Behaviour, dropAfter, nth, redirectTo } from '../origin/behaviour.js';
import { startOrigin } from '../origin/origin.js';
import { seededBytes, sha256Hex } from '../origin/seeded-bytes.js';
import { checkManners, startWorld } from '../scenarios/world.js';
import { fetched, HALF, type Model, modelWorld, SIZE } from './model.js';

const SECRET = { authorization: 'Bearer s3cret-token', 'x-api-key': 'k3y-of-mine', cookie: 'session=s3cret' };
const STORE = 'https://signed.example.com';

/**
 * Lets the source redirect to a signed address, a new one each time it is asked; the n-th signed address serves what `serve` says, and
 * with the next request it has expired.
 */
function sign(
  model: Model,
  serve: (n: number) => { readonly afterBytes: number } | 'expired' | 'whole',
  most = 30,
): void {
  const { memory } = model.world.network;
  for (let n = 1; n <= most; n++) {
    const signed = `${STORE}/model.onnx?signature=${n}`;
    memory.fail(model.url, { type: 'redirect', status: 302, location: signed });
    memory.put(signed, model.bytes, { chunkBytes: 4_000, chunkMs: 10 });
    const how = serve(n);
    if (how === 'expired') memory.fail(signed, { type: 'status', status: 403 }, Number.POSITIVE_INFINITY);
    else if (how !== 'whole') {
      memory.fail(signed, { type: 'drop', ...how });
      memory.fail(signed, { type: 'status', status: 403 }, Number.POSITIVE_INFINITY);
    }
  }
}

const signedRequests = (model: Model) =>
  model.world.network.memory.requests
    .filter(({ url }) => url.startsWith(STORE))
    .map(({ url, from, status }) => [Number(/\d+$/.exec(url)?.[0]), from, status]);

describe('what a program was trusted with', () => {
  it('U1: is not with the request that a redirect sends to a presigned host, which would refuse two ways to sign', async () => {
    await using world = await startWorld();
    await using store = await startOrigin();
    const bytes = seededBytes(41, SIZE);
    const file = world.serve('/model.onnx', bytes);
    const onlyOneWay: Behaviour = {
      name: 'onlyOneWay',
      reply: (was, { headers }) =>
        headers.authorization === undefined ? was : plainReply(400, {}, 'Only one auth mechanism allowed'),
    };
    const signed = store.put('/signed', bytes);
    store.script('/signed', onlyOneWay, nth(1, dropAfter(HALF)));
    world.origin.script('/model.onnx', redirectTo(`${signed}?X-Amz-Signature=1`));
    const depot = await world.open(
      { cores: [{ id: 'model', files: [file] }] },
      { headers: { [world.origin.url]: SECRET } },
    );
    await depot.download('model');
    expect(world.origin.requests.map(({ headers }) => headers.authorization)).toEqual([
      SECRET.authorization,
      SECRET.authorization,
    ]);
    expect(store.requests.map(({ range, status }) => [range, status])).toEqual([
      [null, 200],
      [`bytes=${HALF}-`, 206],
    ]);
    for (const { headers } of store.requests)
      for (const name of Object.keys(SECRET)) expect(headers).not.toHaveProperty(name);
    expect((await world.final()).map(({ sha256 }) => sha256)).toEqual([sha256Hex(bytes)]);
    checkManners([...world.origin.requests, ...store.requests]);
  });

  it.each([301, 302, 303, 307, 308])('U2: does not leave encryption with a %i, and nobody follows', async (status) => {
    const { world, url, ...model } = await modelWorld();
    const { memory } = world.network;
    memory.credentials = { [new URL(url).origin]: SECRET };
    world.network.redirect({ status, way: 'plainHttp', times: Number.POSITIVE_INFINITY });
    expect((await model.fetch()).fault).toMatchObject({ type: 'serverError', detail: 'redirectRefused' });
    expect(memory.requests.map((request) => request.url)).toEqual([url]);
    expect(model.final()).toBeNull();
  });

  it.each([301, 302, 303, 307, 308])(
    'U2: does not go to another origin with a %i, and the file comes',
    async (status) => {
      const { world, url, ...model } = await modelWorld();
      const { memory } = world.network;
      memory.credentials = { [new URL(url).origin]: SECRET };
      world.network.redirect({ status, times: 2 });
      memory.fail('*', { type: 'drop', afterBytes: HALF });
      expect((await model.fetch()).phase).toBe('ready');
      const abroad = memory.requests.filter((request) => new URL(request.url).origin !== new URL(url).origin);
      expect(abroad.length).toBeGreaterThan(0);
      for (const { credentials } of abroad) expect(credentials).toEqual({});
      for (const { hop, credentials } of memory.requests.filter((each) => each.hop === 0))
        expect([hop, credentials]).toEqual([0, SECRET]);
      expect(model.final()).toBe('right');
    },
  );
});

describe('a signed address', () => {
  it('U3: that expired in mid-file is renewed where it came from, and the file goes on', async () => {
    const model = await modelWorld();
    sign(model, (n) => (n === 1 ? { afterBytes: HALF } : 'whole'));
    expect((await model.fetch()).phase).toBe('ready');
    expect(signedRequests(model)).toEqual([
      [1, null, 200],
      [2, HALF, 206],
    ]);
    expect(model.final()).toBe('right');
  });

  it('U3: that cannot be renewed costs neither the bytes nor the record of them, also not over a restart', async () => {
    const model = await modelWorld();
    const { world } = model;
    sign(model, (n) => (n === 1 ? { afterBytes: HALF } : 'expired'));
    expect(await model.fetch()).toMatchObject({ phase: 'failed', reason: 'unauthorized', bytesDone: HALF });
    await world.reopen();
    const staged = [...world.disk.files('/depot/staging').values()];
    expect(staged.map((bytes) => Buffer.from(bytes).equals(model.bytes.subarray(0, HALF)))).toEqual([true]);
    expect(world.state.cores.get('model')?.context.durable['model.onnx']?.bytes).toBe(HALF);
    world.network.heal();
    await world.run(world.depot.retry('model'));
    await world.runUntil(() => world.depot.status('model').phase === 'ready');
    expect(model.froms().at(-1)).toBe(HALF);
    expect(model.final()).toBe('right');
  });

  it('U4: that has expired already costs no attempt, also not the last one', async () => {
    const model = await modelWorld({}, { policy: { maxAttempts: 2 } });
    const { memory } = model.world.network;
    memory.fail(model.url, { type: 'hangUp' });
    sign(model, (n) => (n === 1 ? 'expired' : 'whole'));
    expect((await model.fetch()).phase).toBe('ready');
    expect(model.faults(), 'the only attempt that counted').toEqual(['interrupted ECONNRESET']);
    expect(signedRequests(model)).toEqual([
      [1, null, 403],
      [2, null, 200],
    ]);
    expect(memory.requests.at(-1)?.isFresh, 'past whoever remembers the old address').toBe(true);
  });

  it('U4: that expires again and again while bytes come never uses up the attempts', async () => {
    const model = await modelWorld({}, { policy: { maxAttempts: 2 } });
    sign(model, (n) => (n % 2 === 0 ? 'expired' : { afterBytes: 8_000 }));
    expect((await model.fetch()).phase).toBe('ready');
    expect(signedRequests(model).filter(([, , status]) => status === 403).length).toBeGreaterThan(5);
    expect(model.final()).toBe('right');
  });

  it('U4: that is refused for good is not asked for again and again', async () => {
    const model = await modelWorld();
    sign(model, () => 'expired');
    expect((await model.fetch()).phase).toBe('failed');
    expect(model.world.network.memory.requests.length).toBeLessThanOrEqual(4);
  });

  it('U5: that three voices wait for is renewed once for all of them', async () => {
    const catalog = {
      cores: { model: { 'model.onnx': SIZE } },
      voices: { aria: ['model'], bruno: ['model'], cleo: ['model'] },
      bundles: { all: ['aria', 'bruno', 'cleo'] },
    };
    const world = await createWorld({ catalog, pace: { chunkBytes: 4_000, chunkMs: 10, latencyMs: 20 } });
    const [[url = '', source] = []] = [...world.goods.sources];
    const { memory } = world.network;
    const signed = [1, 2, 3].map((n) => `${STORE}/model.onnx?signature=${n}`);
    for (const location of signed) {
      memory.put(location, source?.bytes ?? new Uint8Array(0));
      memory.fail(url, { type: 'redirect', status: 302, location });
    }
    memory.fail(signed[0] ?? '', { type: 'drop', afterBytes: HALF });
    for (const id of ['aria', 'bruno', 'cleo']) world.depot.download(id).catch(() => undefined);
    expect((await fetched(world, 'all')).phase).toBe('ready');
    expect(memory.requestsOf(url)).toHaveLength(2);
    expect(signed.map((location) => memory.requestsOf(location).map(({ from }) => from))).toEqual([[null], [HALF], []]);
    expect(memory.bytesOf(signed[0] ?? '') + memory.bytesOf(signed[1] ?? '')).toBe(SIZE);
  });
});

describe('several sources', () => {
  const twoSources = async (digest: 'sha256' | 'none') => {
    const model = await modelWorld({ mirrors: 1, digest });
    const [, mirror = ''] = [...model.world.goods.sources.keys()];
    const { memory } = model.world.network;
    memory.fail(model.url, { type: 'drop', afterBytes: HALF });
    return { model, mirror, memory };
  };

  it('U6: whose bytes differ are never left spliced: the digest refuses, and the whole is fetched anew', async () => {
    const { model, mirror, memory } = await twoSources('sha256');
    memory.put(mirror, new Uint8Array(SIZE).fill(0x58));
    expect(await model.fetch()).toMatchObject({ phase: 'failed', reason: 'checksumMismatch' });
    expect(memory.requests.map(({ url, from }) => [url, from]).slice(0, 3)).toEqual([
      [model.url, null],
      [mirror, HALF],
      [mirror, null],
    ]);
    expect(model.final()).toBeNull();
    model.world.network.heal();
    expect((await model.fetch()).phase).toBe('ready');
    expect(model.froms().at(-1), 'nothing of the mixture was kept').toBeNull();
    expect(model.final()).toBe('right');
  });

  it('U6: between which no digest could tell are never combined: each begins at its own first byte', async () => {
    const { model, mirror, memory } = await twoSources('none');
    memory.fail(model.url, { type: 'refuse' }, Number.POSITIVE_INFINITY);
    const other = new Uint8Array(SIZE).fill(0x58);
    memory.put(mirror, other);
    expect((await model.fetch()).phase).toBe('ready');
    expect(memory.requestsOf(mirror).map(({ from }) => from)).toEqual([null]);
    const [installed] = model.world.disk.installed('model').values();
    expect(Buffer.from(installed ?? []).equals(other), 'one source, from its first byte to its last').toBe(true);
  });
});

describe('a publisher who moves on', () => {
  const folder = new URL('../../manifests/', import.meta.url);
  const catalogs = readdirSync(folder).filter((name) => name.endsWith('.json') && name !== 'demo.json');

  it.each(catalogs)('U7: every address in %s names what cannot change under it', (name) => {
    const reading = readManifest(readFileSync(new URL(name, folder), 'utf8'), { base: null, allowHttp: false });
    if (!reading.ok) throw new Error(JSON.stringify(reading.defects));
    const urls = reading.manifest.cores.flatMap(({ files }) => files.flatMap((file) => file.urls));
    expect(urls.length).toBeGreaterThan(0);
    const fixed = [
      /^https:\/\/huggingface\.co\/[^/]+\/[^/]+\/resolve\/[0-9a-f]{40}\//,
      // A release keeps its files under their names; that they may be uploaded anew is why each has a strong digest.
      /^https:\/\/github\.com\/[^/]+\/[^/]+\/releases\/download\//,
    ];
    expect(urls.filter((url) => !fixed.some((pattern) => pattern.test(url)))).toEqual([]);
    const released = reading.manifest.cores
      .flatMap(({ files }) => files)
      .filter(({ urls: [url = ''] }) => fixed[1]?.test(url));
    for (const { contents } of released) expect(contents[0].sha256).not.toBeNull();
  });

  it('U7: does not make what is installed be fetched at each start', async () => {
    const { world, url, ...model } = await modelWorld();
    expect((await model.fetch()).phase).toBe('ready');
    world.network.replace(url, 1);
    for (let start = 0; start < 3; start++) {
      await world.reopen();
      expect((await model.fetch()).phase).toBe('ready');
    }
    expect(model.froms()).toEqual([null]);
    expect(model.final()).toBe('right');
  });

  it('U8: who withdrew a voice is asked once, and the others come', async () => {
    const catalog = {
      cores: { shared: { 'model.onnx': 9_000 }, gone: { 'gone.bin': 500 }, here: { 'here.bin': 500 } },
      voices: { withdrawn: ['shared', 'gone'], kept: ['shared', 'here'] },
    };
    const world = await createWorld({ catalog });
    world.network.answer(404, { on: 'gone', times: Number.POSITIVE_INFINITY });
    await world.run(world.depot.download('withdrawn').catch(() => undefined));
    const { phase, reason, fault, remedy } = world.depot.status('withdrawn');
    expect([phase, reason, fault?.httpStatus]).toEqual(['failed', 'notFound', 404]);
    expect(remedy).toContain('not at this address any more');
    expect((await fetched(world, 'kept')).phase).toBe('ready');

    for (let start = 0; start < 5; start++) {
      await world.reopen();
      await world.advance(24 * 3_600_000);
    }
    expect(world.depot.status('withdrawn').phase).toBe('failed');
    const [lost = ''] = world.network.urlsOf('gone');
    expect(world.network.memory.requestsOf(lost), 'in five days and five starts').toHaveLength(1);
  });

  it('U8: does not take away a voice that is here', async () => {
    const world = await createWorld({ catalog: { cores: { model: { 'model.onnx': 9_000 } } } });
    expect((await fetched(world, 'model')).phase).toBe('ready');
    world.network.answer(410, { times: Number.POSITIVE_INFINITY });
    await world.reopen();
    expect((await fetched(world, 'model')).phase).toBe('ready');
    expect(world.network.memory.requests).toHaveLength(1);
  });
});
