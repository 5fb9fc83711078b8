/** The rows of `http-rows.ts` once more, over TLS, and those that only TLS has. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { HttpFetcher } from '@lading/node';
import type { FetchResponse } from '@lading/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeDelimited, dropAfter, holdAfter, nth, redirectTo, severAfter } from '../origin/behaviour.js';
import { closedGate } from '../origin/gate.js';
import { type Identity, LOOPBACK, makeIdentity, trusting } from '../origin/identity.js';
import { startOrigin } from '../origin/origin.js';
import { sha256Hex } from '../origin/seeded-bytes.js';
import { budgets, bytes, finalBudget, half, parts, path, play, replies, rest, slow, whole } from './http-rows.js';
import { historyOf, refusalOf, startWorld } from './world.js';

const program = fileURLToPath(new URL('./depot-process.mjs', import.meta.url));

let identity: Identity;
let trust: Disposable;

beforeAll(async () => {
  identity = await makeIdentity();
  trust = trusting(identity);
});
afterAll(() => trust[Symbol.dispose]());

describe('over TLS, a server that answers with the whole', () => {
  it.concurrent.each(whole)('$name', (row) => play(row, identity));
});

describe('over TLS, a server that is asked for the rest', () => {
  it.concurrent.each(parts)('$name', (row) => play(row, identity));
});

describe('over TLS, a server that answers otherwise', () => {
  it.concurrent.each(replies)('$name', (row) => play(row, identity));
});

describe('over TLS, a server that needs patience', () => {
  it.concurrent.each(budgets)('$name', (row) => play(row, identity));
});

describe('over TLS, a server that does not move', () => {
  it.concurrent.each(slow)('$name', (row) => play(row, identity));
});

describe('a connection over TLS', () => {
  it('45: that ends without a word, where only the end is the length, has not ended', async () => {
    await using world = await startWorld(identity);
    const file = world.serve(path, bytes);
    world.origin.script(path, nth(1, closeDelimited(), severAfter(half)));
    const depot = await world.open({ cores: [{ id: 'model', files: [file] }] });
    await depot.download('model');
    expect(world.origin.requests.map(({ range }) => range)).toEqual([null, rest]);
    expect((await world.final()).map(({ sha256 }) => sha256)).toEqual([sha256Hex(bytes)]);
  });

  it('46, 47: speaks HTTP/1.1, also with a server that would rather speak another', async () => {
    const server = createServer({ ...identity, ALPNProtocols: ['h2', 'http/1.1'] });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const fetcher = new HttpFetcher();
    try {
      const spoken = once(server, 'secureConnection').then(([socket]: TLSSocket[]) => {
        socket?.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
        return socket?.alpnProtocol;
      });
      const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      const wanted = { url, from: null, ifRange: null, isFresh: false };
      expect((await fetcher.fetch(wanted, new AbortController().signal)).status).toBe(200);
      expect(await spoken).not.toBe('h2');
    } finally {
      await fetcher.close();
      server.close();
    }
  });

  /** A server of this identity and what it is reached by; `serve` gets each connection. */
  async function listening(options: TlsOptions, serve: (socket: TLSSocket) => void) {
    const server = createServer({ ...identity, ...options }, (socket) => {
      // A client that flees resets the connection.
      socket.on('error', () => socket.destroy());
      serve(socket);
    });
    server.on('tlsClientError', () => undefined);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const fetcher = new HttpFetcher();
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const ask = () => fetcher.fetch({ url, from: null, ifRange: null, isFresh: false }, new AbortController().signal);
    return {
      server,
      ask,
      [Symbol.asyncDispose]: async () => {
        await fetcher.close();
        server.close();
      },
    };
  }

  async function textOf({ body }: FetchResponse): Promise<string> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) chunks.push(chunk);
    return Buffer.concat(chunks).toString();
  }

  it.each([131_082, 140_000, 146_000])(
    '81: hears what is said unasked behind %i bytes, also after a slow reader',
    async (size) => {
      let connections = 0;
      let speak: () => void = () => undefined;
      let sent: Promise<void> = Promise.resolve();
      let left: Promise<unknown> = Promise.resolve();
      await using site = await listening({}, (socket) => {
        connections += 1;
        const isFirst = connections === 1;
        if (isFirst) left = once(socket, 'close');
        socket.on('data', () => {
          const text = isFirst ? 'x'.repeat(size) : 'good';
          socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n`);
          // Many small records, so that the last of them come after reading was stopped.
          for (let at = 1_024; at < text.length; at += 1_024) socket.write(text.slice(at - 1_024, at));
          sent = new Promise((resolve) => socket.write(text.slice(-(text.length % 1_024)), () => resolve()));
          speak = () => void socket.write('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil');
        });
      });
      const slow = await site.ask();
      await sent;
      for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
      expect((await textOf(slow)).length).toBe(size);
      speak();
      await left;
      expect([await textOf(await site.ask()), connections]).toEqual(['good', 2]);
    },
  );

  it('does not go back for ever to a session that the other side has lost', async () => {
    await using site = await listening({ maxVersion: 'TLSv1.2', minVersion: 'TLSv1.2' }, (socket) => {
      if (socket.isSessionReused()) return void socket.destroy();
      socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\ngood'));
    });
    const answers: string[] = [];
    for (let time = 0; time < 4; time++) answers.push(await site.ask().then(textOf, () => 'broken'));
    // Once it is offered; then it is forgotten, and the whole handshake made.
    expect(answers).toEqual(['good', 'broken', 'good', 'broken']);
  });

  it('51: is never left for one without', async () => {
    await using world = await startWorld(identity);
    await using plain = await startOrigin();
    const file = world.serve(path, bytes);
    world.origin.script(path, redirectTo(plain.put(path, bytes)));
    const depot = await world.open({ cores: [{ id: 'model', files: [file] }] });
    expect((await refusalOf(depot.download('model'))).fault).toMatchObject({
      type: 'serverError',
      detail: 'redirectRefused',
    });
    expect(world.origin.requests.length).toBeLessThanOrEqual(finalBudget);
    expect(plain.requests).toEqual([]);
  });
});

describe('84: a certificate', () => {
  const certificate = { type: 'networkUnreachable', detail: 'certificate' };

  it.each([
    ['that nobody vouches for', LOOPBACK, false],
    ['of another name', ['DNS:other.example'], true],
  ])('%s ends the matter, and not a request is sent', async (_, names, isTrusted) => {
    const stranger = await makeIdentity(names);
    using _trust = isTrusted ? trusting(stranger) : null;
    await using world = await startWorld(stranger);
    const depot = await world.open({ cores: [{ id: 'model', files: [world.serve(path, bytes)] }] });
    const history = historyOf(depot);
    expect((await refusalOf(depot.download('model'))).fault).toMatchObject(certificate);
    expect(history.types).not.toContain('RetryScheduled');
    expect(world.origin.requests).toEqual([]);
  });

  it('that changes in mid-download ends it, and keeps what is there', async () => {
    await using world = await startWorld(identity);
    const gate = closedGate();
    world.origin.script(path, nth(1, holdAfter(half, gate), dropAfter(half)));
    const depot = await world.open({ cores: [{ id: 'model', files: [world.serve(path, bytes)] }] });
    const outcome = refusalOf(depot.download('model'));
    await gate.reached;
    world.origin.become(await makeIdentity());
    gate.open();
    expect((await outcome).fault).toMatchObject(certificate);
    expect(depot.status('model').bytesDone).toBe(half);
    expect(world.origin.requests).toHaveLength(1);
  });

  it('that changes in mid-download, where a mirror has the file, costs nothing but that source', async () => {
    await using world = await startWorld(identity);
    await using mirror = await startOrigin({ identity });
    const file = { ...world.serve(path, bytes), mirrors: [mirror.put('/mirror', bytes)] };
    const gate = closedGate();
    world.origin.script(path, nth(1, holdAfter(half, gate), dropAfter(half)));
    const depot = await world.open({ cores: [{ id: 'model', files: [file] }] });
    const done = depot.download('model');
    await gate.reached;
    world.origin.become(await makeIdentity());
    gate.open();
    await done;
    expect(await world.installed()).toEqual(['model/model.onnx']);
  });

  it('of an authority that the environment names is good, and no variable makes a bad one good', async () => {
    const own = await makeIdentity();
    await using world = await startWorld(own);
    const folder = await mkdtemp(join(tmpdir(), 'lading-ca-'));
    try {
      const file = world.serve(path, bytes);
      const catalog = join(folder, 'catalog.json');
      const manifest = {
        version: 3,
        id: 'm',
        revision: 1,
        cores: [{ id: 'model', type: 'voice_model', files: [file] }],
      };
      await writeFile(catalog, JSON.stringify(manifest));
      await writeFile(join(folder, 'ca.pem'), own.cert);
      const run = async (name: string, more: Record<string, string>): Promise<string> => {
        const child = spawn(process.execPath, [program, join(folder, name), catalog, 'download', 'model', 'Never'], {
          env: { PATH: process.env['PATH'], ...more },
          stdio: ['ignore', 'ignore', 'pipe'],
        });
        let said = '';
        child.stderr.on('data', (text) => {
          said += text;
        });
        const [code] = await once(child, 'close');
        return code === 0 ? 'ready' : said;
      };
      expect(await run('bad', { NODE_TLS_REJECT_UNAUTHORIZED: '0' })).toContain('certificate');
      expect(world.origin.requests).toEqual([]);
      expect(await run('good', { NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem') })).toBe('ready');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
