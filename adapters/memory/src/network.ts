import { type Fault, redactUrl } from '@lading/core';
import { FaultError, type Fetcher, type FetchRequest, type FetchResponse } from '@lading/runtime';
import type { VirtualClock } from './clock.js';
import { headOf } from './http-head.js';
import type { NetworkFault, Resource } from './resource.js';

export interface LoggedRequest extends FetchRequest {
  readonly at: number;
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

  async fetch(request: FetchRequest, signal: AbortSignal): Promise<FetchResponse> {
    signal.throwIfAborted();
    const log: LoggedRequest = { ...request, at: this.clock.now(), status: 0, bytes: 0 };
    this.requests.push(log);
    const faults = this.faultsFor(request.url);
    const resource = this.resources.get(request.url);
    await this.clock.wait(resource?.latencyMs ?? ORDINARY.latencyMs, signal);
    for (const fault of faults) {
      if (fault.type === 'silence') await hang(signal);
      if (fault.type === 'refuse') throw new FaultError(fault.fault ?? refusal(request.url));
    }
    const head = headOf(request, resource, faults, this.clock.now());
    log.status = head.status;
    return {
      status: head.status,
      headers: head.headers,
      body: this.send(log, head.bytes, resource ?? { ...ORDINARY }, faults, signal),
    };
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
    for (let at = 0; at < body.length; at += chunkBytes) {
      await this.clock.wait(chunkMs, signal);
      const chunk = body.slice(at, at + chunkBytes);
      log.bytes += chunk.length;
      yield chunk;
      // It was the reader's until now: who still looks at it finds what a socket's next read would have left there.
      chunk.fill(0xaa);
    }
    signal.throwIfAborted();
    if (end?.type === 'stall') await hang(signal);
    if (end?.type === 'drop') {
      throw FaultError.of(
        'interrupted',
        'ECONNRESET',
        `${redactUrl(log.url)}: the connection was reset after ${body.length} bytes`,
      );
    }
  }
}

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
