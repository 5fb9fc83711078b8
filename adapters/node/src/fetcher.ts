import { isLoopbackHost, redactUrl } from '@lading/core';
import { FaultError, type Fetcher, type FetchRequest, type FetchResponse } from '@lading/runtime';
import type { Dispatcher } from 'undici';
import { isInward } from './address.js';
import { bodyOf } from './http-body.js';
import type { HttpClient } from './http-client.js';
import { httpFault } from './http-fault.js';

/** Hops that are followed; RFC 9110 §15.4 asks for a bound. */
const MAX_HOPS = 5;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

function isHop({ status, headers }: Pick<FetchResponse, 'status' | 'headers'>): boolean {
  return REDIRECTS.has(status) && headers.location !== undefined;
}

export interface FetcherOptions {
  /** Headers for one origin each, such as a token; they are sent to that origin only. */
  readonly headers?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Allows `http:` to hosts that are not loopback. */
  readonly allowHttp?: boolean;
}

/**
 * HTTP over undici, with its own redirect loop: `fetch` forwards custom headers to other origins and decodes encodings that were not asked
 * for. Never retries; timeouts are the runtime's, by the signal.
 */
export class UndiciFetcher implements Fetcher {
  readonly isRangeFirst = false;
  private client: Promise<HttpClient> | null = null;
  private readonly secrets: readonly string[];

  constructor(private readonly options: FetcherOptions = {}) {
    const values = Object.values(options.headers ?? {}).flatMap((headers) => Object.values(headers));
    // A token is also recognised without the scheme in front of it.
    this.secrets = [...new Set(values.flatMap((value) => [value, value.replace(/^\S+\s+/, '')]))].filter(
      (value) => value.length >= 4,
    );
  }

  readonly redact = (text: string): string =>
    this.secrets.reduce((clean, secret) => clean.replaceAll(secret, '[redacted]'), text);

  /** Loaded with the first request: whoever only looks into a depot does not pay for an HTTP client. */
  private connect(): Promise<HttpClient> {
    this.client ??= import('./http-client.js').then(({ HttpClient }) => new HttpClient());
    return this.client;
  }

  async close(): Promise<void> {
    await (await this.client)?.close();
  }

  async fetch(wanted: FetchRequest, signal: AbortSignal): Promise<FetchResponse> {
    const home = this.parse(wanted.url, wanted.url);
    let url = home;
    let isHome = true;
    for (let hop = 0; ; hop++) {
      const subject = this.redact(redactUrl(url.href));
      const headers = { ...this.standardHeaders(wanted), ...(isHome ? this.options.headers?.[url.origin] : {}) };
      const client = await this.connect();
      const dispatcher = isHome || isLoopbackHost(home.hostname) ? client.own : client.guarded;
      const response = await this.send(client, url, headers, dispatcher, signal, subject);
      const location = response.headers.location;
      if (!isHop(response) || location === undefined) return response;
      await response.drop();
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
      FaultError.of(
        'serverError',
        detail,
        `${redactUrl(from.href)} redirects to ${this.redact(redactUrl(location))}: ${why}`,
      );
    const next = URL.canParse(location, from.href) ? new URL(location, from.href) : null;
    if (next === null) throw refuse('redirectRefused', 'that is no URL');
    if (next.protocol !== 'https:' && next.protocol !== 'http:')
      throw refuse('schemeRefused', `the scheme ${next.protocol} is refused`);
    if (next.username !== '' || next.password !== '')
      throw refuse('redirectRefused', 'it holds a user name or password');
    if (from.protocol === 'https:' && next.protocol === 'http:')
      throw refuse('redirectRefused', 'it would leave encryption');
    if (next.protocol === 'http:' && !this.options.allowHttp && !isLoopbackHost(next.hostname)) {
      throw refuse('redirectRefused', 'http: is allowed to loopback addresses only');
    }
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
      ...(wanted.from === null ? {} : { range: `bytes=${wanted.from}-` }),
      ...(wanted.ifRange === null || wanted.from === null ? {} : { 'if-range': wanted.ifRange }),
      ...(wanted.isFresh ? { 'cache-control': 'no-cache' } : {}),
    };
  }

  private joined(raw: Record<string, string | string[] | undefined>): Record<string, string> {
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(raw)) {
      if (value === undefined) continue;
      const text = Array.isArray(value) ? value.join(', ') : value;
      // A location is where to go next, not something to show: it stays as it is, and is redacted in messages.
      headers[name.toLowerCase()] = name.toLowerCase() === 'location' ? text : this.redact(text);
    }
    return headers;
  }

  private async send(
    client: HttpClient,
    url: URL,
    headers: Record<string, string>,
    dispatcher: Dispatcher,
    signal: AbortSignal,
    subject: string,
  ): Promise<FetchResponse & { drop: () => Promise<void> }> {
    try {
      const {
        statusCode,
        headers: raw,
        body,
      } = await client.request(url.href, { method: 'GET', headers, dispatcher, signal });
      // An aborted body emits its error also when nobody reads it any more.
      body.on('error', () => undefined);
      const drop = async () => {
        // A body that is small is read to its end so that the connection can serve again; otherwise the connection goes.
        await body.dump({ limit: 16 * 1024, signal }).catch(() => undefined);
      };
      const answer = { status: statusCode, headers: this.joined(raw), drop };
      return isHop(answer) ? { ...answer, body } : { ...answer, body: bodyOf(body, signal, subject) };
    } catch (error) {
      signal.throwIfAborted();
      throw httpFault(error, subject, false);
    }
  }
}
