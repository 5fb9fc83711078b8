import type { Catalog, Content } from '@lading/core';
import { FaultError, type Fetcher, type FetchRequest, type FetchResponse } from '@lading/runtime';
import type { HubAddress } from './address.js';
import type { CachedCopy, HubCache } from './cache.js';
import type { Reference } from './reference.js';

interface Wanted {
  readonly reference: Reference;
  readonly contents: readonly Content[];
}

/**
 * A fetcher that answers for files of the hub from the hub's cache on this machine, as a server would that sends the whole file: the bytes go the
 * same way and are proven as any others. A copy that was wrong once is not offered again, because then fresh bytes are asked for.
 */
export class CachedFetcher implements Fetcher {
  readonly isRangeFirst: boolean;
  readonly connections: number;
  readonly redact: (text: string) => string;
  private readonly wanted = new Map<string, Wanted>();
  private readonly spoilt = new Set<string>();

  constructor(
    private readonly next: Fetcher,
    private readonly cache: HubCache,
    catalog: Catalog,
    address: HubAddress,
  ) {
    this.isRangeFirst = next.isRangeFirst;
    this.connections = next.connections ?? 1;
    this.redact = (text) => next.redact?.(text) ?? text;
    for (const { urls, contents } of [...catalog.cores()].flatMap(({ files }) => files)) {
      for (const url of urls) {
        const reference = address.referenceOf(url);
        if (reference !== null) this.wanted.set(url, { reference, contents });
      }
    }
  }

  async fetch(request: FetchRequest, signal: AbortSignal): Promise<FetchResponse> {
    const copy = request.isFresh ? null : await this.copyOf(request.url);
    return copy === null ? await this.next.fetch(request, signal) : this.served(copy, signal);
  }

  private async copyOf(url: string): Promise<CachedCopy | null> {
    const wanted = this.wanted.get(url);
    if (wanted === undefined) return null;
    const copy = await this.cache.find(wanted.reference, wanted.contents);
    return copy === null || this.spoilt.has(copy.path) ? null : copy;
  }

  /** Always the whole, also where a part was asked for: what another source began is then dropped, and nothing is sent for it. */
  private served(copy: CachedCopy, signal: AbortSignal): FetchResponse {
    const headers = { 'content-length': String(copy.sizeBytes), 'content-type': 'application/octet-stream' };
    return { status: 200, headers, body: this.bytesOf(copy, signal), requests: 0 };
  }

  private async *bytesOf(copy: CachedCopy, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const chunk of this.cache.read(copy)) {
        signal.throwIfAborted();
        yield chunk;
      }
    } catch (error) {
      signal.throwIfAborted();
      this.spoilt.add(copy.path);
      const why = error instanceof Error ? error.message : String(error);
      throw FaultError.of('interrupted', 'hubCache', `the copy in the hub's cache, ${copy.path}: ${why}`, {}, error);
    }
  }
}
