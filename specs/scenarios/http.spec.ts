/** A server on loopback that does what servers do, over TCP: the rows of `http-rows.ts`, and what no row can say. */
import type { Socket } from 'node:net';
import type { FaultType } from '@lading/core';
import { describe, expect, it } from 'vitest';
import {
  type Behaviour,
  fromNth,
  holdAfter,
  nth,
  type Rule,
  redirectTo,
  resetAfter,
  retryAfter,
  status,
} from '../origin/behaviour.js';
import { closedGate } from '../origin/gate.js';
import { startOrigin } from '../origin/origin.js';
import { readRequestHead, startRawOrigin } from '../origin/raw-origin.js';
import { seededBytes, sha256Hex } from '../origin/seeded-bytes.js';
import {
  budget,
  budgets,
  bytes,
  cutFirst,
  finalBudget,
  half,
  parts,
  path,
  play,
  replies,
  rest,
  size,
  slow,
  whole,
} from './http-rows.js';
import { checkManners, refusalOf, startWorld, statusOf } from './world.js';

describe('a server that answers with the whole', () => {
  it.concurrent.each(whole)('$name', (row) => play(row));
});

describe('a server that is asked for the rest', () => {
  it.concurrent.each(parts)('$name', (row) => play(row));
});

describe('a server that answers otherwise', () => {
  it.concurrent.each(replies)('$name', (row) => play(row));
});

describe('a server that needs patience', () => {
  it.concurrent.each(budgets)('$name', (row) => play(row));
});

describe('a server that does not move', () => {
  it.concurrent.each(slow)('$name', (row) => play(row));
});

describe('a server that wants us to wait', () => {
  async function waited(rule: Rule | Behaviour): Promise<{ readonly waitMs: number; readonly requests: number }> {
    await using world = await startWorld();
    const file = world.serve(path, bytes);
    world.origin.script(path, rule);
    const depot = await world.open({ cores: [{ id: 'model', files: [file] }] });
    const download = refusalOf(depot.download('model'));
    const beganAt = Date.now();
    const { retryAt } = await statusOf(depot, 'model', ({ phase }) => phase === 'backingOff');
    await depot.cancel('model');
    await download;
    return { waitMs: (retryAt ?? 0) - beganAt, requests: world.origin.requests.length };
  }

  it.each([429, 503])('63: %i with Retry-After: 120 is not asked again before', async (code) => {
    const { waitMs, requests } = await waited(retryAfter(code, 120));
    expect(waitMs).toBeGreaterThanOrEqual(120_000);
    expect(waitMs).toBeLessThan(130_000);
    expect(requests).toBe(1);
  });

  it('64: Retry-After with a date counts from the clock of the server', async () => {
    const theirs = Date.parse('2031-05-05T05:05:05Z');
    const head = { date: new Date(theirs).toUTCString(), 'retry-after': new Date(theirs + 60_000).toUTCString() };
    const { waitMs } = await waited(status(503, head));
    expect(waitMs).toBeGreaterThanOrEqual(60_000);
    expect(waitMs).toBeLessThan(70_000);
  });

  it('65: Retry-After: 999999999 is cut to what is bearable', async () => {
    const { waitMs } = await waited(retryAfter(503, 999_999_999));
    expect(waitMs).toBeGreaterThan(120_000);
    expect(waitMs).toBeLessThan(610_000);
  });
});

describe('a connection that breaks', () => {
  it('44: by a reset in mid-body keeps every byte that had come', async () => {
    await using world = await startWorld();
    const file = world.serve(path, bytes);
    const gate = closedGate();
    world.origin.script(path, nth(1, holdAfter(half, gate), resetAfter(half)));
    const depot = await world.open({ cores: [{ id: 'model', files: [file] }] });
    const download = depot.download('model');
    await statusOf(depot, 'model', ({ bytesDone }) => bytesDone === half);
    gate.open();
    await download;
    expect(world.origin.requests.map(({ range }) => range)).toEqual([null, rest]);
  });

  it.each([
    ['is reset', 'reset', `content-length: ${4 * size}`],
    ['is reset without a length', 'reset', 'x-no: length'],
    ['ends too early', 'end', `content-length: ${4 * size + 1}`],
    ['ends, and only that is its length', 'end', 'x-no: length'],
  ])('32, 35: that %s while we are slower than the server, harms nobody but that attempt', async (_, how, header) => {
    const large = seededBytes(24, 4 * size);
    await using raw = await startRawOrigin(async (socket, connection) => {
      const head = await readRequestHead(socket);
      if (head === null) return;
      const from = Number(/\r\nrange: bytes=(\d+)-/i.exec(head)?.[1] ?? 0);
      const isFirst = connection === 1;
      const range = from === 0 ? '' : `content-range: bytes ${from}-${large.length - 1}/${large.length}\r\n`;
      socket.write(`HTTP/1.1 ${from === 0 ? '200 OK' : '206 Partial Content'}\r\n${range}connection: close\r\n`);
      if (!isFirst) return void socket.end(Buffer.concat([Buffer.from('\r\n'), large.subarray(from)]));
      // As much as a slow reader has not taken yet, and then the end, with the reader still at the beginning: the pause is
      // the scenario, not a wait for something.
      socket.write(Buffer.concat([Buffer.from(`${header}\r\n\r\n`), large.subarray(0, 2 * size)]), () => {
        setTimeout(() => (how === 'reset' ? socket.resetAndDestroy() : socket.end()), 50);
      });
    });
    await using world = await startWorld();
    const file = { filename: 'model.onnx', url: `${raw.url}/`, sizeBytes: large.length, sha256: sha256Hex(large) };
    const depot = await world.open({ cores: [{ id: 'model', files: [file] }] }, { limitBytesPerSecond: 2 * size });
    await depot.download('model');
    expect((await world.final()).map(({ sha256 }) => sha256)).toEqual([file.sha256]);
    expect(raw.connections).toBeGreaterThan(1);
  });

  it('83: because nobody listens there is told as unreachable, in time', async () => {
    const origin = await startOrigin();
    const url = `${origin.url}/gone`;
    await origin.close();
    await using world = await startWorld();
    const depot = await world.open({
      cores: [{ id: 'model', files: [{ filename: 'a', url, sizeBytes: 1, sha256: sha256Hex(new Uint8Array(1)) }] }],
    });
    expect((await refusalOf(depot.download('model'))).fault).toMatchObject({
      type: 'networkUnreachable',
      detail: 'ECONNREFUSED',
    });
  });
});

describe('what belongs to one origin', () => {
  const secrets = { authorization: 'Bearer s3cret-token', 'x-api-key': 'k3y-of-mine', cookie: 'session=s3cret' };
  const allowed = new Set(['host', 'connection', 'range', 'if-range', 'accept', 'accept-encoding', 'user-agent']);

  it('50, 54: stays there when a redirect leads to another one, and does not come back with the next', async () => {
    await using world = await startWorld();
    await using away = await startOrigin();
    const file = world.serve(path, bytes);
    const back = world.serve('/back', bytes);
    world.origin.script('/back', cutFirst);
    world.origin.script(path, redirectTo(`${away.url}/hop`));
    away.script('/hop', redirectTo(back.url));
    const headers = { [world.origin.url]: secrets };
    const depot = await world.open({ cores: [{ id: 'model', files: [file] }] }, { headers });
    await depot.download('model');
    for (const request of world.origin.requestsOf(path)) expect(request.headers).toMatchObject(secrets);
    for (const request of [...away.requests, ...world.origin.requestsOf('/back')]) {
      expect(Object.keys(request.headers).filter((name) => !allowed.has(name))).toEqual([]);
    }
    expect(world.origin.requestsOf('/back').map(({ range }) => range)).toEqual([null, rest]);
    checkManners([...world.origin.requests, ...away.requests]);
  });

  it('54: a redirect that ends at another server when resuming, gives the file of that one, whole', async () => {
    await using world = await startWorld();
    await using near = await startOrigin();
    await using far = await startOrigin();
    const file = world.serve(path, bytes);
    near.put('/x', bytes, { etag: '"near"' });
    near.script('/x', cutFirst);
    far.put('/x', bytes, { etag: '"far"' });
    world.origin.script(path, nth(1, redirectTo(`${near.url}/x`)), fromNth(2, redirectTo(`${far.url}/x`)));
    const depot = await world.open({ cores: [{ id: 'model', files: [file] }] });
    await depot.download('model');
    expect((await world.final()).map(({ sha256 }) => sha256)).toEqual([sha256Hex(bytes)]);
    expect(far.requests.length).toBeLessThanOrEqual(2);
  });

  it('58: a token is sent to its origin, and to no mirror', async () => {
    await using world = await startWorld();
    await using away = await startOrigin();
    const file = world.serve(path, bytes);
    away.put('/model.onnx', bytes);
    world.origin.script(path, status(500));
    const headers = { [world.origin.url]: secrets };
    const cores = [{ id: 'model', files: [{ ...file, mirrors: [`${away.url}/model.onnx`] }] }];
    const depot = await world.open({ cores }, { headers });
    await depot.download('model');
    expect(world.origin.requests[0]?.headers.authorization).toBe(secrets.authorization);
    expect(away.requests[0]?.headers.authorization).toBeUndefined();
    expect(away.requests[0]?.headers['x-api-key']).toBeUndefined();
  });

  it('58: 401 without the token, and the file with it', async () => {
    await using world = await startWorld();
    const file = world.serve(path, bytes);
    const locked: Behaviour = {
      name: 'locked',
      reply: (was, asked) =>
        asked.headers.authorization === secrets.authorization ? was : { ...was, status: 401, body: new Uint8Array(0) },
    };
    world.origin.script(path, locked);
    const without = await world.open({ cores: [{ id: 'model', files: [file] }] });
    expect((await refusalOf(without.download('model'))).fault).toMatchObject({ type: 'unauthorized', httpStatus: 401 });
    expect(world.origin.requests.length).toBeLessThanOrEqual(finalBudget);
    await without.close();
    const headers = { [world.origin.url]: { authorization: secrets.authorization } };
    const depot = await world.open({ cores: [{ id: 'model', files: [file] }] }, { headers });
    await depot.retry('model');
    await statusOf(depot, 'model', ({ phase }) => phase === 'ready');
  });

  it('58: a token that a server sends back is in no message, and its reply is not kept', async () => {
    await using world = await startWorld();
    const file = world.serve(path, bytes);
    world.origin.script(
      path,
      status(200, { 'content-type': 'text/html' }, `<html>${secrets['x-api-key']}`.padEnd(size, '.')),
    );
    const depot = await world.open(
      { cores: [{ id: 'model', files: [file] }] },
      { headers: { [world.origin.url]: secrets } },
    );
    const refusal = await refusalOf(depot.download('model'));
    expect(refusal.message).not.toContain(secrets['x-api-key']);
    expect(refusal.message).toContain('sent back a credential');
    const { staging } = await depot.usage();
    expect(Object.values(staging).reduce((sum, bytes) => sum + bytes, 0)).toBe(0);
  });
});

describe('a server that speaks no proper HTTP', () => {
  interface RawRow {
    readonly name: string;
    readonly head: string;
    readonly body?: string | Uint8Array;
    readonly ends: 'ready' | FaultType;
    /** Of the connections that get this head; all others get it right. */
    readonly times?: number;
  }

  const length = `content-length: ${size}\r\n`;
  const rows: readonly RawRow[] = [
    {
      name: '36: both Content-Length and Transfer-Encoding',
      head: `${length}transfer-encoding: chunked\r\n`,
      ends: 'serverError',
    },
    { name: '37: two different Content-Lengths', head: `${length}content-length: 5\r\n`, ends: 'serverError' },
    { name: '37: a negative Content-Length', head: 'content-length: -5\r\n', ends: 'serverError' },
    {
      name: '37: a Content-Length beyond all numbers',
      head: `content-length: ${'9'.repeat(30)}\r\n`,
      ends: 'serverError',
    },
    {
      name: '81: bytes after the end of a complete reply',
      head: length,
      body: Buffer.concat([bytes, Buffer.from('HTTP/1.1 junk')]),
      ends: 'ready',
    },
    {
      name: '89: a tag over two lines, cut, which is no validator',
      head: `${length}etag: "a\r\n b"\r\n`,
      body: bytes.subarray(0, half),
      times: 1,
      ends: 'ready',
    },
    { name: '89: a tag with a NUL', head: `${length}etag: "a\0b"\r\n`, ends: 'serverError' },
  ];

  it.each(rows)('$name', async ({ head, body = bytes, ends, times = Number.POSITIVE_INFINITY }) => {
    const heads: string[] = [];
    const serve = async (socket: Socket): Promise<void> => {
      for (let asked = await readRequestHead(socket); asked !== null; asked = await readRequestHead(socket)) {
        heads.push(asked);
        const isBad = heads.length <= times;
        socket.write(`HTTP/1.1 200 OK\r\n${isBad ? head : length}\r\n`);
        socket.write(isBad ? body : bytes);
        if (isBad && times !== Number.POSITIVE_INFINITY) socket.end();
      }
    };
    // That the client resets such a connection is what this is about.
    await using raw = await startRawOrigin((socket) => serve(socket).catch(() => undefined));
    await using world = await startWorld();
    const cores = [
      {
        id: 'model',
        files: [{ filename: 'model.onnx', url: `${raw.url}/`, sizeBytes: size, sha256: sha256Hex(bytes) }],
      },
    ];
    const depot = await world.open({ cores }, { stallMs: 1_000 });
    const outcome = await depot.download('model').then(
      () => 'ready',
      () => depot.status('model').fault?.type,
    );
    expect(outcome, depot.status('model').fault?.message).toBe(ends);
    expect(heads.length).toBeLessThanOrEqual(budget);
    for (const asked of heads) expect(asked).not.toMatch(/\r\nif-range:/i);
    expect((await world.final()).map(({ sha256 }) => sha256)).toEqual(ends === 'ready' ? [sha256Hex(bytes)] : []);
  });

  it('39: headers without end', async () => {
    await using raw = await startRawOrigin(async (socket) => {
      if ((await readRequestHead(socket)) === null) return;
      socket.write('HTTP/1.1 200 OK\r\n');
      const more = (): void => {
        while (!socket.destroyed)
          if (!socket.write(`x-more: ${'y'.repeat(1_000)}\r\n`)) return void socket.once('drain', more);
      };
      more();
    });
    await using world = await startWorld();
    const cores = [
      {
        id: 'model',
        files: [{ filename: 'a', url: `${raw.url}/`, sizeBytes: 1, sha256: sha256Hex(new Uint8Array(1)) }],
      },
    ];
    const depot = await world.open({ cores });
    expect((await refusalOf(depot.download('model'))).fault?.type).toBe('serverError');
    expect(raw.connections).toBeLessThanOrEqual(budget);
  });
});
