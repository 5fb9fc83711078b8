import { type ClientRequest, Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { isIP, type Socket } from 'node:net';
import { mustLeadOutward, outwardLookup } from './address.js';
import { IdleConnections, readInLargeSteps } from './connection.js';
import { ReplyBody } from './http-body.js';
import { connectionClosed, ProtocolBreach } from './http-fault.js';
import { headersThrough, type ProxyServer } from './proxy.js';
import { tunnelThrough } from './tunnel.js';

/** Bytes and fields of one response head, and the interim replies that may come before it. */
const MAX_HEADER_BYTES = 64 * 1024;
const MAX_FIELDS = 1_000;
const MAX_INTERIM_REPLIES = 32;
/** How long one address of a name is tried before the next: a satellite link takes more than the quarter of a second that is usual. */
const ADDRESS_MS = 1_000;

export interface Ask {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** For hops that a server of the outside chose: never inward. */
  readonly isGuarded: boolean;
  readonly proxy: ProxyServer | null;
  readonly signal: AbortSignal;
}

export interface Reply {
  readonly status: number;
  /** Lower-case names; repeated headers joined by ", ". */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ReplyBody;
}

/** A connection that had served before and ended without a byte for this request: the server had closed it just then. */
class StaleConnection extends Error {}

interface Pool {
  readonly agent: HttpAgent;
  readonly idle: IdleConnections;
}

/**
 * Connections of one depot, kept while they may serve again. Timeouts are the runtime's; here there are none. HTTP/1.1 only: ranges that
 * share one connection gain nothing. Of an environment it knows only what it is told (`proxy.ts`).
 */
export class HttpClient {
  private readonly pools = new Map<string, Pool>();

  /** Resolves with the head of the reply. Never asks twice, but for a request that cannot have been received. */
  async ask(ask: Ask): Promise<Reply> {
    if (ask.isGuarded && ask.proxy !== null) await mustLeadOutward(ask.url.hostname);
    ask.signal.throwIfAborted();
    try {
      return await this.send(ask, true);
    } catch (error) {
      if (!(error instanceof StaleConnection)) throw error;
      return await this.send(ask, false);
    }
  }

  close(): void {
    for (const { agent } of this.pools.values()) agent.destroy();
    this.pools.clear();
  }

  private send(ask: Ask, isKept: boolean): Promise<Reply> {
    const { url, proxy } = ask;
    // Only a plain request is for the proxy itself to read.
    const relay = url.protocol === 'http:' ? proxy : null;
    const { hostname, port, protocol } = relay?.url ?? url;
    const { agent, idle } = this.pool(ask, protocol === 'https:', isKept);
    idle.dropOld();
    const host = hostname.replace(/^\[|\]$/g, '');
    const request = (protocol === 'https:' ? requestHttps : requestHttp)({
      agent,
      host,
      port: port === '' ? defaultPort(protocol) : port,
      path: relay === null ? url.pathname + url.search : url.origin + url.pathname + url.search,
      headers: { host: url.host, ...ask.headers, ...(relay === null ? {} : headersThrough(relay)) },
      maxHeaderSize: MAX_HEADER_BYTES,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...({ ending: ask.signal } as object),
    });
    // All of them, because they are counted, and not the first two thousand.
    request.maxHeadersCount = 0;
    return replyTo(request, ask.signal);
  }

  private pool({ url, isGuarded, proxy }: Ask, isSecure: boolean, isKept: boolean): Pool {
    const key = [isSecure, isKept, isGuarded && proxy === null, proxy?.url.href].join(' ');
    const known = this.pools.get(key);
    if (known !== undefined) return known;
    const options = {
      keepAlive: isKept,
      autoSelectFamilyAttemptTimeout: ADDRESS_MS,
      // Whatever the environment says (NODE_TLS_REJECT_UNAUTHORIZED): a token would go to whoever asks.
      rejectUnauthorized: true,
      ...(isGuarded && proxy === null ? { lookup: outwardLookup } : {}),
    };
    const agent = isSecure ? new HttpsAgent(options) : new HttpAgent(options);
    const open = agent.createConnection.bind(agent);
    if (proxy !== null && url.protocol === 'https:') agent.createConnection = tunnelThrough(proxy, open);
    else {
      agent.createConnection = (wanted) =>
        readInLargeSteps((reading) => open({ ...wanted, ...reading } as typeof wanted) as Socket);
    }
    const pool = { agent, idle: new IdleConnections(agent) };
    this.pools.set(key, pool);
    return pool;
  }
}

const defaultPort = (protocol: string): number => (protocol === 'https:' ? 443 : 80);

/** The head that a request gets. Whatever else happens to it, now and later, is told once: here, or by the body. */
function replyTo(request: ClientRequest, signal: AbortSignal): Promise<Reply> {
  return new Promise((resolve, reject) => {
    let body: ReplyBody | null = null;
    let interimReplies = 0;
    let bytesBefore = 0;
    const stop = (): void => void request.destroy();
    const breach = (code: string, message: string): void => void request.destroy(new ProtocolBreach(code, message));
    signal.addEventListener('abort', stop, { once: true });
    request.once('socket', (socket) => {
      bytesBefore = socket.bytesRead;
    });
    request.on('error', (error) => {
      body?.break(error);
      const isUnheard = request.reusedSocket && (request.socket as Socket | null)?.bytesRead === bytesBefore;
      const isOurs = signal.aborted || error instanceof ProtocolBreach;
      reject(isUnheard && !isOurs ? new StaleConnection('', { cause: error }) : error);
    });
    request.on('information', () => {
      if (++interimReplies > MAX_INTERIM_REPLIES) breach('interimReplies', 'interim replies without end');
    });
    request.once('upgrade', (_, socket: Socket) => {
      socket.destroy();
      reject(new ProtocolBreach('http101', 'the server wants to speak another protocol'));
    });
    request.once('response', (message) => {
      body = new ReplyBody(message);
      if (message.rawHeaders.length / 2 > MAX_FIELDS) return breach('headers', `more than ${MAX_FIELDS} headers`);
      resolve({ status: message.statusCode ?? 0, headers: headersOf(message), body });
    });
    request.once('close', () => {
      signal.removeEventListener('abort', stop);
      if (body === null) reject(connectionClosed());
    });
    request.end();
  });
}

function headersOf({ rawHeaders }: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = Object.create(null);
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] as string).toLowerCase();
    const value = rawHeaders[i + 1] as string;
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
  }
  return headers;
}
