/**
 * A server of the outside that sends us inward. Its name is one that we resolve ourselves, to loopback, so that it counts as a stranger: names are
 * what a stranger has. A canary listens where it points, and must never be called.
 */
import dns from 'node:dns';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import type { AddressInfo } from 'node:net';
import { HttpFetcher } from '@lading/node';
import { FaultError } from '@lading/runtime';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';

const lookup = dns.lookup;
let answers: Readonly<Record<string, readonly string[]>> = {};
let asked: string[] = [];
let stranger: Server;
let canary: Server;
let calls = 0;
let target = '';
const fetcher = new HttpFetcher({ allowHttp: true });

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

beforeAll(async () => {
  stranger = createServer((_, response) => response.writeHead(302, { location: target }).end());
  canary = createServer((_, response) => response.end('a secret'));
  canary.on('connection', () => calls++);
  for (const server of [stranger, canary]) await once(server.listen(0, '127.0.0.1'), 'listening');
  const ours = (name: string, options: dns.LookupAllOptions, callback: (...results: readonly unknown[]) => void) => {
    asked.push(name);
    const found = (answers[name] ?? []).map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    const [first] = found;
    if (first === undefined) return callback(Object.assign(new Error(`${name}?`), { code: 'ENOTFOUND' }));
    return options.all ? callback(null, found) : callback(null, first.address, first.family);
  };
  dns.lookup = ours as unknown as typeof dns.lookup;
  syncBuiltinESMExports();
});

beforeEach(() => {
  answers = { 'stranger.test': ['127.0.0.1'] };
  asked = [];
  calls = 0;
});

afterAll(async () => {
  dns.lookup = lookup;
  syncBuiltinESMExports();
  await fetcher.close();
  for (const server of [stranger, canary]) {
    server.closeAllConnections();
    server.close();
  }
});

async function detailOf(location: string): Promise<string> {
  target = location.replace('PORT', String(portOf(canary)));
  const url = `http://stranger.test:${portOf(stranger)}/file`;
  const request = { url, from: null, ifRange: null, isFresh: false };
  try {
    const response = await fetcher.fetch(request, AbortSignal.timeout(10_000));
    return `answered ${response.status}`;
  } catch (error) {
    return error instanceof FaultError ? error.fault.detail : String(error);
  }
}

describe('a redirect of a stranger', () => {
  it.each([
    ...['127.0.0.1', '127.1', '2130706433', '0x7f000001', '0177.0.0.1', '0x7f.1', '127.0.0.1.', '0.0.0.0', '0'],
    ...['localhost', 'LOCALHOST', 'localhost.', 'a.localhost', '127%2e0.0.1', '127\u30020\u30020\u30021'],
    ...[
      '[::1]',
      '[::]',
      '[::ffff:127.0.0.1]',
      '[::ffff:7f00:1]',
      '[::127.0.0.1]',
      '[64:ff9b::7f00:1]',
      '[2002:7f00:1::]',
    ],
    ...['169.254.169.254', '10.0.0.1', '192.168.1.1', '172.16.0.1', '100.64.0.1', '[fd00::1]', '[fe80::1]'],
  ])('to %s is not followed', async (host) => {
    expect(await detailOf(`http://${host.replace(/[^ -~]/g, encodeURIComponent)}:PORT/`)).toBe('addressRefused');
    expect(calls).toBe(0);
  });

  it.each([
    ['a name that is an inward address', ['127.0.0.1']],
    ['a name that is one in IPv6', ['::ffff:127.0.0.1']],
    ['a name of which only the second address is inward', ['203.0.113.1', '127.0.0.1']],
    ['a name of a cloud that gives out keys', ['169.254.169.254']],
  ])('to %s is not followed, and the name is asked for once', async (_, addresses) => {
    answers = { ...answers, 'rebind.test': addresses };
    expect(await detailOf('http://rebind.test:PORT/')).toBe('addressRefused');
    expect(asked.filter((name) => name === 'rebind.test')).toHaveLength(1);
    expect(calls).toBe(0);
  });

  it.each([
    'file:///etc/passwd',
    'data:text/plain,x',
    'ftp://stranger.test/',
    'javascript:1',
    'gopher://127.0.0.1:PORT/',
  ])('to %s is not followed', async (location) => {
    expect(await detailOf(location)).toMatch(/^(?:schemeRefused|redirectRefused)$/);
    expect(calls).toBe(0);
  });

  it('with a name and a password in it is not followed', async () => {
    expect(await detailOf('http://user:secret@stranger.test:PORT/')).toMatch(/Refused$/);
    expect(calls).toBe(0);
  });
});
