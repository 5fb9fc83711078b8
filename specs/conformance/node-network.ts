/** The bench of Node's fetcher: an origin on loopback, and a bare one for heads that node:http would put right. */
import { HttpFetcher } from '@lading/node';
import type { Behaviour } from '../origin/behaviour.js';
import { dropAfter, neverAnswer, redirectTo, stallAfter, status, withHeaders } from '../origin/behaviour.js';
import { type LoggedRequest, startOrigin } from '../origin/origin.js';
import { readRequestHead, startRawOrigin } from '../origin/raw-origin.js';
import type { Asked, FetcherBench, Mishap, Served } from './fetcher-bench.js';

function behaviourOf(mishap: Mishap): Behaviour {
  switch (mishap.type) {
    case 'status':
      return status(mishap.status, {}, mishap.body);
    case 'silence':
      return neverAnswer();
    case 'drop':
      return dropAfter(mishap.afterBytes);
    case 'stall':
      return stallAfter(mishap.afterBytes);
    default:
      throw mishap satisfies never;
  }
}

function askedBy(request: LoggedRequest): Asked {
  const from = /^bytes=(\d+)-$/.exec(request.range ?? '')?.[1];
  if (request.range !== null && from === undefined) throw new Error(`not one open range: ${request.range}`);
  const { 'if-range': ifRange, 'cache-control': cache } = request.headers;
  return {
    from: from === undefined ? null : Number(from),
    ifRange: typeof ifRange === 'string' ? ifRange : null,
    isFresh: cache === 'no-cache',
  };
}

const hasPlainHeaders = (headers: Served['headers'] = []): boolean =>
  new Set(headers.map(([name]) => name.toLowerCase())).size === headers.length;

export async function makeNodeFetcher(): Promise<FetcherBench> {
  const origin = await startOrigin();
  const other = await startOrigin();
  const deserted = await startOrigin();
  await deserted.close();
  /** Replies that are written byte by byte, by path. */
  const raw = new Map<string, Uint8Array>();
  const bare = await startRawOrigin(async (socket) => {
    const head = await readRequestHead(socket);
    socket.end(raw.get(head?.split(' ')[1] ?? '') ?? '');
  });
  const fetcher = new HttpFetcher();
  const fetchers = [fetcher];
  return {
    fetcher,
    until: (promise) => promise,
    url: (path) => (raw.has(path) ? bare.url : origin.url) + path,
    put: (path, bytes, { etag = null, lastModified, headers = [] } = {}) => {
      origin.put(path, bytes, { etag, lastModified: lastModified === undefined ? null : new Date(lastModified) });
      if (hasPlainHeaders(headers)) return origin.script(path, withHeaders(Object.fromEntries(headers)));
      const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
      const head = `HTTP/1.1 200 OK\r\n${lines}Content-Length: ${bytes.length}\r\n\r\n`;
      raw.set(path, Buffer.concat([Buffer.from(head), bytes]));
    },
    mishap: (path, mishap) => origin.script(path, behaviourOf(mishap)),
    deserted: `${deserted.url}/`,
    asked: (path) => origin.requestsOf(path).map(askedBy),
    arrival: (path) => origin.arrival(path),
    departure: async (path) => {
      const outcome = await (await origin.arrival(path)).finished;
      if (outcome !== 'stalled' && outcome !== 'left')
        throw new Error(`the client of ${path} did not leave: ${outcome}`);
    },
    trusting: (headers) => {
      const trusted = new HttpFetcher({ headers: { [origin.url]: headers } });
      fetchers.push(trusted);
      return trusted;
    },
    heard: (path, name) =>
      [...origin.requestsOf(path), ...other.requestsOf(path)].map(({ headers }) => {
        const value = headers[name];
        return typeof value === 'string' ? value : null;
      }),
    redirects: {
      to: (path, target, code) => origin.script(path, redirectTo(target, code)),
      abroad: (path, bytes) => origin.script(path, redirectTo(other.put('/abroad', bytes))),
      over: (path, abroad, target) => {
        origin.script(path, redirectTo(other.url + abroad));
        other.script(abroad, redirectTo(origin.url + target));
      },
      count: () => origin.requests.length,
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(fetchers.map((each) => each.close()));
      await Promise.all([origin.close(), other.close(), bare.close()]);
    },
  };
}
