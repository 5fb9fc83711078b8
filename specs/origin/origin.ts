/**
 * An HTTP origin for tests, on a loopback port of its own: correct by default, wrong exactly where a script says so, with a
 * log of all that was asked and sent. Tests wait for its events (a gate, an arrival, an outcome) and never sleep.
 * For what is no HTTP at all, take `raw-origin.ts`.
 */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, Server as SecureServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { type Asked, answer, type Resource } from './answer.js';
import { always, type Behaviour, type Rule, strongEtagOf } from './behaviour.js';
import { deliver, type Outcome, plainDelivery } from './delivery.js';
import type { Identity } from './identity.js';

export interface LoggedRequest {
  /** The place among all requests of this origin, from 1. */
  readonly at: number;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** With the query. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** Names and values as they came, alternating: here a header that was sent twice can be told. */
  readonly rawHeaders: readonly string[];
  readonly range: string | null;
  /** Of the connection it came on, from 1. */
  readonly connection: number;
  /** Null until a head is sent. */
  readonly status: number | null;
  /** Bytes of the body that the origin's system has taken; the client may have read fewer. */
  readonly bytesSent: number;
  readonly outcome: Outcome | 'open';
  /** Resolves when the origin has nothing more to send for this request, for whatever reason. */
  readonly finished: Promise<Outcome>;
}

export interface Origin extends AsyncDisposable {
  /** Without a slash at the end. */
  readonly url: string;
  readonly requests: readonly LoggedRequest[];
  /** Sets what a path serves and gives its URL. Without a tag it gets a strong one of its content; null sends none. */
  put(path: string, bytes: Uint8Array, options?: PutOptions): string;
  /**
   * Replaces what goes wrong at a path; a bare behaviour holds always. The path's requests count from 1 anew.
   * All rules that fit a request apply, in their order.
   */
  script(path: string, ...rules: readonly (Rule | Behaviour)[]): void;
  requestsOf(path: string): readonly LoggedRequest[];
  /** Resolves with the n-th request of a path, counted from the origin's start, when it arrives or at once. */
  arrival(path: string, n?: number): Promise<LoggedRequest>;
  /** To every new connection it is somebody else. Only of an origin that speaks TLS. */
  become(identity: Identity): void;
  /** Ends all connections, stalled ones too. */
  close(): Promise<void>;
}

export interface PutOptions {
  readonly etag?: string | null;
  readonly lastModified?: Date | null;
  readonly contentType?: string;
}

export interface OriginOptions {
  /** Sent with every reply, for instance what lets pages read it. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Who it is to those who speak TLS; without one it speaks none. */
  readonly identity?: Identity;
}

type Entry = { -readonly [K in keyof LoggedRequest]: LoggedRequest[K] };

interface Script {
  readonly rules: readonly Rule[];
  asked: number;
}

/** Long ago, so that it is a strong validator; the same in every run. */
const defaultModified = new Date('2020-01-01T00:00:00Z');

export async function startOrigin(options: OriginOptions = {}): Promise<Origin> {
  const resources = new Map<string, Resource>();
  const scripts = new Map<string, Script>();
  const log: Entry[] = [];
  const waiting = new Set<() => void>();
  /** By the port of the client, which tells what is TLS and what it runs on to be one. */
  const connections = new Map<number, { readonly socket: Socket; readonly number: number }>();
  let connected = 0;

  const requestsOf = (path: string): LoggedRequest[] => log.filter((entry) => entry.path === path);

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Taken now: node:http clears `response.socket` when the reply ends.
    const { socket } = request;
    const carrier = connections.get(socket.remotePort ?? 0);
    const url = request.url ?? '/';
    const asked: Asked = {
      method: request.method ?? '',
      url,
      path: url.split('?')[0] ?? url,
      headers: request.headers,
    };
    let finish!: (outcome: Outcome) => void;
    const entry: Entry = {
      at: log.length + 1,
      ...asked,
      rawHeaders: request.rawHeaders,
      range: request.headers.range ?? null,
      connection: carrier?.number ?? 0,
      status: null,
      bytesSent: 0,
      outcome: 'open',
      finished: new Promise((resolve) => {
        finish = resolve;
      }),
    };
    log.push(entry);
    const behaviours = behavioursFor(scripts.get(asked.path));
    for (const look of [...waiting]) look();

    let resource = resources.get(asked.path) ?? null;
    for (const behaviour of behaviours) if (resource !== null) resource = behaviour.resource?.(resource) ?? resource;
    let reply = answer(resource, asked);
    reply = { ...reply, headers: { ...options.headers, ...reply.headers } };
    for (const behaviour of behaviours) reply = behaviour.reply?.(reply, asked, resource) ?? reply;
    const delivery = behaviours.reduce((before, behaviour) => behaviour.delivery?.(before) ?? before, plainDelivery);

    entry.outcome = await deliver({
      response,
      socket,
      carrier: carrier?.socket ?? socket,
      method: asked.method,
      reply,
      delivery,
      onHead: () => {
        entry.status = reply.status;
      },
      onSent: (bytes) => {
        entry.bytesSent += bytes;
      },
    });
    finish(entry.outcome);
  }

  const listen = (request: IncomingMessage, response: ServerResponse): void => {
    // A mistake in a script is a mistake in the test: let it surface as an unhandled rejection instead of a hanging client.
    void serve(request, response);
  };
  const { identity } = options;
  const server = identity === undefined ? createServer(listen) : createSecureServer(identity, listen);
  // An idle connection that the origin closes by itself would look like a fault to whoever is just using it again.
  server.keepAliveTimeout = 0;
  server.on('connection', (socket) => {
    connected += 1;
    const { remotePort = 0 } = socket;
    connections.set(remotePort, { socket, number: connected });
    socket.once('close', () => connections.delete(remotePort));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  const url = `${identity === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    for (const { socket } of connections.values()) socket.destroy();
    await closed;
  };

  return {
    url,
    requests: log,
    put: (path, bytes, { etag = strongEtagOf(bytes), lastModified = defaultModified, contentType } = {}) => {
      checkPath(path);
      resources.set(path, {
        bytes,
        etag,
        lastModified,
        contentType: contentType ?? 'application/octet-stream',
        contentEncoding: null,
        acceptsRanges: true,
      });
      return url + path;
    },
    script: (path, ...rules) => {
      checkPath(path);
      scripts.set(path, { rules: rules.map((rule) => ('behaviours' in rule ? rule : always(rule))), asked: 0 });
    },
    requestsOf,
    arrival: (path, n = 1) =>
      new Promise((resolve) => {
        const look = (): void => {
          const entry = requestsOf(path)[n - 1];
          if (entry === undefined) return;
          waiting.delete(look);
          resolve(entry);
        };
        waiting.add(look);
        look();
      }),
    become: (other) => {
      if (!(server instanceof SecureServer)) throw new Error('an origin without TLS is nobody');
      server.setSecureContext(other);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function behavioursFor(script: Script | undefined): readonly Behaviour[] {
  if (script === undefined) return [];
  script.asked += 1;
  const n = script.asked;
  return script.rules.filter(({ from, to }) => n >= from && n < to).flatMap(({ behaviours }) => behaviours);
}

function checkPath(path: string): void {
  if (!path.startsWith('/')) throw new Error(`a path begins with a slash: ${path}`);
}
