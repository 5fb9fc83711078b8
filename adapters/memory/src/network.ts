import { type Fault, locationIn, MAX_HOPS, originOf, readHop, redactUrl } from '@lading/core';
import {
  type Credentials,
  FaultError,
  type Fetcher,
  type FetchRequest,
  type FetchResponse,
  redactHeaders,
  redactorOf,
  spellingsOf,
} from '@lading/runtime';
import type { VirtualClock } from './clock.js';
import { endOfEcho } from './echo.js';
import { headOf, type ServedHead } from './http-head.js';
import type { NetworkFault, Resource } from './resource.js';

export interface LoggedRequest extends FetchRequest {
  readonly at: number;
  /** Redirects that led here. */
  readonly hop: number;
  /** What the program was trusted with for this origin, and sent. */
  readonly credentials: Readonly<Record<string, string>>;
  /** Of the response; 0 if there was none. */
  status: number;
  /** Bytes of the body that were handed over. */
  bytes: number;
}

const ORDINARY = {
  etag: null,
  lastModified: null,
  hasRanges: true,
  headers: {},
  latencyMs: 20,
  chunkBytes: 16 * 1024,
  chunkMs: 1,
} as const;

/** A web of resources that exist only here: correct unless told otherwise, timed by the simulated clock, and with a log of what was asked. */
export class MemoryNetwork implements Fetcher {
  /** As in a browser, where only a range asks for identity encoding. */
  isRangeFirst = false;
  /** Requests that one file may have under way at once. */
  connections = 1;
  /** What the program was trusted with. It is sent to that origin only, and never after a hop away. */
  credentials: Credentials = {};
  readonly requests: LoggedRequest[] = [];
  private readonly resources = new Map<string, Resource>();
  private faults: { url: string; faults: readonly NetworkFault[]; times: number }[] = [];

  constructor(private readonly clock: VirtualClock) {}

  /** Puts a resource under a URL, or another in its place; transfers under way go on with the old bytes. */
  put(url: string, bytes: Uint8Array, options: Partial<Omit<Resource, 'bytes'>> = {}): void {
    this.resources.set(url, {
      ...ORDINARY,
      etag: `"${bytes.length}-${bytes[0] ?? 0}"`,
      ...options,
      bytes: Uint8Array.from(bytes),
    });
  }

  remove(url: string): void {
    this.resources.delete(url);
  }

  /** Orders faults for the next requests of a URL (`*` for any), in order: each order serves `times` requests, default one. */
  fail(url: string, fault: NetworkFault | readonly NetworkFault[], times = 1): void {
    this.faults.push({ url, faults: Array.isArray(fault) ? fault : [fault as NetworkFault], times });
  }

  heal(): void {
    this.faults = [];
  }

  requestsOf(url: string): readonly LoggedRequest[] {
    return this.requests.filter((request) => request.url === url);
  }

  /** Bytes handed over for a URL, in all. */
  bytesOf(url: string): number {
    return this.requestsOf(url).reduce((sum, request) => sum + request.bytes, 0);
  }

  private faultsFor(url: string): readonly NetworkFault[] {
    const order = this.faults.find((each) => (each.url === url || each.url === '*') && each.times > 0);
    if (order === undefined) return [];
    order.times--;
    return order.faults;
  }

  readonly redact = (text: string): string => redactorOf(spellingsOf(this.credentials))(text);

  async fetch(request: FetchRequest, signal: AbortSignal): Promise<FetchResponse> {
    signal.throwIfAborted();
    const spent = { requests: 0 };
    try {
      return await this.follow(request, signal, spent);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof FaultError)) throw error;
      const { fault } = error;
      throw new FaultError({ ...fault, message: this.redact(fault.message), requests: spent.requests });
    }
  }

  private async follow(wanted: FetchRequest, signal: AbortSignal, spent: { requests: number }): Promise<FetchResponse> {
    const home = originOf(wanted.url);
    let { url } = wanted;
    let isHome = true;
    let maze: readonly NetworkFault[] | null = null;
    for (let hop = 0; ; hop++) {
      const faults: readonly NetworkFault[] = maze ?? this.faultsFor(url);
      if (faults.some(({ type }) => type === 'maze')) maze = faults;
      const credentials = (isHome ? this.credentials[originOf(url) ?? ''] : undefined) ?? {};
      const log: LoggedRequest = { ...wanted, url, at: this.clock.now(), hop, credentials, status: 0, bytes: 0 };
      this.requests.push(log);
      spent.requests++;
      const { status, headers, bytes } = await this.answer(log, faults, signal);
      log.status = status;
      const location = locationIn({ status, headers });
      if (location === null) {
        const body = this.send(log, bytes, this.resources.get(url) ?? ORDINARY, faults, signal);
        return { status, headers: redactHeaders(headers, this.redact), body, requests: spent.requests };
      }
      if (hop >= MAX_HOPS) {
        const message = `${redactUrl(wanted.url)}: more than ${MAX_HOPS} redirects`;
        throw FaultError.of('serverError', 'redirectLoop', message);
      }
      const next = readHop(location, url, { allowHttp: false });
      if (!next.ok) {
        const message = `${redactUrl(url)} redirects to ${redactUrl(location)}: ${next.reason}`;
        throw FaultError.of('serverError', next.detail, message);
      }
      url = next.url;
      isHome &&= originOf(url) === home;
    }
  }

  private async answer(
    request: FetchRequest,
    faults: readonly NetworkFault[],
    signal: AbortSignal,
  ): Promise<ServedHead> {
    const resource = this.resources.get(request.url);
    const lateMs = faults.reduce((sum, fault) => sum + (fault.type === 'late' ? fault.ms : 0), 0);
    await this.clock.wait((resource?.latencyMs ?? ORDINARY.latencyMs) + lateMs, signal);
    for (const fault of faults) {
      if (fault.type === 'silence') await hang(signal);
      if (fault.type === 'refuse') throw new FaultError(fault.fault ?? refusal(request.url));
      if (fault.type === 'hangUp') throw reset(request.url, 'before there was an answer');
    }
    return headOf(request, resource, faults, this.clock.now());
  }

  private async *send(
    log: LoggedRequest,
    whole: Uint8Array,
    pace: Pick<Resource, 'chunkBytes' | 'chunkMs'>,
    faults: readonly NetworkFault[],
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const end = faults.find((fault) => fault.type === 'drop' || fault.type === 'cut' || fault.type === 'stall');
    const { chunkBytes, chunkMs } = faults.find((fault) => fault.type === 'pace') ?? pace;
    const body = end === undefined ? whole : whole.subarray(0, end.afterBytes);
    const echo = endOfEcho(body, spellingsOf(this.credentials));
    for (let at = 0; at < body.length; at += chunkBytes) {
      await this.clock.wait(chunkMs, signal);
      const chunk = body.slice(at, at + chunkBytes);
      if (echo !== null && at + chunk.length >= echo) throw echoed(log.url);
      log.bytes += chunk.length;
      yield chunk;
    }
    signal.throwIfAborted();
    if (end?.type === 'stall') await hang(signal);
    if (end?.type === 'drop') throw reset(log.url, `after ${body.length} bytes`);
  }
}

const reset = (url: string, when: string): FaultError =>
  FaultError.of('interrupted', 'ECONNRESET', `${redactUrl(url)}: the connection was reset ${when}`);

const echoed = (url: string): FaultError =>
  FaultError.of(
    'serverError',
    'secretEchoed',
    `${redactUrl(url)}: the server sent back a credential; its reply is not kept`,
  );

const refusal = (url: string): Fault => ({
  type: 'networkUnreachable',
  detail: 'ECONNREFUSED',
  message: `${redactUrl(url)}: connection refused`,
});

/** Never, unless the signal ends it. */
function hang(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
