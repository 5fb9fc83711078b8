import { rangeText } from '@lading/core';
import { FaultError, type Fetcher, type FetchRequest, type FetchResponse } from '@lading/runtime';
import { bodyOf } from './http-body.js';
import { isForeign, unanswered, unplaced } from './http-fault.js';

/**
 * HTTP over `fetch`. Every first request carries `Range: bytes=0-`, because only then a browser asks for identity encoding. To other origins
 * no header goes that would make the browser ask for leave first: no `If-Range`, no `Cache-Control`. Redirects, their bound and their schemes
 * are the browser's. Never retries; timeouts are the runtime's, by the signal.
 */
export class WebFetcher implements Fetcher {
  readonly isRangeFirst = true;

  async fetch(wanted: FetchRequest, signal: AbortSignal): Promise<FetchResponse> {
    signal.throwIfAborted();
    const url = absolute(wanted.url);
    try {
      // The runtime aborts for reasons of its own; the browser rejects with that very reason.
      const response = await fetch(url, {
        headers: headersOf(wanted, url),
        // The browser's own cache would keep every byte twice, and cut an open range into others.
        cache: wanted.isFresh ? 'reload' : 'no-store',
        credentials: 'omit',
        signal,
      });
      return told(wanted, url, response, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof FaultError) throw error;
      const fault = await unanswered(error, url, signal);
      signal.throwIfAborted();
      throw fault;
    }
  }
}

function absolute(url: string): string {
  if (URL.canParse(url)) return url;
  const message = `${url}: a relative URL needs a catalog that was loaded from an address`;
  throw FaultError.of('manifestError', 'relativeUrl', message);
}

function headersOf({ from, to, ifRange }: FetchRequest, url: string): Record<string, string> {
  return {
    ...(from === null ? {} : { range: rangeText(from, to) }),
    ...(from === null || ifRange === null || isForeign(url) ? {} : { 'if-range': ifRange }),
  };
}

function told(wanted: FetchRequest, url: string, response: Response, signal: AbortSignal): FetchResponse {
  const headers: Record<string, string> = Object.fromEntries(response.headers);
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') {
    // The browser has undone the encoding: what it says of the encoded bytes does not hold for those that are read.
    delete headers['content-encoding'];
    delete headers['content-length'];
  }
  if (response.status === 206 && headers['content-range'] === undefined && response.type === 'cors') {
    const announcedBytes = numberIn(headers['content-length']);
    if (announcedBytes === null || wanted.from === null) throw unplaced(url);
    // Hidden, not missing: an open-ended range ends with the file, and what came is held against its digest all the same.
    const endBytes = wanted.from + announcedBytes;
    headers['content-range'] = `bytes ${wanted.from}-${endBytes - 1}/${wanted.to === undefined ? endBytes : '*'}`;
  }
  return { status: response.status, headers, body: bodyOf(response, url, signal) };
}

const numberIn = (text: string | undefined): number | null =>
  text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : null;
