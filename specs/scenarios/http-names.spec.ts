/** Where names lead: a redirect never inward, whatever the name; and a resolver that fails is a fault of the network alone. */
import { HttpFetcher } from '@lading/node';
import { FaultError } from '@lading/runtime';
import { afterEach, describe, expect, it } from 'vitest';
import { redirectTo } from '../origin/behaviour.js';
import { type Identity, makeIdentity, trusting } from '../origin/identity.js';
import { type Resolution, resolving } from '../origin/names.js';
import { type Origin, startOrigin } from '../origin/origin.js';
import { startProxy } from '../origin/proxy.js';
import { seededBytes } from '../origin/seeded-bytes.js';
import { historyOf, refusalOf, startWorld } from './world.js';

const bytes = seededBytes(41, 20_000);
const fetchers: HttpFetcher[] = [];
afterEach(async () => {
  delete process.env['http_proxy'];
  await Promise.all(fetchers.splice(0).map((fetcher) => fetcher.close()));
});

/** The fault of a GET, or the status. */
async function outcomeOf(url: string): Promise<unknown> {
  const fetcher = new HttpFetcher({ allowHttp: true });
  fetchers.push(fetcher);
  const stop = new AbortController();
  try {
    return (await fetcher.fetch({ url, from: null, ifRange: null, isFresh: false }, stop.signal)).status;
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    return [error.fault.type, error.fault.detail];
  } finally {
    stop.abort();
  }
}

/** As that origin is reached under another name. */
const under = (name: string, { url }: Origin, path = '/x'): string => {
  const { protocol, port } = new URL(url);
  return `${protocol}//${name}:${port}${path}`;
};

const refused = ['serverError', 'addressRefused'];

describe('53: a redirect', () => {
  const inward: readonly (readonly [what: string, addresses: readonly string[]])[] = [
    ['this host', ['127.0.0.1']],
    ['this host, in IPv6', ['::1']],
    ['this host, in IPv6 that holds IPv4', ['::ffff:127.0.0.1']],
    ['the secrets of a cloud', ['169.254.169.254']],
    ['a private network', ['10.0.0.7']],
    ['an address outside and then this host', ['192.0.2.1', '127.0.0.1']],
  ];

  async function leadsTo(addresses: readonly string[], identity?: Identity): Promise<unknown> {
    await using home = await startOrigin(identity === undefined ? {} : { identity });
    await using canary = await startOrigin(identity === undefined ? {} : { identity });
    using _ = resolving({ 'home.example': [['127.0.0.1']], 'inward.example': [addresses] });
    canary.put('/x', bytes);
    home.script('/x', redirectTo(under('inward.example', canary)));
    const outcome = await outcomeOf(under('home.example', home));
    expect(home.requests).toHaveLength(1);
    expect(canary.requests).toEqual([]);
    return outcome;
  }

  it.each(inward)('to a name of %s is refused when it is connected to', async (_, addresses) => {
    expect(await leadsTo(addresses)).toEqual(refused);
  });

  it.each(inward)('over TLS, to a name of %s is refused when it is connected to', async (_, addresses) => {
    const identity = await makeIdentity(['DNS:home.example', 'DNS:inward.example']);
    using _trust = trusting(identity);
    expect(await leadsTo(addresses, identity)).toEqual(refused);
  });

  it.each(['127.0.0.1', '2130706433', '0x7f.1', '127.1', '0', '[::1]', '[::ffff:7f00:1]', 'localhost', 'x.localhost'])(
    'to the literal %s is refused',
    async (literal) => {
      await using home = await startOrigin();
      await using canary = await startOrigin();
      using _ = resolving({ 'home.example': [['127.0.0.1']] });
      home.script('/x', redirectTo(under(literal, canary)));
      expect(await outcomeOf(under('home.example', home))).toEqual(refused);
      expect(canary.requests).toEqual([]);
    },
  );

  it('to the very host that the catalog names is followed, wherever that is', async () => {
    await using home = await startOrigin();
    await using other = await startOrigin();
    using _ = resolving({ 'home.example': [['127.0.0.1']] });
    other.put('/x', bytes);
    home.script('/x', redirectTo(under('home.example', other)));
    expect(await outcomeOf(under('home.example', home))).toBe(200);
  });

  it('from this host to this host is followed', async () => {
    await using home = await startOrigin();
    await using other = await startOrigin();
    home.script('/x', redirectTo(other.put('/x', bytes)));
    expect(await outcomeOf(`${home.url}/x`)).toBe(200);
  });

  it('to a name of this host is refused before a proxy is asked to go there', async () => {
    await using home = await startOrigin();
    await using canary = await startOrigin();
    await using proxy = await startProxy();
    using _ = resolving({ 'home.example': [['127.0.0.1']], 'inward.example': [['127.0.0.1']] });
    process.env['http_proxy'] = proxy.url;
    home.script('/x', redirectTo(under('inward.example', canary)));
    expect(await outcomeOf(under('home.example', home))).toEqual(refused);
    expect(proxy.requests.map(({ target }) => target)).toEqual([under('home.example', home)]);
    expect(canary.requests).toEqual([]);
  });
});

describe('83: a name', () => {
  async function download(answers: readonly Resolution[]) {
    await using world = await startWorld();
    using _ = resolving({ 'files.localhost': answers });
    const file = world.serve('/model.onnx', bytes);
    const url = under('files.localhost', world.origin, '/model.onnx');
    const depot = await world.open({ cores: [{ id: 'model', files: [{ ...file, url }] }] });
    const history = historyOf(depot);
    const fault = await depot.download('model').then(
      () => null,
      () => depot.status('model').fault,
    );
    return { fault, types: history.types, requests: world.origin.requests.length };
  }

  it.each(['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL'])(
    'that does not resolve (%s), and then does, costs a wait',
    async (code) => {
      const { fault, types, requests } = await download([code, code, ['127.0.0.1']]);
      expect([fault, requests]).toEqual([null, 1]);
      expect(types.filter((type) => type === 'RetryScheduled')).toHaveLength(2);
      expect(types.filter((type) => /Corrupt|Mismatch|Void|Discard/.test(type))).toEqual([]);
    },
  );

  it('that never resolves is told as unreachable', async () => {
    expect((await download(['ENOTFOUND'])).fault).toMatchObject({ type: 'networkUnreachable', detail: 'ENOTFOUND' });
  });

  it('that leads to two addresses, of which nobody listens at the first, is reached at the second', async () => {
    const { fault, requests } = await download([['127.0.0.2', '127.0.0.1']]);
    expect([fault, requests]).toEqual([null, 1]);
  });

  it('that leads to nobody at all is told as unreachable', async () => {
    await using world = await startWorld();
    using _ = resolving({ 'files.localhost': [['127.0.0.2', '127.0.0.3']] });
    const file = world.serve('/model.onnx', bytes);
    const url = under('files.localhost', world.origin, '/model.onnx');
    const depot = await world.open({ cores: [{ id: 'model', files: [{ ...file, url }] }] });
    expect((await refusalOf(depot.download('model'))).fault).toMatchObject({
      type: 'networkUnreachable',
      detail: 'ECONNREFUSED',
    });
  });
});
