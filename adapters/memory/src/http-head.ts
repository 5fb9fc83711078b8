import { originOf } from '@lading/core';
import type { FetchRequest } from '@lading/runtime';
import type { NetworkFault, Resource } from './resource.js';

export interface ServedHead {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Uint8Array;
  /** Where in the resource they begin. */
  readonly from: number;
}

const NOTHING = new Uint8Array(0);

/** Whether `If-Range` lets the range through (RFC 9110 §13.1.5): exactly the strong tag, or exactly the date. */
function isSame(ifRange: string | null, resource: Resource): boolean {
  if (ifRange === null) return true;
  if (ifRange.startsWith('"')) return ifRange === resource.etag;
  return !ifRange.startsWith('W/') && ifRange === resource.lastModified;
}

function served(request: FetchRequest, resource: Resource | undefined, faults: readonly NetworkFault[]): ServedHead {
  if (resource === undefined) return { status: 404, headers: {}, bytes: NOTHING, from: 0 };
  const { bytes } = resource;
  const { from, to, ifRange } = request;
  const told: Record<string, string> = resource.hasRanges ? { 'accept-ranges': 'bytes' } : {};
  if (resource.etag !== null) told['etag'] = resource.etag;
  if (resource.lastModified !== null) told['last-modified'] = resource.lastModified;
  const ignores = (type: NetworkFault['type']) => faults.some((fault) => fault.type === type);
  const isRange =
    from !== null &&
    resource.hasRanges &&
    !ignores('ignoreRange') &&
    (ignores('ignoreIfRange') || isSame(ifRange, resource));
  if (!isRange) return { status: 200, headers: told, bytes, from: 0 };
  if (from >= bytes.length)
    return { status: 416, headers: { ...told, 'content-range': `bytes */${bytes.length}` }, bytes: NOTHING, from };
  const end = Math.min(to ?? bytes.length, bytes.length);
  return {
    status: 206,
    headers: { ...told, 'content-range': `bytes ${from}-${end - 1}/${bytes.length}` },
    bytes: bytes.subarray(from, end),
    from,
  };
}

/** Where a request is sent instead, or null. */
function wayOf(fault: NetworkFault, url: string): string | null {
  if (fault.type === 'redirect') return fault.location;
  if (fault.type === 'moved') return fault.origin + url.slice((originOf(url) ?? '').length);
  if (fault.type !== 'maze') return null;
  const [, path = url, hops = '0'] = /^(.*?)(?:[?]hop=(\d+))?$/.exec(url) ?? [];
  return `${path}?hop=${Number(hops) + 1}`;
}

function without(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== ''));
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/** What a server answers: GET with one range (RFC 9110 §14), and then what was ordered to be wrong with it. */
export function headOf(
  request: FetchRequest,
  resource: Resource | undefined,
  faults: readonly NetworkFault[],
  now: number,
): ServedHead {
  let { status, headers, bytes, from: begin } = served(request, resource, faults);
  headers = {
    date: new Date(now).toUTCString(),
    'content-length': String(bytes.length),
    ...headers,
    ...resource?.headers,
  };
  for (const fault of faults) {
    const location = wayOf(fault, request.url);
    if (location !== null && 'status' in fault) {
      bytes = NOTHING;
      status = fault.status;
      headers = { date: new Date(now).toUTCString(), 'content-length': '0', location };
    } else if (fault.type === 'status') {
      bytes = fault.bytes ?? NOTHING;
      status = fault.status;
      headers = { date: new Date(now).toUTCString(), 'content-length': String(bytes.length), ...fault.headers };
    } else if (fault.type === 'headers') headers = { ...headers, ...fault.headers };
    else if (fault.type === 'excess') bytes = joined(bytes, fault.bytes);
    else if (fault.type === 'flip' && fault.atByte >= begin && fault.atByte - begin < bytes.length) {
      bytes = Uint8Array.from(bytes);
      bytes[fault.atByte - begin] = (bytes[fault.atByte - begin] ?? 0) ^ 1;
    }
  }
  return { status, headers: without(headers), bytes, from: begin };
}
