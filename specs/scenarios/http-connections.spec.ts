/** What a server does to connections that are kept, to the reader of a reply, and to a process: the fetcher of Node against bare sockets. */
import type { Socket } from 'node:net';
import { HttpFetcher } from '@lading/node';
import { FaultError, type FetchResponse } from '@lading/runtime';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type RawOrigin, readRequestHead, startRawOrigin } from '../origin/raw-origin.js';
import { seededBytes, sha256Hex } from '../origin/seeded-bytes.js';

const never = new AbortController().signal;
const fetchers: HttpFetcher[] = [];
const origins: RawOrigin[] = [];

function newFetcher(): HttpFetcher {
  const fetcher = new HttpFetcher();
  fetchers.push(fetcher);
  return fetcher;
}

/** Calls `reply` with every request: its place on its connection, and that of the connection, from 1. */
async function serving(
  reply: (socket: Socket, request: number, connection: number) => void | Promise<void>,
): Promise<RawOrigin> {
  const origin = await startRawOrigin(async (socket, connection) => {
    for (let request = 1; (await readRequestHead(socket).catch(() => null)) !== null; request++) {
      await reply(socket, request, connection);
    }
  });
  origins.push(origin);
  return origin;
}

afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(fetchers.splice(0).map((fetcher) => fetcher.close()));
  await Promise.all(origins.splice(0).map((origin) => origin.close()));
});

const ask = (fetcher: HttpFetcher, { url }: RawOrigin): Promise<FetchResponse> =>
  fetcher.fetch({ url: `${url}/`, from: null, ifRange: null, isFresh: false }, never);

/** The bytes of a body, and the fault behind them; a slow reader lets everything else happen first, each time. */
async function readOf(
  { body }: FetchResponse,
  isSlow = false,
): Promise<{ bytes: Buffer; chunks: number; fault: unknown }> {
  const chunks: Buffer[] = [];
  let fault: unknown = null;
  try {
    for await (const chunk of body) {
      chunks.push(Buffer.from(chunk));
      if (isSlow) for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    fault = error.fault.type;
  }
  return { bytes: Buffer.concat(chunks), chunks: chunks.length, fault };
}

const textOf = async (response: FetchResponse): Promise<string> => (await readOf(response)).bytes.toString();
const faultOf = (response: Promise<FetchResponse>): Promise<unknown> =>
  response.then(
    () => null,
    (error: unknown) => (error instanceof FaultError ? [error.fault.type, error.fault.detail] : error),
  );
const ok = (body: string): string => `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`;

describe('a connection that is kept', () => {
  it('serves every request that comes, and nothing piles up on it', async () => {
    const warnings: unknown[] = [];
    const warned = (warning: unknown): void => void warnings.push(warning);
    process.on('warning', warned);
    const origin = await serving((socket, request) => void socket.write(ok(`the ${request}.`)));
    const fetcher = newFetcher();
    for (let n = 1; n <= 30; n++) expect(await textOf(await ask(fetcher, origin))).toBe(`the ${n}.`);
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', warned);
    expect([origin.connections, warnings]).toEqual([1, []]);
  });

  it('and closed just when it is used again costs nothing: the request goes out anew, once', async () => {
    const origin = await serving(
      (socket, request) => void (request === 1 ? socket.write(ok('fine')) : socket.destroy()),
    );
    const fetcher = newFetcher();
    await textOf(await ask(fetcher, origin));
    const again = await ask(fetcher, origin);
    expect(again.requests).toBe(1);
    expect(await textOf(again)).toBe('fine');
    expect(origin.connections).toBe(2);
  });

  it('and closed each time is a break, not a loop', async () => {
    const origin = await serving(
      (socket, request, connection) =>
        void (request === 1 && connection === 1 ? socket.write(ok('fine')) : socket.destroy()),
    );
    const fetcher = newFetcher();
    await textOf(await ask(fetcher, origin));
    expect(await faultOf(ask(fetcher, origin))).toEqual(['interrupted', 'ECONNRESET']);
    expect(origin.connections).toBe(2);
  });

  it('and broken in the first line of a reply is a break: that request was received', async () => {
    const origin = await serving(
      (socket, request) => void (request === 1 ? socket.write(ok('fine')) : socket.end('HTTP/1')),
    );
    const fetcher = newFetcher();
    await textOf(await ask(fetcher, origin));
    expect(await faultOf(ask(fetcher, origin))).toMatchObject([
      expect.stringMatching(/interrupted|serverError/),
      expect.anything(),
    ]);
    expect(origin.connections).toBe(1);
  });

  it('81: on which the server speaks unasked is left, and what it said answers nothing', async () => {
    let leave: () => void = () => undefined;
    const left = new Promise<void>((resolve) => {
      leave = resolve;
    });
    const origin = await serving((socket, _, connection) => {
      socket.write(ok('asked'));
      if (connection !== 1) return;
      socket.once('close', leave);
      // Said once the reply is read and the connection idle: until the client leaves.
      const speak = (): void => {
        if (socket.destroyed) return;
        socket.write(ok('evil!'));
        setTimeout(speak, 20);
      };
      setTimeout(speak, 20);
    });
    const fetcher = newFetcher();
    expect(await textOf(await ask(fetcher, origin))).toBe('asked');
    await left;
    expect(await textOf(await ask(fetcher, origin))).toBe('asked');
    expect(origin.connections).toBe(2);
  });

  it.each(['junk', ok('evil!')])('81: with more behind a complete reply is not used again: %j', async (more) => {
    const origin = await serving((socket) => void socket.write(ok('asked') + more));
    const fetcher = newFetcher();
    for (let time = 0; time < 3; time++) expect(await textOf(await ask(fetcher, origin))).toBe('asked');
    expect(origin.connections).toBe(3);
  });

  it('82: and has been idle while the machine slept is not trusted any more', async () => {
    const origin = await serving((socket) => void socket.write(ok('fine')));
    const fetcher = newFetcher();
    await textOf(await ask(fetcher, origin));
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 });
    expect(await textOf(await ask(fetcher, origin))).toBe('fine');
    expect(origin.connections).toBe(2);
  });

  it('37: after two lengths in one reply is not used again', async () => {
    const origin = await serving(
      (socket) => void socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nabc'),
    );
    const fetcher = newFetcher();
    for (let time = 0; time < 2; time++)
      expect(((await faultOf(ask(fetcher, origin))) as string[])[0]).toBe('serverError');
    expect(origin.connections).toBe(2);
  });
});

describe('a reply', () => {
  it('to a header that cannot be sent is never asked for', async () => {
    const origin = await serving((socket) => void socket.write(ok('fine')));
    const fetcher = new HttpFetcher({ headers: { [origin.url]: { 'x-token': 'a\r\nhost: evil' } } });
    fetchers.push(fetcher);
    expect(await faultOf(ask(fetcher, origin))).toEqual(['unknown', 'ERR_INVALID_CHAR']);
    expect(origin.connections).toBe(0);
  });

  it('39: with more headers than anybody needs is refused, however small they are', async () => {
    const fields = Array.from({ length: 1_001 }, (_, i) => `x${i}:\r\n`).join('');
    const origin = await serving(
      (socket) => void socket.write(`HTTP/1.1 200 OK\r\n${fields}content-length: 0\r\n\r\n`),
    );
    expect(await faultOf(ask(newFetcher(), origin))).toEqual(['serverError', 'headers']);
  });

  const CHUNKED = 'transfer-encoding: chunked\r\n\r\n';
  it.each([
    ['twoEnds', 'content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['contentLength', 'content-length: 4, 5\r\n\r\nfine'],
    ['contentLength', 'content-length: 4x\r\n\r\nfine'],
    ['transferEncoding', `transfer-encoding: gzip\r\n${CHUNKED}0\r\n\r\n`],
    ['header', 'content-length: 4\r\netag: "\0"\r\n\r\nfine'],
    ['header', 'content-length : 4\r\n\r\nfine'],
    ['bareLineFeed', 'content-length: 4\n\nfine'],
  ])('36, 37, 89: that two could read as two things is refused (%s)', async (detail, rest) => {
    const origin = await serving((socket) => void socket.write(`HTTP/1.1 200 OK\r\n${rest}`));
    expect(await faultOf(ask(newFetcher(), origin))).toEqual(['serverError', detail]);
  });

  it.each([
    ['longer than its size', '3\r\nabc\r\n2\r\nde!\n0\r\n\r\n'],
    ['whose size is no number any more', `3\r\nabc\r\n${'0'.repeat(64)}2\r\nde\r\n0\r\n\r\n`],
    ['with a comment without end', `3\r\nabc\r\n2;${'!'.repeat(100_000)}\r\nde\r\n0\r\n\r\n`],
    ['of another kind of line', '3\r\nabc\r\n2\nde\r\n0\r\n\r\n'],
  ])('with a chunk %s is broken there', async (_, chunks) => {
    const origin = await serving((socket) => void socket.write(`HTTP/1.1 200 OK\r\n${CHUNKED}${chunks}`));
    const { bytes, fault } = await readOf(await ask(newFetcher(), origin));
    expect(fault).toBe('interrupted');
    expect(bytes.toString()).toMatch(/^abc/);
  });

  it('comes whole in whatever pieces the network brings it', async () => {
    const bytes = seededBytes(33, 3_000);
    const chunk = Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n0\r\n\r\n')]);
    const heads = [`content-length: ${bytes.length}\r\n\r\n`, 'transfer-encoding: chunked\r\n\r\n'];
    const wires = [bytes, chunk].map((body, i) => Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\n${heads[i]}`), body]));
    const origin = await serving(async (socket, request) => {
      socket.setNoDelay(true);
      const wire = wires[request % 2] as Buffer;
      for (let at = 0; at < wire.length; at += request) {
        socket.write(wire.subarray(at, at + request));
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    const fetcher = newFetcher();
    for (let request = 1; request <= 6; request++) {
      const { bytes: got, fault } = await readOf(await ask(fetcher, origin), request > 3);
      expect([got.equals(bytes), fault]).toEqual([true, null]);
    }
    expect(origin.connections).toBe(1);
  });

  it('that comes byte by byte is handed to a slow reader in large pieces', async () => {
    const bytes = seededBytes(34, 1_000);
    let tell: () => void = () => undefined;
    const told = new Promise<void>((resolve) => {
      tell = resolve;
    });
    const origin = await serving(async (socket) => {
      socket.setNoDelay(true);
      socket.write(`HTTP/1.1 200 OK\r\n${CHUNKED}`);
      for (const byte of bytes) {
        socket.write(Buffer.from([0x31, 0x0d, 0x0a, byte, 0x0d, 0x0a]));
        await new Promise((resolve) => setImmediate(resolve));
      }
      socket.write('0\r\n\r\n', tell);
    });
    const response = await ask(newFetcher(), origin);
    await told;
    const { bytes: got, chunks } = await readOf(response);
    expect(got.equals(bytes)).toBe(true);
    expect(chunks).toBeLessThan(100);
  });

  it('of a server of an older protocol ends with its connection', async () => {
    const origin = await serving((socket) => void socket.end('HTTP/1.0 200 OK\r\n\r\nfine'));
    const fetcher = newFetcher();
    for (let time = 0; time < 2; time++) expect(await textOf(await ask(fetcher, origin))).toBe('fine');
    expect(origin.connections).toBe(2);
  });

  it.each([100, 102, 103])('40: behind %i without end is not waited for', async (code) => {
    const origin = await serving((socket) => void socket.write(`HTTP/1.1 ${code} Wait\r\n\r\n`.repeat(1_000)));
    expect(await faultOf(ask(newFetcher(), origin))).toEqual(['serverError', 'interimReplies']);
  });

  it('40: behind a few of them is read', async () => {
    const origin = await serving(
      (socket) => void socket.write(`HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n${ok('fine')}`),
    );
    expect(await textOf(await ask(newFetcher(), origin))).toBe('fine');
  });

  it('in chunks of one byte each is handed on in large ones, and nothing of it is lost', async () => {
    const bytes = seededBytes(31, 200_000);
    const wire = Buffer.concat([
      Buffer.from('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'),
      ...[...bytes].map((byte) => Buffer.from([0x31, 0x0d, 0x0a, byte, 0x0d, 0x0a])),
      Buffer.from('0\r\n\r\n'),
    ]);
    const origin = await serving((socket) => void socket.write(wire));
    const { bytes: got, chunks, fault } = await readOf(await ask(newFetcher(), origin), true);
    expect(fault).toBe(null);
    expect(sha256Hex(got)).toBe(sha256Hex(bytes));
    expect(chunks).toBeLessThan(2_000);
  });

  it('in small chunks between large ones has every byte in its place', async () => {
    const parts = Array.from({ length: 40 }, (_, i) => seededBytes(i, i % 2 === 0 ? 900 : 30_000));
    const bytes = Buffer.concat(parts);
    const chunkOf = (part: Uint8Array) => [Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n')];
    const wire = Buffer.concat([
      Buffer.from('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'),
      ...parts.flatMap((part) =>
        part.length > 900 ? chunkOf(part) : [...part].flatMap((byte) => chunkOf(Uint8Array.of(byte))),
      ),
      Buffer.from('0\r\n\r\n'),
    ]);
    const origin = await serving((socket) => void socket.write(wire));
    const { bytes: got } = await readOf(await ask(newFetcher(), origin), true);
    expect(sha256Hex(got)).toBe(sha256Hex(bytes));
  });

  const large = seededBytes(32, 3_000_000);
  const announced = `HTTP/1.1 200 OK\r\ncontent-length: ${large.length + 1}\r\n\r\n`;
  const chunk = Buffer.concat([Buffer.from(`${large.length.toString(16)}\r\n`), large, Buffer.from('\r\n')]);
  it.each([
    ['31: the end of the connection, in chunks', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n', chunk, ''],
    ['a size of a chunk that is none', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n', chunk, 'no size\r\n'],
    ['32: the end of the connection', announced, large, ''],
  ])('keeps every byte before %s, also for a reader who is far behind', async (_, head, body, tail) => {
    const origin = await serving(
      (socket) => void socket.end(Buffer.concat([Buffer.from(head), body, Buffer.from(tail)])),
    );
    const { bytes, fault } = await readOf(await ask(newFetcher(), origin), true);
    expect(fault).toBe('interrupted');
    expect(bytes.length).toBe(large.length);
    expect(sha256Hex(bytes)).toBe(sha256Hex(large));
  });

  it('that is redirected elsewhere and never ends holds nobody up', async () => {
    const origin = await serving(
      (socket, request, connection) =>
        void socket.write(
          request === 1 && connection === 1
            ? 'HTTP/1.1 302 Found\r\nlocation: /there\r\ncontent-length: 100\r\n\r\nwait for it'
            : ok('here'),
        ),
    );
    const response = await ask(newFetcher(), origin);
    expect(response.requests).toBe(2);
    expect(await textOf(response)).toBe('here');
  });

  it('38: that is not read on takes no more than its bound from the server', async () => {
    const block = Buffer.alloc(65_536);
    let sent = 0;
    const origin = await serving(async (socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      while (socket.write(block) || (await drained(socket))) sent += block.length;
    });
    const stop = new AbortController();
    const response = await newFetcher().fetch(
      { url: `${origin.url}/`, from: null, ifRange: null, isFresh: false },
      stop.signal,
    );
    const body = response.body[Symbol.asyncIterator]();
    await body.next();
    // Nobody reads on; the server goes on until the systems between are full, and then no more.
    let before = -1;
    while (sent !== before) {
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(sent).toBeLessThan(24 * 1024 * 1024);
    stop.abort(new Error('enough'));
    await expect(body.next()).rejects.toThrow('enough');
  });
});

/** False if the connection ended, or nothing moved for a while. */
function drained(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    socket.once('drain', () => resolve(true));
    socket.once('close', () => resolve(false));
  });
}
