/**
 * What an origin may do wrong, one small named function each. A behaviour touches one or more of three things: the resource
 * (before conditions and ranges are judged), the reply (after), the delivery (how the reply travels). They compose in the
 * order in which they are written; a rule says for which requests of a path they hold.
 */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { type Asked, partialReply, plainReply, type Reply, type Resource } from './answer.js';
import { beforeHead, type Cut, type Delivery } from './delivery.js';
import type { Gate } from './gate.js';

export interface Behaviour {
  readonly name: string;
  readonly resource?: (resource: Resource) => Resource;
  /** `resource` is null where nothing was put at the path. */
  readonly reply?: (reply: Reply, asked: Asked, resource: Resource | null) => Reply;
  readonly delivery?: (delivery: Delivery) => Delivery;
}

/** Behaviours for the requests `[from, to)` of a path, counted from 1. */
export interface Rule {
  readonly from: number;
  readonly to: number;
  readonly behaviours: readonly Behaviour[];
}

export function always(...behaviours: readonly Behaviour[]): Rule {
  return { from: 1, to: Number.POSITIVE_INFINITY, behaviours };
}

/** For the n-th request only. */
export function nth(n: number, ...behaviours: readonly Behaviour[]): Rule {
  return { from: n, to: n + 1, behaviours };
}

/** For the n-th request and all after it. */
export function fromNth(n: number, ...behaviours: readonly Behaviour[]): Rule {
  return { from: n, to: Number.POSITIVE_INFINITY, behaviours };
}

/** For the first n requests. */
export function first(n: number, ...behaviours: readonly Behaviour[]): Rule {
  return { from: 1, to: n + 1, behaviours };
}

export function strongEtagOf(bytes: Uint8Array): string {
  return `"${createHash('sha256').update(bytes).digest('hex').slice(0, 32)}"`;
}

// --- The resource is another one ---

/** Other content under the same URL. Without a tag it gets its own; with the old one the origin lies about the change. */
export function changeTo(bytes: Uint8Array, etag: string | null = strongEtagOf(bytes)): Behaviour {
  return { name: 'changeTo', resource: (was) => ({ ...was, bytes, etag, lastModified: dayAfter(was.lastModified) }) };
}

/** All bits of one byte inverted; validators stay, as they do when a disk or a cache rots. */
export function flipByteAt(offset: number): Behaviour {
  const flip = (resource: Resource): Resource => {
    const was = resource.bytes[offset];
    if (was === undefined) throw new RangeError(`no byte ${offset} in ${resource.bytes.length}`);
    const bytes = Uint8Array.from(resource.bytes);
    bytes[offset] = was ^ 0xff;
    return { ...resource, bytes };
  };
  return { name: 'flipByteAt', resource: flip };
}

/** Cut or filled up with zeros, honest about its length, under the same validators. */
export function bodyOfOtherLength(lengthBytes: number): Behaviour {
  const resize = (resource: Resource): Resource => {
    const bytes = new Uint8Array(lengthBytes);
    bytes.set(resource.bytes.subarray(0, lengthBytes));
    return { ...resource, bytes };
  };
  return { name: 'bodyOfOtherLength', resource: resize };
}

/** Compressed though nobody asked; a range is then, correctly, a range of the compressed form. */
export function gzip(): Behaviour {
  const compress = (resource: Resource): Resource => {
    const bytes = gzipSync(resource.bytes);
    return { ...resource, bytes, etag: resource.etag && strongEtagOf(bytes), contentEncoding: 'gzip' };
  };
  return { name: 'gzip', resource: compress };
}

export function weakEtag(): Behaviour {
  const weaken = (resource: Resource): Resource => {
    const etag = resource.etag ?? strongEtagOf(resource.bytes);
    return { ...resource, etag: etag.startsWith('W/') ? etag : `W/${etag}` };
  };
  return { name: 'weakEtag', resource: weaken };
}

export function noEtag(): Behaviour {
  return { name: 'noEtag', resource: (resource) => ({ ...resource, etag: null }) };
}

/** 200 with the whole to every range, and no word about Accept-Ranges. */
export function noRange(): Behaviour {
  return { name: 'noRange', resource: (resource) => ({ ...resource, acceptsRanges: false }) };
}

// --- The reply is another one ---

export function status(
  code: number,
  headers: Readonly<Record<string, string>> = {},
  body: Uint8Array | string = '',
): Behaviour {
  return { name: 'status', reply: () => plainReply(code, headers, body) };
}

/** A number of seconds, an HTTP date, or nonsense. */
export function retryAfter(code: number, value: string | number): Behaviour {
  return { ...status(code, { 'retry-after': String(value) }), name: 'retryAfter' };
}

export function redirectTo(url: string, code = 302): Behaviour {
  return { ...status(code, { location: url }), name: 'redirectTo' };
}

/** To itself, for ever. */
export function redirectLoop(code = 302): Behaviour {
  return { name: 'redirectLoop', reply: (_, asked) => plainReply(code, { location: asked.path }, '') };
}

/** For ever too, but to a URL that was never seen before. */
export function redirectMaze(code = 302): Behaviour {
  const next = (url: string): number => Number(/[?]hop=(\d+)/.exec(url)?.[1] ?? 0) + 1;
  return {
    name: 'redirectMaze',
    reply: (_, asked) => plainReply(code, { location: `${asked.path}?hop=${next(asked.url)}` }, ''),
  };
}

/** The sign-in page that a hotel's network answers to every request. */
export function captivePortal(): Behaviour {
  const page = '<!doctype html><html><head><title>Sign in</title></head><body>Welcome to our network.</body></html>';
  const headers = { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' };
  return { ...status(200, headers, page), name: 'captivePortal' };
}

/** Sets headers, or with null takes them away; the body stays. */
export function withHeaders(headers: Readonly<Record<string, string | null>>): Behaviour {
  const change = (reply: Reply): Reply => {
    const changed: Record<string, string> = { ...reply.headers };
    for (const [name, value] of Object.entries(headers)) {
      if (value === null) delete changed[name.toLowerCase()];
      else changed[name.toLowerCase()] = value;
    }
    return { ...reply, headers: changed };
  };
  return { name: 'withHeaders', reply: change };
}

/** A 206 that starts `shiftBytes` later (or, negative, earlier) than asked and honestly says so. */
export function wrongRangeStart(shiftBytes: number): Behaviour {
  return { ...movedPart(shiftBytes, 0), name: 'wrongRangeStart' };
}

/** A 206 that ends `shiftBytes` later than asked, or earlier, which is legal. */
export function wrongRangeEnd(shiftBytes: number): Behaviour {
  return { ...movedPart(0, shiftBytes), name: 'wrongRangeEnd' };
}

function movedPart(startShift: number, endShift: number): Omit<Behaviour, 'name'> {
  const move = (reply: Reply, _: Asked, resource: Resource | null): Reply => {
    if (reply.part === null || resource === null) return reply;
    const from = Math.max(0, reply.part.from + startShift);
    const to = Math.min(resource.bytes.length, reply.part.to + endShift);
    if (from >= to) throw new RangeError(`nothing is left of the part ${from} to ${to}`);
    return partialReply(reply, resource.bytes, { from, to });
  };
  return { reply: move };
}

export function noContentRange(): Behaviour {
  const { reply } = withHeaders({ 'content-range': null });
  return { name: 'noContentRange', ...(reply && { reply }) };
}

/** `multipart/byteranges` in reply to one range. */
export function multipart206(): Behaviour {
  const wrap = (reply: Reply): Reply => {
    const { 'content-range': range, 'content-type': type, ...headers } = reply.headers;
    if (reply.part === null || range === undefined) return reply;
    const open = `--part\r\ncontent-type: ${type}\r\ncontent-range: ${range}\r\n\r\n`;
    return {
      ...reply,
      headers: { ...headers, 'content-type': 'multipart/byteranges; boundary=part' },
      body: Buffer.concat([Buffer.from(open), reply.body, Buffer.from('\r\n--part--\r\n')]),
    };
  };
  return { name: 'multipart206', reply: wrap };
}

/** A Content-Length that is `byBytes` too large or too small for the body, which is sent whole; then the connection ends. */
export function wrongLength(byBytes: number): Behaviour {
  return {
    name: 'wrongLength',
    reply: (reply) => ({ ...reply, lengthError: byBytes }),
    delivery: (delivery) => ({ ...delivery, wire: 'socket' }),
  };
}

/** Transfer-Encoding: chunked, no Content-Length. */
export function chunked(): Behaviour {
  return { name: 'chunked', reply: (reply) => ({ ...reply, framing: 'chunked' }) };
}

/** No length of any kind: the end of the connection is the end of the body. */
export function closeDelimited(): Behaviour {
  return {
    name: 'closeDelimited',
    reply: (reply) => ({ ...reply, framing: 'close' }),
    delivery: (delivery) => ({ ...delivery, wire: 'socket' }),
  };
}

// --- The way is another one; offsets are bytes of this reply's body ---

/** Accepts the request and says nothing. */
export function neverAnswer(): Behaviour {
  return cut('neverAnswer', beforeHead, 'stall');
}

/** Ends the connection instead of answering. */
export function hangUp(how: 'drop' | 'reset' = 'drop'): Behaviour {
  return cut('hangUp', beforeHead, how);
}

/** Ends the connection properly (FIN) after so many bytes; a shorter body is not touched. */
export function dropAfter(bytes: number): Behaviour {
  return cut('dropAfter', bytes, 'drop');
}

/** Ends the connection (FIN) and leaves TLS, which runs on it, unfinished: no word that this was the end. */
export function severAfter(bytes: number): Behaviour {
  return cut('severAfter', bytes, 'sever');
}

/**
 * Ends the connection with RST. What the client has not read by then, its system may throw away, and a Node client that still
 * reads reports a plain end (libuv stops at the hang-up); to have the reset itself seen, put `holdAfter` at the same place.
 */
export function resetAfter(bytes: number): Behaviour {
  return cut('resetAfter', bytes, 'reset');
}

/** Stops sending and keeps the connection. */
export function stallAfter(bytes: number): Behaviour {
  return cut('stallAfter', bytes, 'stall');
}

/** Chunked, and ended in the middle of a chunk. */
export function truncatedChunked(afterBytes: number): Behaviour {
  return {
    name: 'truncatedChunked',
    reply: (reply) => ({ ...reply, framing: 'chunked' }),
    // On the bare socket the whole body is announced as one chunk, so wherever it is cut, a chunk is cut.
    delivery: (delivery) => ({ ...delivery, wire: 'socket', cut: { afterBytes, how: 'drop' } }),
  };
}

/** The body again and again until the client leaves; chunked, because a length would be an end. */
export function endlessBody(): Behaviour {
  return {
    name: 'endlessBody',
    reply: (reply) => ({ ...reply, framing: reply.framing === 'length' ? 'chunked' : reply.framing }),
    delivery: (delivery) => ({ ...delivery, endless: true }),
  };
}

/** One reply only; for a rate that replies share, see the demo's origin. */
export function throttle(bytesPerSecond: number): Behaviour {
  const bytes = Math.max(1, Math.round(bytesPerSecond / 50));
  return { ...dripBody(bytes, (bytes * 1000) / bytesPerSecond), name: 'throttle' };
}

export function dripBody(bytesPerInterval: number, intervalMs: number): Behaviour {
  const pace = { bytes: bytesPerInterval, intervalMs };
  return { name: 'dripBody', delivery: (delivery) => ({ ...delivery, bodyPace: pace }) };
}

/** Sends the status line and the headers a few bytes at a time. */
export function dripHead(bytesPerInterval: number, intervalMs: number): Behaviour {
  const pace = { bytes: bytesPerInterval, intervalMs };
  return { name: 'dripHead', delivery: (delivery) => ({ ...delivery, wire: 'socket', headPace: pace }) };
}

/** `102 Processing`, so many times, before the answer. */
export function interimReplies(count: number, intervalMs: number): Behaviour {
  return { name: 'interimReplies', delivery: (delivery) => ({ ...delivery, interim: { count, intervalMs } }) };
}

/** Waits at the gate before the first byte of the head. */
export function hold(gate: Gate): Behaviour {
  return { ...holdAfter(beforeHead, gate), name: 'hold' };
}

/** Waits at the gate after so many bytes of the body; 0 is between head and body. */
export function holdAfter(afterBytes: number, gate: Gate): Behaviour {
  return {
    name: 'holdAfter',
    delivery: (delivery) => ({ ...delivery, holds: [...delivery.holds, { afterBytes, gate }] }),
  };
}

function cut(name: string, afterBytes: number, how: Cut): Behaviour {
  return { name, delivery: (delivery) => ({ ...delivery, cut: { afterBytes, how } }) };
}

function dayAfter(date: Date | null): Date | null {
  return date && new Date(date.getTime() + 86_400_000);
}
