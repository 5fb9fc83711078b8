import { isLoopbackHost, locationIn, MAX_HOPS, rangeText, readHop, redactUrl } from '@lading/core';
import {
  type Credentials,
  FaultError,
  type Fetcher,
  type FetchRequest,
  type FetchResponse,
  redactHeaders,
} from '@lading/runtime';
import { isInward } from './address.js';
import type { Reply } from './connection.js';
import type { HttpClient } from './http-client.js';
import { httpFault } from './http-fault.js';
import { ProxyRefusal, type ProxyServer, proxyFor } from './proxy.js';
import { Secrets } from './secrets.js';

export interface FetcherOptions {
  /** Headers for one origin each, such as a token; they are sent to that origin only. */
  readonly headers?: Credentials;
  /** Allows `http:` to hosts that are not loopback. */
  readonly allowHttp?: boolean;
}

/**
 * HTTP with its own redirect loop: `fetch` forwards custom headers to other origins and decodes encodings that were not asked
 * for. Goes through the proxies that the environment names. Never retries; timeouts are the runtime's, by the signal.
 */
export class HttpFetcher implements Fetcher {
  readonly isRangeFirst = false;
  readonly connections = 8;
  private client: Promise<HttpClient> | null = null;
  /** As it was: to ask the process for it again with each request is slow. */
  private readonly environment = { ...process.env };
  /** By origin, as the environment has them. */
  private readonly proxies = new Map<string, ProxyServer | null>();
  private readonly secrets: Secrets;
  readonly redact: (text: string) => string;

  constructor(private readonly options: FetcherOptions = {}) {
    this.secrets = new Secrets(options.headers ?? {});
    this.redact = this.secrets.redact;
  }

  /** Loaded with the first request: whoever only looks into a depot does not pay for an HTTP client. */
  private connect(): Promise<HttpClient> {
    this.client ??= import('./http-client.js').then(({ HttpClient }) => new HttpClient());
    return this.client;
  }

  async close(): Promise<void> {
    (await this.client)?.close();
  }

  async fetch(wanted: FetchRequest, signal: AbortSignal): Promise<FetchResponse> {
    const spent = { requests: 0 };
    try {
      return await this.follow(wanted, signal, spent);
    } catch (error) {
      signal.throwIfAborted();
      const safe = this.secrets.clean(error);
      if (!(safe instanceof FaultError)) throw safe;
      throw new FaultError({ ...safe.fault, requests: spent.requests }, { cause: safe.cause, owner: safe.owner });
    }
  }

  private async follow(wanted: FetchRequest, signal: AbortSignal, spent: { requests: number }): Promise<FetchResponse> {
    const home = this.parse(wanted.url, wanted.url);
    let url = home;
    let isHome = true;
    let redirect: FetchResponse['redirect'];
    for (let hop = 0; ; hop++) {
      const subject = this.redact(redactUrl(url.href));
      const credentials = isHome ? this.options.headers?.[url.origin] : undefined;
      const asked = { ...this.standardHeaders(wanted), ...credentials };
      const isGuarded = !isHome && url.hostname !== home.hostname && !isLoopbackHost(home.hostname);
      spent.requests++;
      const { status, headers: told, body } = await this.send(url, asked, isGuarded, signal, subject);
      const headers = this.secrets.isEmpty ? told : redactHeaders(told, this.redact);
      const location = locationIn({ status, headers });
      if (location === null) {
        const bytes = body.read(signal, subject);
        const safe = this.secrets.isEmpty ? bytes : this.secrets.watch(bytes, subject);
        const response = { status, headers, body: safe, requests: spent.requests };
        return redirect === undefined ? response : { ...response, redirect };
      }
      if (isHome) redirect = headers;
      body.drop();
      if (hop >= MAX_HOPS)
        throw FaultError.of('serverError', 'redirectLoop', `${redactUrl(home.href)}: more than ${MAX_HOPS} redirects`);
      const next = this.judgeHop(url, home, location);
      // A credential never returns after a hop away, not even to its own origin.
      isHome &&= next.origin === home.origin;
      url = next;
    }
  }

  private parse(text: string, from: string): URL {
    try {
      return new URL(text);
    } catch {
      throw FaultError.of(
        'manifestError',
        'relativeUrl',
        `${from}: a relative URL needs a catalog that was loaded from an address`,
      );
    }
  }

  private judgeHop(from: URL, home: URL, location: string): URL {
    const refuse = (detail: string, why: string) =>
      FaultError.of('serverError', detail, `${redactUrl(from.href)} redirects to ${redactUrl(location)}: ${why}`);
    const hop = readHop(location, from.href, { allowHttp: this.options.allowHttp ?? false });
    if (!hop.ok) throw refuse(hop.detail, hop.reason);
    const next = new URL(hop.url);
    const isInside = isLoopbackHost(next.hostname) || isInward(next.hostname);
    if (isInside && next.hostname !== home.hostname && !isLoopbackHost(home.hostname)) {
      throw refuse('addressRefused', 'it leads to an inward address');
    }
    return next;
  }

  private standardHeaders(wanted: FetchRequest): Record<string, string> {
    return {
      accept: '*/*',
      'accept-encoding': 'identity',
      'user-agent': 'lading',
      ...(wanted.from === null ? {} : { range: rangeText(wanted.from, wanted.to) }),
      ...(wanted.ifRange === null || wanted.from === null ? {} : { 'if-range': wanted.ifRange }),
      ...(wanted.isFresh ? { 'cache-control': 'no-cache' } : {}),
    };
  }

  private proxyOf(url: URL): ProxyServer | null {
    const known = this.proxies.get(url.origin);
    if (known !== undefined) return known;
    const proxy = proxyFor(url, this.environment);
    this.proxies.set(url.origin, proxy);
    return proxy;
  }

  private async send(
    url: URL,
    headers: Readonly<Record<string, string>>,
    isGuarded: boolean,
    signal: AbortSignal,
    subject: string,
  ): Promise<Reply> {
    let proxy: ProxyServer | null = null;
    try {
      proxy = this.proxyOf(url);
      const client = await this.connect();
      const reply = await client.ask({ url, headers, isGuarded, proxy, signal });
      // In a tunnel the proxy has no word any more: there it is the origin that says so.
      if (reply.status !== 407 || proxy === null || url.protocol !== 'http:') return reply;
      reply.body.drop();
      throw new ProxyRefusal(proxy, reply.status);
    } catch (error) {
      signal.throwIfAborted();
      throw httpFault(error, proxy === null ? subject : `${subject} through the proxy ${proxy.name}`, false);
    }
  }
}
