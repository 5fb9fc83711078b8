import { connect as connectPlain, isIP, type OnReadOpts, type Socket } from 'node:net';
import { connect as connectSecure } from 'node:tls';
import { mustLeadOutward, outwardLookup } from './address.js';
import { Connection, type Reply, StaleConnection } from './connection.js';
import { connectionClosed } from './http-fault.js';
import { headersThrough, type ProxyServer } from './proxy.js';

/** How long one address of a name is tried before the next: a satellite link takes more than the quarter of a second that is usual. */
const ADDRESS_MS = 1_000;
/** Idle for longer, a connection may have died without a word: with a network that was left, or while the machine slept. */
const MAX_IDLE_MS = 4_000;
/** What would end a line of a head, or is no byte. */
const UNSENDABLE = /[^\t\x20-\x7e\x80-\xff]/;

export interface Ask {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** For hops that a server of the outside chose: never inward. */
  readonly isGuarded: boolean;
  readonly proxy: ProxyServer | null;
  readonly signal: AbortSignal;
}

/** Where a connection leads: requests with the same place may share one. */
interface Place {
  readonly isSecure: boolean;
  readonly host: string;
  readonly port: number;
  /** Only to addresses outside. */
  readonly isGuarded: boolean;
  /** What carries the connection's bytes without reading them. */
  readonly tunnelled: ProxyServer | null;
}

/**
 * Connections of one depot, kept while they may serve again. Timeouts are the runtime's; here there are none. HTTP/1.1 only: ranges that
 * share one connection gain nothing. Of an environment it knows only what it is told (`proxy.ts`).
 */
export class HttpClient {
  private readonly connections = new Set<Connection>();
  private readonly idle = new Map<Connection, { readonly key: string; readonly since: number }>();
  /** The newest session of TLS by place: the next connection need not begin anew (RFC 8446 §2.2). */
  private readonly sessions = new Map<string, Buffer>();

  private readonly closing = new AbortController();

  /** Resolves with the head of the reply. Never asks twice, but for a request that cannot have been received. */
  async ask(ask: Ask): Promise<Reply> {
    const { signal } = ask;
    // Where there is no connection yet, `close` is heard too.
    const ending = ask.proxy === null ? signal : AbortSignal.any([signal, this.closing.signal]);
    if (ask.isGuarded && ask.proxy !== null) await mustLeadOutward(ask.url.hostname, ending);
    this.mustGoOn(signal);
    const place = placeOf(ask);
    const text = headOf(ask);
    const key = [place.isSecure, place.host, place.port, place.isGuarded, place.tunnelled?.url.href].join(' ');
    const kept = this.kept(key);
    if (kept !== null) {
      try {
        return await kept.ask(text, signal);
      } catch (error) {
        if (!(error instanceof StaleConnection)) throw error;
      }
    }
    const carrier = place.tunnelled === null ? null : await carrierTo(place, place.tunnelled, ending);
    if (ending.aborted) carrier?.destroy();
    this.mustGoOn(signal);
    return await this.connect(place, key, carrier).ask(text, signal);
  }

  private mustGoOn(signal: AbortSignal): void {
    signal.throwIfAborted();
    this.closing.signal.throwIfAborted();
  }

  close(): void {
    this.closing.abort(connectionClosed());
    for (const connection of this.connections) connection.destroy();
  }

  /** The one that served last. By the wall clock, which goes on while a machine sleeps; one that jumps costs no more than a new connection. */
  private kept(key: string): Connection | null {
    const now = Date.now();
    let found: Connection | null = null;
    for (const [connection, { key: place, since }] of this.idle) {
      if (Math.abs(now - since) > MAX_IDLE_MS) connection.destroy();
      else if (place === key) found = connection;
    }
    if (found !== null) this.idle.delete(found);
    return found;
  }

  private connect(place: Place, key: string, carrier: Socket | null): Connection {
    const connection = new Connection({
      open: (reading) => this.open(place, key, carrier, reading),
      isSecure: place.isSecure,
      isCarried: carrier !== null,
      onFree: (free) => {
        free.unref();
        this.idle.set(free, { key, since: Date.now() });
      },
      onClose: (closed) => {
        this.connections.delete(closed);
        this.idle.delete(closed);
        // It may be the session that the other side cannot go on with.
        if (!closed.hasServed) this.sessions.delete(key);
      },
    });
    this.connections.add(connection);
    return connection;
  }

  private open(
    { host, port, isSecure, isGuarded }: Place,
    key: string,
    carrier: Socket | null,
    reading: { readonly onread: OnReadOpts },
  ): Socket {
    const options = {
      host,
      port,
      noDelay: true,
      autoSelectFamilyAttemptTimeout: ADDRESS_MS,
      ...(isGuarded ? { lookup: outwardLookup } : {}),
      ...reading,
    };
    if (!isSecure) return connectPlain(options);
    const session = this.sessions.get(key);
    const socket = connectSecure({
      ...options,
      ...(carrier === null ? {} : { socket: carrier }),
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(session === undefined ? {} : { session }),
      ALPNProtocols: ['http/1.1'],
      // Whatever the environment says (NODE_TLS_REJECT_UNAUTHORIZED): a token would go to whoever asks.
      rejectUnauthorized: true,
    });
    return socket.on('session', (newest) => this.sessions.set(key, newest));
  }
}

/** Loaded with the first tunnel: it brings all of Node's own HTTP. */
async function carrierTo({ host, port }: Place, proxy: ProxyServer, signal: AbortSignal): Promise<Socket> {
  const { tunnel } = await import('./tunnel.js');
  return await tunnel(proxy, host, port, signal);
}

const portOf = ({ port, protocol }: Pick<URL, 'port' | 'protocol'>): number =>
  port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);

function placeOf({ url, isGuarded, proxy }: Ask): Place {
  const isPlain = url.protocol === 'http:';
  const there = (isPlain ? proxy?.url : null) ?? url;
  return {
    isSecure: there.protocol === 'https:',
    host: there.hostname.replace(/^\[|\]$/g, ''),
    port: portOf(there),
    isGuarded: isGuarded && proxy === null,
    tunnelled: isPlain ? null : proxy,
  };
}

/** The head of a request (RFC 9112 §3). Only a plain request is for the proxy itself to read. */
function headOf({ url, headers, proxy }: Ask): string {
  const relay = url.protocol === 'http:' ? proxy : null;
  const target = `${relay === null ? '' : url.origin}${url.pathname}${url.search}`;
  let text = `GET ${target} HTTP/1.1\r\nhost: ${url.host}\r\nconnection: keep-alive\r\n`;
  const all = relay === null ? headers : { ...headers, ...headersThrough(relay) };
  for (const name in all) {
    const value = all[name] as string;
    if (UNSENDABLE.test(name) || UNSENDABLE.test(value))
      throw Object.assign(new TypeError(`the header "${name}" holds what cannot be sent`), {
        code: 'ERR_INVALID_CHAR',
      });
    text += `${name}: ${value}\r\n`;
  }
  return `${text}\r\n`;
}
