import { isLoopbackHost, locationIn, MAX_HOPS, rangeText, readHop, redactUrl } from '@lading/core';
import {
  type Credentials,
  FaultError,
  type Fetcher,
  type FetchRequest,
  type FetchResponse,
  redactHeaders,
} from '@lading/runtime';
import type { Dispatcher } from 'undici';
import { isInward } from './address.js';
import { bodyOf } from './http-body.js';
import type { HttpClient } from './http-client.js';
import { httpFault } from './http-fault.js';
import { Secrets } from './secrets.js';

export interface FetcherOptions {
  /** Headers for one origin each, such as a token; they are sent to that origin only. */
  readonly headers?: Credentials;
  /** Allows `http:` to hosts that are not loopback. */
  readonly allowHttp?: boolean;
}

/**
 * HTTP over undici, with its own redirect loop: `fetch` forwards custom headers to other origins and decodes encodings that were not asked
 * for. Never retries; timeouts are the runtime's, by the signal.
 */
export class UndiciFetcher implements Fetcher {
  readonly isRangeFirst = false;
  readonly connections = 8;
  private client: Promise<HttpClient> | null = null;
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
    await (await this.client)?.close();
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
      const subject = redactUrl(url.href);
      const credentials = isHome ? this.options.headers?.[url.origin] : undefined;
      const headers = { ...this.standardHeaders(wanted), ...credentials };
      const client = await this.connect();
      const dispatcher = isHome || isLoopbackHost(home.hostname) ? client.own : client.guarded;
      spent.requests++;
      const response = await this.send(client, url, headers, dispatcher, signal, this.redact(subject));
      const location = locationIn(response);
      if (location === null) {
        const body = this.secrets.isEmpty ? response.body : this.secrets.watch(response.body, this.redact(subject));
        return { ...response, body, requests: spent.requests, ...(redirect === undefined ? {} : { redirect }) };
      }
      if (isHome) redirect = response.headers;
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

  private joined(raw: Record<string, string | string[] | undefined>): Record<string, string> {
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(raw)) {
      if (value !== undefined) headers[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value;
    }
    return redactHeaders(headers, this.redact);
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
      return locationIn(answer) !== null ? { ...answer, body } : { ...answer, body: bodyOf(body, signal, subject) };
    } catch (error) {
      signal.throwIfAborted();
      throw httpFault(error, subject, false);
    }
  }
}
