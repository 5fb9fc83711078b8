/**
 * What a correct origin answers: GET and HEAD of one resource with conditions and a single byte range, after RFC 9110
 * (§8.8 validators, §13 conditions, §14 ranges). Pure; how the reply travels is `delivery.ts`, how it is spoilt `behaviour.ts`.
 * Refuses nothing silently but what the RFC lets it ignore: several ranges, other units and malformed ranges give the whole.
 */
import type { IncomingHttpHeaders } from 'node:http';

export interface Resource {
  readonly bytes: Uint8Array;
  /** With its quotes, and `W/` when weak; null sends none. */
  readonly etag: string | null;
  readonly lastModified: Date | null;
  readonly contentType: string;
  readonly contentEncoding: string | null;
  readonly acceptsRanges: boolean;
}

export interface Asked {
  readonly method: string;
  /** The request target as it came, with its query. */
  readonly url: string;
  /** The target without its query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

/** Half-open: `[from, to)`. */
export interface Part {
  readonly from: number;
  readonly to: number;
}

export interface Reply {
  readonly status: number;
  /** Lower-case names. Content-Length and Transfer-Encoding follow from `framing` and are not written here. */
  readonly headers: Readonly<Record<string, string>>;
  /** Never sent to HEAD, which still gets its Content-Length. */
  readonly body: Uint8Array;
  readonly framing: 'length' | 'chunked' | 'close';
  /** Added to the Content-Length: an origin that lies about it. */
  readonly lengthError: number;
  /** The part that a 206 carries. */
  readonly part: Part | null;
}

/** A reply of our own making; a text body is sent as plain text. */
export function plainReply(
  status: number,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array | string,
): Reply {
  const text = typeof body === 'string';
  return {
    status,
    headers: text && body !== '' ? { 'content-type': 'text/plain; charset=utf-8', ...headers } : headers,
    body: text ? new TextEncoder().encode(body) : body,
    framing: 'length',
    lengthError: 0,
    part: null,
  };
}

/** The 206 that carries one part of the resource; headers are those of the whole. */
export function partialReply(whole: Reply, bytes: Uint8Array, part: Part): Reply {
  const range = `bytes ${part.from}-${part.to - 1}/${bytes.length}`;
  return {
    ...whole,
    status: 206,
    headers: { ...whole.headers, 'content-range': range },
    body: bytes.subarray(part.from, part.to),
    part,
  };
}

export function answer(resource: Resource | null, asked: Asked): Reply {
  if (asked.method !== 'GET' && asked.method !== 'HEAD') return plainReply(405, { allow: 'GET, HEAD' }, '');
  if (resource === null) return plainReply(404, {}, 'no such file');
  const whole = wholeReply(resource);
  const { etag, 'last-modified': modified } = whole.headers;
  const validators = { ...(etag && { etag }), ...(modified && { 'last-modified': modified }) };
  switch (condition(resource, asked.headers)) {
    case 'failed':
      return plainReply(412, validators, '');
    case 'unchanged':
      return plainReply(304, validators, '');
    case 'holds':
      break;
  }
  const { range } = asked.headers;
  // RFC 9110 §14.2: Range has a meaning for GET only.
  if (asked.method === 'HEAD' || range === undefined || !resource.acceptsRanges) return whole;
  if (!ifRangeHolds(resource, asked.headers['if-range'])) return whole;
  const part = partOf(range, resource.bytes.length);
  if (part === 'ignored') return whole;
  if (part === 'unsatisfiable') return plainReply(416, { 'content-range': `bytes */${resource.bytes.length}` }, '');
  return partialReply(whole, resource.bytes, part);
}

function wholeReply(resource: Resource): Reply {
  return {
    ...plainReply(200, {}, resource.bytes),
    headers: {
      'content-type': resource.contentType,
      ...(resource.acceptsRanges && { 'accept-ranges': 'bytes' }),
      ...(resource.etag !== null && { etag: resource.etag }),
      ...(resource.lastModified !== null && { 'last-modified': resource.lastModified.toUTCString() }),
      ...(resource.contentEncoding !== null && { 'content-encoding': resource.contentEncoding }),
    },
  };
}

function partOf(range: string, total: number): Part | 'ignored' | 'unsatisfiable' {
  const found = /^bytes=\s*(\d*)-(\d*)\s*$/i.exec(range);
  const [, first = '', last = ''] = found ?? [];
  if (first === '' && last === '') return 'ignored';
  if (first === '') {
    const from = Math.max(0, total - Number(last));
    return from < total ? { from, to: total } : 'unsatisfiable';
  }
  const from = Number(first);
  const to = last === '' ? total : Math.min(total, Number(last) + 1);
  if (last !== '' && Number(last) < from) return 'ignored';
  return from < total ? { from, to } : 'unsatisfiable';
}

/** RFC 9110 §13.1.5: the strong comparison for a tag, the very same second for a date. */
function ifRangeHolds(resource: Resource, ifRange: string | string[] | undefined): boolean {
  if (ifRange === undefined) return true;
  if (typeof ifRange !== 'string') return false;
  if (ifRange.startsWith('"')) return ifRange === resource.etag;
  // A date is a strong validator only when it lies a second or more before the reply (§8.8.2.2).
  const { lastModified } = resource;
  return lastModified !== null && lastModified.toUTCString() === ifRange && Date.now() - lastModified.getTime() >= 1000;
}

/** The order of RFC 9110 §13.2.2. */
function condition(resource: Resource, headers: IncomingHttpHeaders): 'holds' | 'failed' | 'unchanged' {
  const ifMatch = headers['if-match'];
  if (ifMatch !== undefined) {
    if (!tagsMatch(ifMatch, resource.etag, 'strong')) return 'failed';
  } else if (modifiedAfter(resource, headers['if-unmodified-since']) === true) return 'failed';
  const ifNoneMatch = headers['if-none-match'];
  if (ifNoneMatch !== undefined) return tagsMatch(ifNoneMatch, resource.etag, 'weak') ? 'unchanged' : 'holds';
  return modifiedAfter(resource, headers['if-modified-since']) === false ? 'unchanged' : 'holds';
}

function tagsMatch(list: string, etag: string | null, comparison: 'strong' | 'weak'): boolean {
  if (list.trim() === '*') return true;
  if (etag === null) return false;
  const opaque = (tag: string): string => (comparison === 'weak' ? tag.replace(/^W\//, '') : tag);
  if (comparison === 'strong' && etag.startsWith('W/')) return false;
  return (list.match(/(?:W\/)?"[^"]*"/g) ?? []).some((tag) => opaque(tag) === opaque(etag));
}

/** Undefined when the header is absent or no date, or the resource has none: the condition is then ignored. */
function modifiedAfter(resource: Resource, date: string | undefined): boolean | undefined {
  const since = date === undefined ? Number.NaN : Date.parse(date);
  if (resource.lastModified === null || Number.isNaN(since)) return undefined;
  return Math.floor(resource.lastModified.getTime() / 1000) * 1000 > since;
}
