/** An origin that serves a page and does what the page orders: each bench has the paths below a folder of its own. */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Asked } from '../conformance/fetcher-bench.js';
import type { Behaviour } from '../origin/behaviour.js';
import { dropAfter, neverAnswer, redirectTo, stallAfter, status, withHeaders } from '../origin/behaviour.js';
import { type LoggedRequest, type Origin, startOrigin } from '../origin/origin.js';
import { readRequestHead, startRawOrigin } from '../origin/raw-origin.js';
import type { Order } from './orders.js';

/** What lets pages of other origins read everything. */
const OPEN = { 'access-control-allow-origin': '*', 'access-control-expose-headers': '*' };

const bytesOf = (base64: string): Uint8Array => Uint8Array.from(Buffer.from(base64, 'base64'));

function behaviourOf(mishap: Extract<Order, { readonly type: 'mishap' }>['mishap']): Behaviour {
  switch (mishap.type) {
    case 'status':
      return status(mishap.status, {}, bytesOf(mishap.body));
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

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  return text;
}

export interface OrderedOrigin extends AsyncDisposable {
  readonly origin: Origin;
  /** Where orders go; pages are told by the query `control`. */
  readonly control: string;
}

export async function startOrderedOrigin(): Promise<OrderedOrigin> {
  const origin = await startOrigin();
  const abroad = await startOrigin({ headers: OPEN });
  const deserted = await startOrigin();
  await deserted.close();
  /** Replies that are written byte by byte, by path: heads that node:http would put right. */
  const raw = new Map<string, Uint8Array>();
  const bare = await startRawOrigin(async (socket) => {
    const head = await readRequestHead(socket);
    socket.end(raw.get(head?.split(' ')[1] ?? '') ?? '');
  });
  let benches = 0;
  const begun = new Map<string, number>();
  const at = ({ bench, path }: { readonly bench: string; readonly path: string }): string => `/${bench}${path}`;

  const put = (order: Extract<Order, { readonly type: 'put' }>): void => {
    const bytes = bytesOf(order.bytes);
    const { etag = null, lastModified, headers = [] } = order.served;
    const place = at(order);
    origin.put(place, bytes, { etag, lastModified: lastModified === undefined ? null : new Date(lastModified) });
    const isPlain = new Set(headers.map(([name]) => name.toLowerCase())).size === headers.length;
    if (isPlain) return origin.script(place, withHeaders(Object.fromEntries(headers)));
    const lines = [...Object.entries(OPEN), ...headers].map(([name, value]) => `${name}: ${value}\r\n`).join('');
    const head = `HTTP/1.1 200 OK\r\n${lines}Content-Length: ${bytes.length}\r\n\r\n`;
    raw.set(place, Buffer.concat([Buffer.from(head), bytes]));
  };

  const carryOut = async (order: Order): Promise<unknown> => {
    switch (order.type) {
      case 'begin': {
        const bench = `bench${++benches}`;
        begun.set(bench, origin.requests.length);
        return { bench, deserted: `${deserted.url}/` };
      }
      case 'url':
        return (raw.has(at(order)) ? bare.url : origin.url) + at(order);
      case 'put':
        return put(order) ?? null;
      case 'mishap':
        return origin.script(at(order), behaviourOf(order.mishap)) ?? null;
      case 'asked':
        return origin.requestsOf(at(order)).map(askedBy);
      case 'arrival':
        await origin.arrival(at(order));
        return null;
      case 'departure': {
        const outcome = await (await origin.arrival(at(order))).finished;
        if (outcome !== 'stalled' && outcome !== 'left')
          throw new Error(`the client of ${order.path} did not leave: ${outcome}`);
        return null;
      }
      case 'redirect':
        return origin.script(at(order), redirectTo(at({ ...order, path: order.target }), order.status)) ?? null;
      case 'abroad':
        return origin.script(at(order), redirectTo(abroad.put('/abroad', bytesOf(order.bytes)))) ?? null;
      case 'count':
        return origin.requests.length - (begun.get(order.bench) ?? 0);
      default:
        throw order satisfies never;
    }
  };

  const server = createServer((request, response) => {
    textOf(request)
      .then((text) => carryOut(JSON.parse(text) as Order))
      .then(
        (answer) => response.writeHead(200, OPEN).end(JSON.stringify(answer)),
        (error: unknown) => response.writeHead(500, OPEN).end(String(error)),
      );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin,
    control: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await Promise.all([origin.close(), abroad.close(), bare.close()]);
    },
  };
}
