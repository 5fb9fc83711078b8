import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type Behaviour,
  bodyOfOtherLength,
  captivePortal,
  changeTo,
  chunked,
  closeDelimited,
  dripBody,
  dripHead,
  dropAfter,
  endlessBody,
  first,
  flipByteAt,
  fromNth,
  gzip,
  hangUp,
  hold,
  holdAfter,
  interimReplies,
  multipart206,
  neverAnswer,
  noContentRange,
  noEtag,
  noRange,
  nth,
  redirectLoop,
  redirectMaze,
  redirectTo,
  resetAfter,
  retryAfter,
  stallAfter,
  status,
  throttle,
  truncatedChunked,
  weakEtag,
  withHeaders,
  wrongLength,
  wrongRangeEnd,
  wrongRangeStart,
} from './behaviour.js';
import { closedGate } from './gate.js';
import { type Origin, startOrigin } from './origin.js';
import { readRequestHead, startRawOrigin } from './raw-origin.js';
import { seededBytes, sha256Hex } from './seeded-bytes.js';

interface Heard {
  readonly status: number | null;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** `end`: the message was complete by HTTP's rules. Otherwise the error's code. */
  readonly end: string;
  readonly interim: number;
}

interface Asking {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly agent?: Agent;
  /** Called with the number of bytes so far; returning false makes the client leave. */
  readonly onBytes?: (bytes: number) => boolean;
}

/** A client with no opinion: it reports what came and how it ended. */
function ask(url: string, { method = 'GET', headers = {}, agent, onBytes }: Asking = {}): Promise<Heard> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let interim = 0;
    const asked = request(url, { method, headers, agent: agent ?? false });
    asked.on('information', () => {
      interim += 1;
    });
    let code: number | null = null;
    let heard: IncomingHttpHeaders = {};
    const done = (end: string): void =>
      resolve({ status: code, headers: heard, body: Buffer.concat(chunks), end, interim });
    const fail = (error: NodeJS.ErrnoException): void => done(error.code ?? error.message);
    asked.on('error', fail);
    asked.on('response', (reply) => {
      code = reply.statusCode ?? null;
      heard = reply.headers;
      reply.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        bytes += chunk.length;
        if (onBytes?.(bytes) === false) reply.destroy();
      });
      reply.on('error', fail);
      reply.on('end', () => done('end'));
      reply.on('close', () => done('closed'));
    });
    asked.end();
  });
}

const content = seededBytes(7, 100_000);
const path = '/model.onnx';
let origin: Origin;
let url: string;

beforeEach(async () => {
  origin = await startOrigin();
  url = origin.put(path, content);
});
afterEach(() => origin.close());

const part = (from: number, to: number): Record<string, string> => ({ range: `bytes=${from}-${to - 1}` });

describe('seeded bytes', () => {
  it('are the same on every machine, and a prefix is a prefix', () => {
    expect(Buffer.from(seededBytes(1, 16)).toString('hex')).toBe('34a8d2eab7c08ba12565b45e6e8cdd26');
    expect(sha256Hex(seededBytes(1, 100_003))).toBe('c6f9f1606230cb3798e6f0d95e69ab1cdef33525cfcc297c69d8f23178fcee24');
    expect(seededBytes(1, 10)).toEqual(seededBytes(1, 1000).subarray(0, 10));
  });

  it('look like luck: every byte value about equally often, seeds unrelated', () => {
    const counts = new Array<number>(256).fill(0);
    for (const byte of seededBytes(3, 1_000_000)) counts[byte] = (counts[byte] ?? 0) + 1;
    expect(Math.min(...counts)).toBeGreaterThan(3500);
    expect(Math.max(...counts)).toBeLessThan(4350);
    const other = seededBytes(4, 100_000);
    const equal = seededBytes(3, 100_000).filter((byte, at) => byte === other[at]).length;
    expect(equal).toBeGreaterThan(250);
    expect(equal).toBeLessThan(550);
  });
});

describe('an origin without a script', () => {
  it('serves the whole with its length, validators and Accept-Ranges', async () => {
    const heard = await ask(url);
    expect(heard).toMatchObject({ status: 200, end: 'end' });
    expect(heard.headers).toMatchObject({
      'content-length': '100000',
      'accept-ranges': 'bytes',
      'last-modified': 'Wed, 01 Jan 2020 00:00:00 GMT',
      etag: `"${sha256Hex(content).slice(0, 32)}"`,
    });
    expect(heard.body.equals(content)).toBe(true);
  });

  it('answers HEAD with the same headers, no body, and no range', async () => {
    const heard = await ask(url, { method: 'HEAD', headers: part(5, 10) });
    expect(heard).toMatchObject({ status: 200, end: 'end' });
    expect(heard.headers['content-length']).toBe('100000');
    expect(heard.body).toHaveLength(0);
  });

  it.each([
    ['bytes=0-0', 0, 1],
    ['bytes=10-19', 10, 20],
    ['bytes=99990-', 99_990, 100_000],
    ['bytes=99990-200000', 99_990, 100_000],
    ['bytes=-7', 99_993, 100_000],
    ['bytes=-200000', 0, 100_000],
  ])('answers %s with 206', async (range, from, to) => {
    const heard = await ask(url, { headers: { range } });
    expect(heard).toMatchObject({ status: 206, end: 'end' });
    expect(heard.headers['content-range']).toBe(`bytes ${from}-${to - 1}/100000`);
    expect(heard.headers['content-length']).toBe(String(to - from));
    expect(heard.body.equals(content.subarray(from, to))).toBe(true);
  });

  it.each(['bytes=100000-', 'bytes=-0'])('answers %s with 416', async (range) => {
    const heard = await ask(url, { headers: { range } });
    expect(heard).toMatchObject({ status: 416, end: 'end' });
    expect(heard.headers['content-range']).toBe('bytes */100000');
  });

  it.each(['bytes=5-4', 'bytes=-', 'lines=1-2', 'bytes=0-1,5-6', 'bytes=x'])('ignores %s', async (range) => {
    expect(await ask(url, { headers: { range } })).toMatchObject({ status: 200, end: 'end' });
  });

  it('honours If-Range by strong comparison only', async () => {
    const { etag = '', 'last-modified': modified = '' } = (await ask(url)).headers;
    const codeFor = async (ifRange: string): Promise<number | null> =>
      (await ask(url, { headers: { ...part(0, 5), 'if-range': ifRange } })).status;
    expect(await codeFor(etag)).toBe(206);
    expect(await codeFor(modified)).toBe(206);
    expect(await codeFor(`W/${etag}`)).toBe(200);
    expect(await codeFor('"other"')).toBe(200);
    expect(await codeFor('Wed, 01 Jan 2020 00:00:01 GMT')).toBe(200);

    origin.put('/fresh', content, { etag: null, lastModified: new Date(Date.now() + 60_000) });
    const fresh = (await ask(`${origin.url}/fresh`)).headers;
    expect(fresh.etag).toBeUndefined();
    const again = { ...part(0, 5), 'if-range': fresh['last-modified'] ?? '' };
    expect((await ask(`${origin.url}/fresh`, { headers: again })).status).toBe(200);
  });

  it('judges the other conditions in the order of the RFC', async () => {
    const { etag = '' } = (await ask(url)).headers;
    const codeFor = async (headers: Record<string, string>): Promise<number | null> =>
      (await ask(url, { headers })).status;
    expect(await codeFor({ 'if-none-match': `"x", W/${etag}` })).toBe(304);
    expect(await codeFor({ 'if-none-match': '"x"' })).toBe(200);
    expect(await codeFor({ 'if-match': '"x"' })).toBe(412);
    expect(await codeFor({ 'if-match': `"x", ${etag}`, ...part(0, 2) })).toBe(206);
    expect(await codeFor({ 'if-match': `W/${etag}` })).toBe(412);
    expect(await codeFor({ 'if-match': '*' })).toBe(200);
    expect(await codeFor({ 'if-modified-since': 'Wed, 01 Jan 2020 00:00:00 GMT' })).toBe(304);
    expect(await codeFor({ 'if-unmodified-since': 'Tue, 31 Dec 2019 00:00:00 GMT' })).toBe(412);
  });

  it('serves an empty file', async () => {
    const empty = origin.put('/empty', new Uint8Array(0));
    expect(await ask(empty)).toMatchObject({ status: 200, end: 'end', headers: { 'content-length': '0' } });
    expect((await ask(empty, { headers: { range: 'bytes=0-' } })).status).toBe(416);
  });

  it('knows no other path and no other method', async () => {
    expect((await ask(`${origin.url}/nowhere`)).status).toBe(404);
    expect(await ask(url, { method: 'POST' })).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
  });

  it('keeps the connection for the next request', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    await ask(url, { agent });
    await ask(`${origin.url}/nowhere`, { agent });
    await ask(url, { agent, headers: part(1, 2) });
    agent.destroy();
    expect(origin.requests.map(({ connection }) => connection)).toEqual([1, 1, 1]);
  });

  it('logs what was asked and sent', async () => {
    await ask(`${url}?sig=1`, { headers: part(10, 30) });
    await ask(url, { method: 'HEAD' });
    expect(origin.requests).toMatchObject([
      { at: 1, method: 'GET', path, url: `${path}?sig=1`, range: 'bytes=10-29', status: 206, bytesSent: 20 },
      { at: 2, method: 'HEAD', path, range: null, status: 200, bytesSent: 0, outcome: 'complete' },
    ]);
    expect(origin.requests[0]?.rawHeaders).toContain('bytes=10-29');
  });

  it('sends its own headers with every reply', async () => {
    const open = await startOrigin({ headers: { 'access-control-allow-origin': '*' } });
    expect((await ask(`${open.url}/nowhere`)).headers['access-control-allow-origin']).toBe('*');
    await open.close();
  });
});

describe('a rule', () => {
  it('holds for the requests it names, and counts from the last script', async () => {
    origin.script(path, nth(2, status(500)), fromNth(4, status(503)));
    const codes = async (n: number): Promise<(number | null)[]> => {
      const heard = [];
      for (let i = 0; i < n; i += 1) heard.push((await ask(url)).status);
      return heard;
    };
    expect(await codes(5)).toEqual([200, 500, 200, 503, 503]);
    origin.script(path, first(2, status(404)));
    expect(await codes(3)).toEqual([404, 404, 200]);
  });

  it('composes with others in their order', async () => {
    origin.script(path, noEtag(), flipByteAt(3), nth(1, dropAfter(1000)));
    const broken = await ask(url);
    expect(broken).toMatchObject({ status: 200, end: 'ECONNRESET' });
    expect(broken.body).toHaveLength(1000);
    const heard = await ask(url);
    expect(heard).toMatchObject({ status: 200, end: 'end' });
    expect(heard.headers.etag).toBeUndefined();
    expect(heard.body[3]).toBe((content[3] ?? 0) ^ 0xff);
  });
});

describe('a resource', () => {
  it('changes from one request to the next, with its tag or without a word', async () => {
    const other = seededBytes(8, 90_000);
    const before = await ask(url);
    origin.script(
      path,
      nth(1, changeTo(other)),
      nth(2, changeTo(other, before.headers.etag)),
      nth(3, changeTo(other, null)),
    );
    const changed = await ask(url);
    expect(changed.body.equals(other)).toBe(true);
    expect(changed.headers.etag).not.toBe(before.headers.etag);
    expect(changed.headers['last-modified']).not.toBe(before.headers['last-modified']);
    const lied = await ask(url, { headers: { ...part(0, 9), 'if-range': before.headers.etag ?? '' } });
    expect(lied).toMatchObject({ status: 206, headers: { 'content-range': 'bytes 0-8/90000' } });
    expect((await ask(url)).headers.etag).toBeUndefined();
  });

  it('has another length under the same tag', async () => {
    const { etag } = (await ask(url)).headers;
    origin.script(path, nth(1, bodyOfOtherLength(10)), nth(2, bodyOfOtherLength(100_010)));
    expect(await ask(url)).toMatchObject({ status: 200, end: 'end', headers: { etag, 'content-length': '10' } });
    const longer = await ask(url, { headers: { range: 'bytes=99999-' } });
    expect(longer.headers).toMatchObject({ etag, 'content-range': 'bytes 99999-100009/100010' });
    expect(longer.body[0]).toBe(content[99_999]);
  });

  it('comes compressed, whole or in parts of the compressed form', async () => {
    origin.script(path, gzip());
    const heard = await ask(url);
    expect(heard.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(heard.body).equals(content)).toBe(true);
    const slice = await ask(url, { headers: part(10, 20) });
    expect(slice.body.equals(heard.body.subarray(10, 20))).toBe(true);
  });

  it('has a weak tag, which proves nothing to If-Range', async () => {
    origin.script(path, weakEtag());
    const { etag = '' } = (await ask(url)).headers;
    expect(etag).toMatch(/^W\/"/);
    expect((await ask(url, { headers: { ...part(0, 5), 'if-range': etag } })).status).toBe(200);
  });

  it('has no ranges', async () => {
    origin.script(path, noRange());
    const heard = await ask(url, { headers: part(0, 5) });
    expect(heard).toMatchObject({ status: 200, end: 'end' });
    expect(heard.headers['accept-ranges']).toBeUndefined();
    expect(heard.body).toHaveLength(100_000);
  });
});

describe('a reply', () => {
  it('starts or ends elsewhere than asked, and says so', async () => {
    const starting = (shift: number) => nth(shift === 100 ? 1 : 2, wrongRangeStart(shift));
    origin.script(path, starting(100), starting(-100), nth(3, wrongRangeEnd(50)), nth(4, wrongRangeEnd(-50)));
    const heard = async (): Promise<[string | undefined, number]> => {
      const { headers, body, end } = await ask(url, { headers: part(1000, 2000) });
      expect(end).toBe('end');
      return [headers['content-range'], body[0] ?? -1];
    };
    expect(await heard()).toEqual(['bytes 1100-1999/100000', content[1100]]);
    expect(await heard()).toEqual(['bytes 900-1999/100000', content[900]]);
    expect(await heard()).toEqual(['bytes 1000-2049/100000', content[1000]]);
    expect(await heard()).toEqual(['bytes 1000-1949/100000', content[1000]]);
  });

  it('is a 206 without Content-Range, with a wrong one, or in MIME parts', async () => {
    origin.script(
      path,
      nth(1, noContentRange()),
      nth(2, withHeaders({ 'Content-Range': 'bytes 5-2/10', etag: null })),
      nth(3, multipart206()),
    );
    const bare = await ask(url, { headers: part(0, 10) });
    expect(bare.status).toBe(206);
    expect(bare.headers['content-range']).toBeUndefined();
    const wrong = await ask(url, { headers: part(0, 10) });
    expect(wrong.headers['content-range']).toBe('bytes 5-2/10');
    expect(wrong.headers.etag).toBeUndefined();
    const mime = await ask(url, { headers: part(0, 10) });
    expect(mime).toMatchObject({ status: 206, headers: { 'content-type': 'multipart/byteranges; boundary=part' } });
    expect(mime.body.toString('latin1')).toContain('content-range: bytes 0-9/100000');
    expect(mime.body.includes(Buffer.from(content.subarray(0, 10)))).toBe(true);
  });

  it('is a status with headers and a body', async () => {
    const busy = retryAfter(503, 120);
    origin.script(path, nth(1, busy), nth(2, status(416, { 'content-range': 'bytes */5' }, 'no')), nth(3, status(204)));
    expect(await ask(url)).toMatchObject({ status: 503, headers: { 'retry-after': '120', 'content-length': '0' } });
    const refused = await ask(url);
    expect(refused).toMatchObject({ status: 416, headers: { 'content-range': 'bytes */5' } });
    expect(refused.body.toString()).toBe('no');
    expect(await ask(url)).toMatchObject({ status: 204, end: 'end' });
  });

  it('leads elsewhere, in a circle or astray', async () => {
    origin.script('/old', redirectTo(url, 308));
    origin.script('/circle', redirectLoop());
    origin.script('/maze', redirectMaze(307));
    expect(await ask(`${origin.url}/old`)).toMatchObject({ status: 308, headers: { location: url } });
    expect(await ask(`${origin.url}/circle`)).toMatchObject({ status: 302, headers: { location: '/circle' } });
    expect(await ask(`${origin.url}/maze`)).toMatchObject({ status: 307, headers: { location: '/maze?hop=1' } });
    expect((await ask(`${origin.url}/maze?hop=7`)).headers.location).toBe('/maze?hop=8');
  });

  it('is the page of a captive portal', async () => {
    origin.script(path, captivePortal());
    const heard = await ask(url, { headers: part(5, 10) });
    expect(heard).toMatchObject({ status: 200, headers: { 'content-type': 'text/html; charset=utf-8' } });
    expect(heard.body.toString()).toContain('<!doctype html>');
  });

  it('is chunked, or ends with its connection', async () => {
    origin.script(path, nth(1, chunked()), nth(2, closeDelimited()), nth(3, closeDelimited(), dropAfter(5000)));
    const inChunks = await ask(url);
    expect(inChunks).toMatchObject({ end: 'end', headers: { 'transfer-encoding': 'chunked' } });
    expect(inChunks.headers['content-length']).toBeUndefined();
    expect(inChunks.body.equals(content)).toBe(true);
    const toTheEnd = await ask(url);
    expect(toTheEnd).toMatchObject({ end: 'end', headers: { connection: 'close' } });
    expect(toTheEnd.headers['content-length']).toBeUndefined();
    expect(toTheEnd.body.equals(content)).toBe(true);
    const short = await ask(url);
    expect(short.end, 'HTTP cannot tell that something is missing').toBe('end');
    expect(short.body).toHaveLength(5000);
  });

  it('lies about its length', async () => {
    origin.script(path, nth(1, wrongLength(10)), nth(2, wrongLength(-10)));
    expect(await ask(url)).toMatchObject({ end: 'ECONNRESET', headers: { 'content-length': '100010' } });
    const short = await ask(url);
    expect(short.end, 'what comes after the end is junk').toMatch(/^end$|^HPE_/);
    expect(short.headers['content-length']).toBe('99990');
  });
});

describe('a delivery', () => {
  it('is dropped or reset after so many bytes', async () => {
    origin.script(path, nth(1, dropAfter(70_000)), nth(2, resetAfter(70_000)), nth(3, dropAfter(0)));
    const dropped = await ask(url);
    expect(dropped).toMatchObject({ status: 200, end: 'ECONNRESET' });
    expect(dropped.body.equals(content.subarray(0, 70_000))).toBe(true);
    const reset = await ask(url);
    expect(reset.end).toBe('ECONNRESET');
    expect(reset.body.length).toBeLessThanOrEqual(70_000);
    expect((await ask(url)).body).toHaveLength(0);
    expect(origin.requests.map(({ outcome, bytesSent }) => [outcome, bytesSent])).toEqual([
      ['dropped', 70_000],
      ['reset', 70_000],
      ['dropped', 0],
    ]);
  });

  it('ends with FIN when dropped, with RST when reset', async () => {
    const endAfter = (cut: Behaviour): Promise<string> => {
      // Only once the bytes are read: a reset that arrives together with bytes is an end like any other to Node's client.
      const gate = closedGate();
      origin.script(path, holdAfter(10, gate), cut);
      return new Promise((resolve) => {
        const socket = connect(Number(new URL(url).port), '127.0.0.1');
        socket.write(`GET ${path} HTTP/1.1\r\nhost: origin\r\n\r\n`);
        let heard = '';
        socket.on('data', (bytes) => {
          heard += bytes.toString('latin1');
          if (heard.split('\r\n\r\n')[1]?.length === 10) gate.open();
        });
        socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
        socket.on('end', () => resolve('FIN'));
      });
    };
    expect([await endAfter(dropAfter(10)), await endAfter(resetAfter(10))]).toEqual(['FIN', 'ECONNRESET']);
  });

  it('counts bytes of this reply, and spares one that is shorter', async () => {
    origin.script(path, dropAfter(1000));
    expect((await ask(url, { headers: part(50_000, 60_000) })).body).toHaveLength(1000);
    expect(await ask(url, { headers: part(50_000, 50_500) })).toMatchObject({ end: 'end', status: 206 });
  });

  it('ends before it begins', async () => {
    origin.script(path, nth(1, hangUp()), nth(2, hangUp('reset')));
    expect(await ask(url)).toMatchObject({ status: null, end: 'ECONNRESET' });
    expect(await ask(url)).toMatchObject({ status: null, end: 'ECONNRESET' });
    expect(origin.requests.map(({ status: code }) => code)).toEqual([null, null]);
  });

  it('stalls in the middle, or never begins, and keeps the connection until the origin closes', async () => {
    origin.script(path, nth(1, stallAfter(500)), nth(2, neverAnswer()));
    const stalled = ask(url);
    expect(await (await origin.arrival(path)).finished).toBe('stalled');
    const unanswered = ask(url);
    const second = await origin.arrival(path, 2);
    expect(await second.finished).toBe('stalled');
    expect(second).toMatchObject({ status: null, bytesSent: 0 });
    await origin.close();
    const heard = await stalled;
    expect(heard.body).toHaveLength(500);
    expect(heard.end).toBe('ECONNRESET');
    expect((await unanswered).status).toBeNull();
  });

  it('waits at a gate before the head, and at another in the body', async () => {
    const [before, within] = [closedGate(), closedGate()];
    origin.script(path, hold(before), holdAfter(300, within));
    let arrived = (): void => {};
    const sawFirstBytes = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const heard = ask(url, {
      onBytes: (bytes) => {
        if (bytes === 300) arrived();
        return true;
      },
    });
    // Another request there and back: time enough for a reply that did not wait.
    const elsewhere = (): Promise<Heard> => ask(`${origin.url}/nowhere`);
    await before.reached;
    await elsewhere();
    expect(origin.requestsOf(path)[0]?.status).toBeNull();
    before.open();
    await within.reached;
    await elsewhere();
    expect(origin.requestsOf(path)[0]).toMatchObject({ status: 200, bytesSent: 300, outcome: 'open' });
    await sawFirstBytes;
    within.open();
    expect((await heard).body.equals(content)).toBe(true);
  });

  it('drips its head and its body', async () => {
    origin.put('/small', seededBytes(1, 10));
    origin.script('/small', nth(1, dripHead(20, 5)), nth(2, dripBody(1, 10)));
    const startedMs = performance.now();
    const head = await ask(`${origin.url}/small`);
    expect(head).toMatchObject({ status: 200, end: 'end' });
    expect(head.body).toHaveLength(10);
    const seen: number[] = [];
    expect((await ask(`${origin.url}/small`, { onBytes: (bytes) => seen.push(bytes) > 0 })).end).toBe('end');
    expect(seen.length).toBeGreaterThan(1);
    expect(performance.now() - startedMs).toBeGreaterThan(90);
  });

  it('keeps to a rate', async () => {
    origin.script(path, throttle(400_000));
    const startedMs = performance.now();
    expect((await ask(url)).body.equals(content)).toBe(true);
    const tookMs = performance.now() - startedMs;
    expect(tookMs).toBeGreaterThan(150);
    expect(tookMs).toBeLessThan(60_000);
  });

  it('breaks off in the middle of a chunk', async () => {
    origin.script(path, nth(1, truncatedChunked(5000)), nth(2, chunked(), dropAfter(5000)));
    for (let i = 0; i < 2; i += 1) {
      const heard = await ask(url);
      expect(heard).toMatchObject({ status: 200, end: 'ECONNRESET', headers: { 'transfer-encoding': 'chunked' } });
      expect(heard.body).toHaveLength(5000);
    }
  });

  it('never ends, and stops when the client leaves', async () => {
    origin.script(path, nth(1, endlessBody()), nth(2, endlessBody(), closeDelimited()));
    for (const n of [1, 2]) {
      const heard = await ask(url, { onBytes: (bytes) => bytes < 1_000_000 });
      expect(heard.body.subarray(100_000, 200_000).equals(content)).toBe(true);
      expect(await (await origin.arrival(path, n)).finished).toBe('left');
    }
  });

  it('says that it is being processed, and may leave it at that', async () => {
    origin.script(path, nth(1, interimReplies(3, 1)), nth(2, interimReplies(2, 1), neverAnswer()));
    expect(await ask(url)).toMatchObject({ status: 200, end: 'end', interim: 3 });
    const unanswered = ask(url);
    expect(await (await origin.arrival(path, 2)).finished).toBe('stalled');
    await origin.close();
    expect(await unanswered).toMatchObject({ status: null });
  });
});

describe('a raw origin', () => {
  it('says what the test says, byte by byte, and reads one head after the other', async () => {
    const heads: (string | null)[] = [];
    const raw = await startRawOrigin(async (socket, connection) => {
      heads.push(await readRequestHead(socket));
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n${connection}`);
      heads.push(await readRequestHead(socket));
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab');
    });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    expect((await ask(`${raw.url}/a`, { agent })).body.toString()).toBe('1');
    expect(await ask(`${raw.url}/b`, { agent })).toMatchObject({ end: 'HPE_UNEXPECTED_CONTENT_LENGTH' });
    expect(heads.map((head) => head?.split('\r\n')[0])).toEqual(['GET /a HTTP/1.1', 'GET /b HTTP/1.1']);
    expect(raw.connections).toBe(1);
    agent.destroy();
    await raw.close();
  });
});
