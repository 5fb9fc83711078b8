/** Proxies that the environment names: what they see, what they are told, and what is said when they refuse. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HttpFetcher } from '@lading/node';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { dropAfter, nth, status } from '../origin/behaviour.js';
import { type Identity, makeIdentity, trusting } from '../origin/identity.js';
import { startOrigin } from '../origin/origin.js';
import { startProxy } from '../origin/proxy.js';
import { seededBytes } from '../origin/seeded-bytes.js';
import { checkManners, filesBelow, refusalOf, startWorld, type World } from './world.js';

const bytes = seededBytes(51, 65_536);
const half = 40_000;
const token = 'Bearer t0ken-of-the-origin';

let identity: Identity;
let trust: Disposable;
beforeAll(async () => {
  identity = await makeIdentity();
  trust = trusting(identity);
});
afterAll(() => trust[Symbol.dispose]());

const variables = ['http_proxy', 'https_proxy', 'all_proxy', 'no_proxy'];
afterEach(() => {
  for (const name of variables) for (const each of [name, name.toUpperCase()]) delete process.env[each];
});

/** Over plain HTTP, and inside a tunnel. */
const ways = [
  { way: 'that reads the requests', variable: 'http_proxy', isSecure: false },
  { way: 'of whose tunnel it sees nothing', variable: 'HTTPS_PROXY', isSecure: true },
];

const startWorldOf = (isSecure: boolean): Promise<World> => startWorld(isSecure ? identity : undefined);

async function download(world: World) {
  const file = world.serve('/model.onnx', bytes);
  const headers = { [world.origin.url]: { authorization: token } };
  const depot = await world.open(
    { cores: [{ id: 'model', files: [file] }] },
    { retryBaseMs: 2, stallMs: 1_500, headers },
  );
  return { depot, done: depot.download('model') };
}

describe.each(ways)('a proxy $way', ({ variable, isSecure }) => {
  it('brings the file, also after a break', async () => {
    await using world = await startWorldOf(isSecure);
    await using proxy = await startProxy();
    process.env[variable] = proxy.url;
    world.origin.script('/model.onnx', nth(1, dropAfter(half)));
    await (await download(world)).done;
    expect(await world.installed()).toEqual(['model/model.onnx']);
    expect(world.origin.requests.map(({ range }) => range)).toEqual([null, `bytes=${half}-`]);
    checkManners(world.origin.requests);
    const { host } = new URL(world.origin.url);
    const target = isSecure ? `CONNECT ${host}` : `GET ${world.origin.url}/model.onnx`;
    expect(proxy.requests.map((request) => `${request.method} ${request.target}`)).toEqual([target, target]);
    for (const request of proxy.requests) expect(request.headers.host).toBe(host);
    for (const request of world.origin.requests) expect(request.headers.authorization).toBe(token);
    if (isSecure) expect(JSON.stringify(proxy.requests)).not.toContain('t0ken');
  });

  it('keeps its connection, or tunnel, for the next file', async () => {
    await using world = await startWorldOf(isSecure);
    await using proxy = await startProxy();
    process.env[variable] = proxy.url;
    const files = ['/a', '/b', '/c'].map((path, i) => world.serve(path, seededBytes(52 + i, 10_000)));
    const depot = await world.open({ cores: files.map((file, i) => ({ id: `core${i}`, files: [file] })) });
    for (const id of ['core0', 'core1', 'core2']) await depot.download(id);
    if (isSecure) expect(proxy.requests).toHaveLength(1);
    else expect(proxy.requests).toHaveLength(3);
  });

  it('is told its name and password, and nobody else ever is', async () => {
    await using world = await startWorldOf(isSecure);
    await using proxy = await startProxy({ credentials: 'me:s3cret-word' });
    process.env[variable] = proxy.url.replace('//', '//me:s3cret-word@');
    await (await download(world)).done;
    expect(await world.installed()).toEqual(['model/model.onnx']);
    expect(JSON.stringify(world.origin.requests.map(({ headers }) => headers))).not.toMatch(
      /proxy-authorization|s3cret/,
    );
    for (const file of await filesBelow(world.dir)) {
      expect(await readFile(join(world.dir, file), 'latin1')).not.toContain('s3cret');
    }
  });

  it.each(['', 'me:wr0ng-word@'])(
    '60: that wants another password (%j) is named, and asked no more',
    async (userinfo) => {
      await using world = await startWorldOf(isSecure);
      await using proxy = await startProxy({ credentials: 'me:s3cret-word' });
      process.env[variable] = proxy.url.replace('//', `//${userinfo}`);
      const { depot, done } = await download(world);
      const refusal = await refusalOf(done);
      expect(refusal.fault).toMatchObject({ type: 'unauthorized', detail: 'http407', httpStatus: 407 });
      expect(refusal.message).toContain(`the proxy ${proxy.url}`);
      expect(JSON.stringify(depot.status('model'))).not.toContain('wr0ng');
      expect(proxy.requests.length).toBeLessThanOrEqual(4);
      expect(world.origin.requests).toEqual([]);
    },
  );

  it('where nobody listens is named', async () => {
    await using world = await startWorldOf(isSecure);
    const gone = await startOrigin();
    await gone.close();
    process.env[variable] = gone.url;
    const refusal = await refusalOf((await download(world)).done);
    expect(refusal.fault).toMatchObject({ type: 'networkUnreachable', detail: 'ECONNREFUSED' });
    expect(refusal.message).toContain(`through the proxy ${gone.url}`);
    expect(world.origin.requests).toEqual([]);
  });

  it.each(['127.0.0.1', '*', 'other, 127.0.0.0/8'])('is passed by where NO_PROXY is %s', async (list) => {
    await using world = await startWorldOf(isSecure);
    await using proxy = await startProxy();
    process.env[variable] = proxy.url;
    process.env['NO_PROXY'] = list;
    await (await download(world)).done;
    expect(proxy.requests).toEqual([]);
  });

  it('of a kind that nobody here speaks is told at once', async () => {
    await using world = await startWorldOf(isSecure);
    process.env[variable] = 'socks5://127.0.0.1:1';
    const refusal = await refusalOf((await download(world)).done);
    expect(refusal.fault).toMatchObject({ type: 'networkUnreachable', detail: 'proxyUnknown' });
    expect(world.origin.requests).toEqual([]);
  });
});

describe('a tunnel', () => {
  it('that is still being opened when the client closes is not used any more', async () => {
    await using world = await startWorld(identity);
    await using proxy = await startProxy({ tunnelReply: '' });
    process.env['HTTPS_PROXY'] = proxy.url;
    const fetcher = new HttpFetcher();
    const wanted = { url: `${world.origin.url}/model.onnx`, from: null, ifRange: null, isFresh: false };
    const asked = fetcher.fetch(wanted, new AbortController().signal).catch((error: unknown) => error);
    await vi.waitFor(() => expect(proxy.requests).toHaveLength(1));
    await fetcher.close();
    expect(await asked).toMatchObject({ fault: { type: 'interrupted' } });
    expect(world.origin.requests).toEqual([]);
  });

  it.each([
    ['is refused with 503', 'HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n', 'networkUnreachable', 'proxy503'],
    [
      'is refused with a page',
      'HTTP/1.1 302 Sign in\r\nlocation: http://127.0.0.1/\r\n\r\n',
      'networkUnreachable',
      'proxy302',
    ],
    [
      'begins with bytes of the proxy itself',
      'HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n',
      'networkUnreachable',
      'proxy200',
    ],
    ['is answered with no HTTP', 'SSH-2.0-x\r\n\r\n', 'serverError', undefined],
    [
      'is answered with a head without end',
      `HTTP/1.1 200 OK\r\n${'x-more: y\r\n'.repeat(4_000)}`,
      'serverError',
      'HPE_HEADER_OVERFLOW',
    ],
    ['is not answered', '', 'networkTimeout', 'head'],
  ])('that %s is told', async (_, tunnelReply, type, detail) => {
    await using world = await startWorld(identity);
    await using proxy = await startProxy({ tunnelReply });
    process.env['https_proxy'] = proxy.url;
    const refusal = await refusalOf((await download(world)).done);
    expect(refusal.fault).toMatchObject({ type, ...(detail === undefined ? {} : { detail }) });
    expect(proxy.requests.length).toBeGreaterThan(0);
    expect(proxy.requests.length).toBeLessThanOrEqual(24);
    expect(world.origin.requests).toEqual([]);
  });

  it('60: through which the origin itself answers 407 names no proxy', async () => {
    await using world = await startWorld(identity);
    await using proxy = await startProxy();
    process.env['https_proxy'] = proxy.url;
    world.origin.script('/model.onnx', status(407));
    const refusal = await refusalOf((await download(world)).done);
    expect(refusal.fault).toMatchObject({ type: 'unauthorized', detail: 'http407' });
    expect(refusal.message).not.toContain(proxy.url);
  });
});
