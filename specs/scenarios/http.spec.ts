/**
 * What a server may do, one row each, after the acceptance table of the HTTP rules (RFC 9110 and 9112). Of every row: does the file
 * become ready or which fault ends it, how many requests that took, that nothing wrong is under a final name, and that each
 * request kept its manners (`checkManners`).
 *
 * Not here, and why:
 * - 20: a file whose bytes are all there is proven without asking, so nobody can answer 416 to it.
 * - 45, 51, 84: need a TLS server with a certificate; `fetcher` refuses https to http and names certificates in its own tests.
 * - 46, 47: HTTP/2 is switched off.
 * - 53: a loopback origin may lead to loopback, and no other origin can be had here; the judgement of addresses has its own tests.
 * - 70, 72 to 74: Content-Digest and learned sources are not read; nothing to be seen but that the file is right, as in row 1.
 * - 79 with pieces, 80 with pieces: digests of pieces are read and not used yet; the whole file is fetched anew.
 * - 82: a machine that sleeps needs a clock of its own; see the simulated world.
 * - 83: a name that does not resolve needs a resolver of its own; a port that refuses stands for it.
 * - 86 beyond one stale part, 90: one connection per file, so no two sources ever race.
 */
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { FaultType, Status } from '@lading/core';
import type { Depot } from '@lading/runtime';
import { describe, expect, it } from 'vitest';
import {
  always,
  type Behaviour,
  bodyOfOtherLength,
  captivePortal,
  changeTo,
  chunked,
  closeDelimited,
  dripBody,
  dripHead,
  dropAfter,
  endlessBody,
  first,
  flipByteAt,
  fromNth,
  gzip,
  hangUp,
  holdAfter,
  interimReplies,
  multipart206,
  neverAnswer,
  noContentRange,
  noEtag,
  noRange,
  nth,
  type Rule,
  redirectLoop,
  redirectMaze,
  redirectTo,
  resetAfter,
  retryAfter,
  stallAfter,
  status,
  truncatedChunked,
  weakEtag,
  withHeaders,
  wrongLength,
  wrongRangeEnd,
  wrongRangeStart,
} from '../origin/behaviour.js';
import { closedGate } from '../origin/gate.js';
import { startOrigin } from '../origin/origin.js';
import { readRequestHead, startRawOrigin } from '../origin/raw-origin.js';
import { seededBytes, sha256Hex } from '../origin/seeded-bytes.js';
import {
  checkManners,
  type DepotOptions,
  filesBelow,
  type History,
  historyOf,
  refusalOf,
  startWorld,
  statusOf,
  type World,
} from './world.js';

const size = 65_536;
/** Where a first reply is cut, so that there is something to resume. */
const half = 40_000;
const bytes = seededBytes(21, size);
const other = seededBytes(22, size);
const path = '/model.onnx';
const mirrorPath = '/mirror/model.onnx';

/** Requests that a source which never works may cost, that a reply which repetition cannot change may cost, and a redirect loop. */
const budget = 24;
const finalBudget = 4;
const loopBudget = 16;

interface Seen {
  readonly world: World;
  readonly depot: Depot;
  readonly history: History;
  readonly status: Status;
  /** The Range headers of the path's requests. */
  readonly ranges: readonly (string | null)[];
}

interface Row {
  /** The number in the table, and what the server does. */
  readonly name: string;
  readonly rules: (world: World) => readonly (Rule | Behaviour)[];
  readonly ends: 'ready' | FaultType | readonly [FaultType, string];
  /** Exactly so many requests, or at most. */
  readonly requests: number | { readonly atMost: number };
  /** What becomes ready is this, if not the declared bytes. */
  readonly content?: Uint8Array;
  readonly file?: object;
  /** Serves the right bytes at a second URL that the manifest names. */
  readonly isMirrored?: boolean;
  readonly options?: DepotOptions;
  readonly also?: (seen: Seen) => void | Promise<void>;
}

const never = { atMost: budget };
const cutFirst = nth(1, dropAfter(half));
const rest = `bytes=${half}-`;

function contentRange(text: string): Behaviour {
  const { reply } = withHeaders({ 'content-range': text });
  return {
    name: 'contentRange',
    reply: (was, asked, resource) => (was.part === null ? was : (reply?.(was, asked, resource) ?? was)),
  };
}

/** Only what is a part is spoilt; a whole reply stays as it is. */
function onParts(behaviour: Behaviour): Behaviour {
  const { reply } = behaviour;
  if (reply === undefined) throw new Error(`${behaviour.name} does not change the reply`);
  return {
    name: behaviour.name,
    reply: (was, asked, resource) => (was.part === null ? was : reply(was, asked, resource)),
  };
}

/** More bytes than announced, which only chunks can hide. */
function tooLong(): Behaviour {
  return {
    name: 'tooLong',
    reply: (was) => ({ ...was, framing: 'chunked', body: Buffer.concat([was.body, new Uint8Array(100)]) }),
  };
}

/** A cache that has old bytes, and passes on only a request that wants fresh ones. */
function staleCache(stale: Uint8Array): Behaviour {
  const isFresh = (headers: Readonly<Record<string, unknown>>): boolean => headers['cache-control'] === 'no-cache';
  return {
    name: 'staleCache',
    reply: (was, asked) => {
      if (isFresh(asked.headers)) return was;
      const { part } = was;
      return {
        ...was,
        headers: { ...was.headers, age: '86400' },
        body: part === null ? stale : stale.subarray(part.from, part.to),
      };
    },
  };
}

const lastRange = ({ ranges }: Seen): string | null => ranges.at(-1) ?? null;

const whole: readonly Row[] = [
  { name: '1: 200, whole and right', rules: () => [], ends: 'ready', requests: 1 },
  {
    name: '2: 200 of the right size, with the wrong digest',
    rules: () => [flipByteAt(100)],
    ends: ['checksumMismatch', 'digest'],
    requests: never,
    also: ({ status: { fault }, world }) => {
      expect(fault?.message).toContain(world.origin.url);
      expect(fault?.message).toContain(sha256Hex(bytes));
      expect(fault?.message).toMatch(/have sha256 [0-9a-f]{64}/);
    },
  },
  {
    name: '2: 200 with the wrong digest, and a mirror that has it right',
    rules: () => [flipByteAt(100)],
    ends: 'ready',
    requests: never,
    isMirrored: true,
  },
  {
    name: '28: 200 that is gzipped though identity was asked',
    rules: () => [gzip()],
    ends: ['serverError', 'contentEncoding'],
    requests: never,
  },
  { name: '30: chunked, without a length', rules: () => [chunked()], ends: 'ready', requests: 1 },
  {
    name: '33: a Content-Length smaller than declared',
    rules: () => [bodyOfOtherLength(size - 100)],
    ends: ['upstreamChanged', 'length'],
    requests: never,
  },
  {
    name: '34: a Content-Length larger than declared, of which not a byte is stored',
    rules: () => [bodyOfOtherLength(size + 100)],
    ends: ['upstreamChanged', 'length'],
    requests: never,
    also: async ({ world }) => expect(await filesBelow(join(world.dir, 'staging'))).not.toContain('model/more'),
  },
  {
    name: '38: an endless body, which is left one read after it is too long',
    rules: () => [endlessBody()],
    ends: ['serverError', 'tooLong'],
    requests: never,
    also: ({ world }) => {
      for (const request of world.origin.requests) expect(request.outcome).toBe('left');
    },
  },
  {
    name: '39: three thousand headers',
    rules: () => [withHeaders(Object.fromEntries(Array.from({ length: 3_000 }, (_, i) => [`x-${i}`, 'y'.repeat(30)])))],
    ends: 'serverError',
    requests: never,
  },
  {
    name: '67: 204 to a GET',
    rules: () => [status(204)],
    ends: ['serverError', 'http204'],
    requests: never,
  },
  { name: '67: 205 to a GET', rules: () => [status(205)], ends: ['serverError', 'http205'], requests: never },
  { name: '67: 304 to a GET', rules: () => [status(304)], ends: ['serverError', 'http304'], requests: never },
  { name: '68: 200 with no byte', rules: () => [status(200)], ends: ['serverError', 'emptyBody'], requests: never },
  {
    name: '68: 200 with no byte, of a file that has none',
    rules: (world) => {
      world.origin.put(path, new Uint8Array(0));
      return [];
    },
    file: { sizeBytes: 0, sha256: sha256Hex(new Uint8Array(0)) },
    content: new Uint8Array(0),
    ends: 'ready',
    requests: 0,
  },
  {
    name: '71: a Repr-Digest of other bytes, which stops before the body',
    rules: () => [
      withHeaders({ 'repr-digest': `sha-256=:${Buffer.from(sha256Hex(other), 'hex').toString('base64')}:` }),
    ],
    ends: ['upstreamChanged', 'reprDigest'],
    requests: never,
  },
  {
    name: '71: a Repr-Digest of these bytes',
    rules: () => [
      withHeaders({ 'repr-digest': `sha-256=:${Buffer.from(sha256Hex(bytes), 'hex').toString('base64')}:` }),
    ],
    ends: 'ready',
    requests: 1,
  },
  {
    name: '72: a digest in md5 only',
    rules: () => [withHeaders({ digest: 'md5=AAAA', 'content-md5': 'AAAA' })],
    ends: 'ready',
    requests: 1,
  },
  {
    name: '73: a malformed Repr-Digest',
    rules: () => [withHeaders({ 'repr-digest': 'sha-256=:?:, ;;' })],
    ends: 'ready',
    requests: 1,
  },
  {
    name: '75: a Content-Disposition that climbs out',
    rules: () => [withHeaders({ 'content-disposition': 'attachment; filename="../../x"' })],
    ends: 'ready',
    requests: 1,
  },
  {
    name: '78: a HEAD that would say something else, and is never asked',
    rules: () => [
      { name: 'headDiffers', reply: (was, asked) => (asked.method === 'HEAD' ? { ...was, status: 404 } : was) },
    ],
    ends: 'ready',
    requests: 1,
  },
  {
    name: '80: the right length, one flipped byte in the middle, once',
    rules: () => [first(1, flipByteAt(size / 2))],
    ends: 'ready',
    requests: 2,
    also: (seen) => expect(lastRange(seen)).toBeNull(),
  },
  {
    name: '85: an old 200 out of a cache, once asked past it',
    rules: () => [staleCache(other)],
    ends: 'ready',
    requests: 2,
    also: ({ world }) => expect(world.origin.requests[1]?.headers['cache-control']).toBe('no-cache'),
  },
  {
    name: '85: a cache that never asks anew',
    rules: () => [{ name: 'rotten', reply: (was) => ({ ...was, body: other }) }],
    ends: ['checksumMismatch', 'digest'],
    requests: { atMost: finalBudget },
  },
  {
    name: '87: Vary and Content-Location that change each time',
    rules: () => [withHeaders({ vary: 'x-random', 'content-location': '/elsewhere' })],
    ends: 'ready',
    requests: 1,
  },
  { name: '88: status 999', rules: () => [status(999, {}, bytes)], ends: ['serverError', 'http999'], requests: never },
  { name: '88: status 226', rules: () => [status(226, {}, bytes)], ends: ['serverError', 'http226'], requests: never },
  { name: '88: status 203', rules: () => [status(203, {}, bytes)], ends: ['serverError', 'http203'], requests: never },
];

const parts: readonly Row[] = [
  {
    name: '3: 206 with exactly the rest, under the same tag',
    rules: () => [cutFirst],
    ends: 'ready',
    requests: 2,
    also: ({ ranges, world }) => {
      expect(ranges).toEqual([null, rest]);
      expect(world.origin.requests[1]?.headers['if-range']).toMatch(/^"[0-9a-f]{32}"$/);
      expect(world.origin.requests[1]).toMatchObject({ status: 206, bytesSent: size - half });
    },
  },
  {
    name: '4: 206 that begins later than asked, of which nothing is written',
    rules: () => [cutFirst, fromNth(2, wrongRangeStart(100))],
    ends: ['serverError', 'wrongRange'],
    requests: never,
    also: ({ ranges }) => expect(new Set(ranges.slice(1))).toEqual(new Set([rest])),
  },
  {
    name: '5: 206 that begins earlier than asked',
    rules: () => [cutFirst, fromNth(2, wrongRangeStart(-100))],
    ends: ['serverError', 'wrongRange'],
    requests: never,
  },
  {
    name: '6: 206 that is shorter than asked, which is legal and costs no retry',
    rules: () => [cutFirst, nth(2, wrongRangeEnd(-20_000))],
    ends: 'ready',
    requests: 3,
    also: ({ history, ranges }) => {
      expect(ranges).toEqual([null, rest, `bytes=${size - 20_000}-`]);
      expect(history.types.filter((type) => type === 'RetryScheduled')).toHaveLength(1);
    },
  },
  {
    name: '7: 206 that is longer than asked',
    rules: () => [cutFirst, fromNth(2, tooLong())],
    ends: ['serverError', 'tooLong'],
    requests: never,
  },
  {
    name: '7: 206 that goes beyond the last position',
    rules: () => [cutFirst, fromNth(2, contentRange(`bytes ${half}-${size + 99}/*`))],
    ends: ['serverError', 'wrongRange'],
    requests: never,
  },
  {
    name: '8: 206 without Content-Range, after which the whole is asked for',
    rules: () => [cutFirst, fromNth(2, noContentRange())],
    ends: 'ready',
    requests: 3,
    also: ({ ranges }) => expect(ranges).toEqual([null, rest, null]),
  },
  {
    name: '9: 206 whose last position is before its first',
    rules: () => [cutFirst, fromNth(2, contentRange('bytes 5-2/10'))],
    ends: ['serverError', 'badContentRange'],
    requests: never,
  },
  {
    name: '9: 206 whose total is not above its last position',
    rules: () => [cutFirst, fromNth(2, contentRange(`bytes ${half}-${size - 1}/${size - 1}`))],
    ends: ['serverError', 'badContentRange'],
    requests: never,
  },
  {
    name: '10: 206 of another unit',
    rules: () => [cutFirst, fromNth(2, contentRange(`items ${half}-${size - 1}/${size}`))],
    ends: ['serverError', 'badContentRange'],
    requests: never,
  },
  {
    name: '11: 206 whose total is not the declared size, and the whole is right after all',
    rules: () => [cutFirst, fromNth(2, contentRange(`bytes ${half}-${size - 1}/${size + 1}`))],
    ends: 'ready',
    requests: 3,
    also: (seen) => expect(lastRange(seen)).toBeNull(),
  },
  {
    name: '11: 206 whose total is not the declared size, because the file is another',
    rules: () => [cutFirst, fromNth(2, changeTo(seededBytes(23, size + 1)))],
    ends: 'upstreamChanged',
    requests: never,
  },
  {
    name: '12: 206 with an unknown total',
    rules: () => [cutFirst, fromNth(2, contentRange(`bytes ${half}-${size - 1}/*`))],
    ends: 'ready',
    requests: 2,
  },
  {
    name: '13: 206 whose Content-Length is not that of its range',
    rules: () => [cutFirst, fromNth(2, wrongLength(10))],
    ends: ['serverError', 'wrongLength'],
    requests: never,
  },
  {
    name: '14: 206 under another tag, after which the whole is asked for',
    rules: () => [cutFirst, fromNth(2, withHeaders({ etag: '"other"' }))],
    ends: 'ready',
    requests: 3,
    also: ({ ranges }) => expect(ranges).toEqual([null, rest, null]),
  },
  {
    name: '15: 206 without a tag, which is combined and proven',
    rules: () => [cutFirst, fromNth(2, withHeaders({ etag: null, 'last-modified': null }))],
    ends: 'ready',
    requests: 2,
  },
  {
    name: '15: 206 without a tag, of other bytes, which costs one restart',
    rules: () => [
      cutFirst,
      nth(
        2,
        onParts({ name: 'foreign', reply: (was) => ({ ...was, body: other.subarray(half) }) }),
        withHeaders({ etag: null, 'last-modified': null }),
      ),
    ],
    ends: 'ready',
    requests: 3,
    also: (seen) => expect(lastRange(seen)).toBeNull(),
  },
  {
    name: '16: 206 to a request without Range',
    rules: () => [status(206, { 'content-range': `bytes 0-${size - 1}/${size}` }, bytes)],
    ends: ['serverError', 'unaskedPart'],
    requests: never,
  },
  {
    name: '17: several ranges in one reply',
    rules: () => [cutFirst, fromNth(2, multipart206())],
    ends: ['serverError', 'multipart'],
    requests: never,
  },
  {
    name: '18: 200 in reply to Range, which replaces what was there',
    rules: () => [cutFirst, fromNth(2, noRange())],
    ends: 'ready',
    requests: 2,
    also: ({ world }) => expect(world.origin.requests[1]).toMatchObject({ status: 200, bytesSent: size }),
  },
  {
    name: '18: 200 because the tag is another, of the same bytes',
    rules: () => [cutFirst, fromNth(2, changeTo(bytes, '"moved"'))],
    ends: 'ready',
    requests: 2,
  },
  {
    name: '19: 200 in reply to Range for ever, cut each time',
    rules: () => [noRange(), dropAfter(half)],
    ends: 'interrupted',
    requests: never,
  },
  {
    name: '21: 416 because the file is shorter now',
    rules: () => [cutFirst, nth(2, status(416, { 'content-range': `bytes */${half - 100}` }))],
    ends: 'ready',
    requests: 3,
    also: ({ ranges }) => expect(ranges).toEqual([null, rest, null]),
  },
  {
    name: '22: 416 though the file is longer',
    rules: () => [cutFirst, nth(2, status(416, { 'content-range': `bytes */${size}` }))],
    ends: 'ready',
    requests: 3,
    also: (seen) => expect(lastRange(seen)).toBeNull(),
  },
  {
    name: '22: 416 that says nothing',
    rules: () => [cutFirst, nth(2, status(416))],
    ends: 'ready',
    requests: 3,
    also: (seen) => expect(lastRange(seen)).toBeNull(),
  },
  {
    name: '23: 416 for ever',
    rules: () => [cutFirst, fromNth(2, status(416))],
    ends: ['serverError', 'http416'],
    requests: never,
  },
  {
    name: '24: a weak tag, which is no validator',
    rules: () => [always(weakEtag()), cutFirst],
    ends: 'ready',
    requests: 2,
    also: ({ ranges, world }) => {
      expect(ranges).toEqual([null, rest]);
      expect(world.origin.requests[1]?.headers['if-range']).toBeUndefined();
    },
  },
  {
    name: '24: a strong tag that only looks weak',
    rules: () => [always(withHeaders({ etag: '"W/x"' })), cutFirst, fromNth(2, withHeaders({ etag: '"W/x"' }))],
    ends: 'ready',
    requests: { atMost: 3 },
    also: ({ world }) => expect(world.origin.requests[1]?.headers['if-range']).toBe('"W/x"'),
  },
  {
    name: '25: only a date, which is sent back unchanged',
    rules: () => [always(noEtag()), cutFirst],
    ends: 'ready',
    requests: 2,
    also: ({ world }) => expect(world.origin.requests[1]?.headers['if-range']).toBe('Wed, 01 Jan 2020 00:00:00 GMT'),
  },
  {
    name: '25: only a date, of this very second, which is no validator',
    rules: () => {
      const now = new Date().toUTCString();
      return [always(noEtag(), withHeaders({ 'last-modified': now, date: now })), cutFirst];
    },
    ends: 'ready',
    requests: 2,
    also: ({ world }) => expect(world.origin.requests[1]?.headers['if-range']).toBeUndefined(),
  },
  {
    name: '27: a tag that changes between two resumes, of a file that became another accepted one',
    rules: () => [nth(1, dropAfter(20_000)), nth(2, dropAfter(20_000)), fromNth(3, changeTo(other))],
    file: { accepted: [{ sizeBytes: size, sha256: sha256Hex(other) }] },
    content: other,
    ends: 'ready',
    requests: 3,
  },
  {
    name: '29: 206 with a Content-Encoding',
    rules: () => [cutFirst, fromNth(2, withHeaders({ 'content-encoding': 'gzip' }))],
    ends: ['serverError', 'contentEncoding'],
    requests: never,
  },
  {
    name: '31: chunked, closed before the last chunk',
    rules: () => [nth(1, truncatedChunked(half))],
    ends: 'ready',
    requests: 2,
    also: ({ ranges }) => expect(ranges).toEqual([null, rest]),
  },
  {
    name: '32: a Content-Length larger than what is sent before the end',
    rules: () => [cutFirst],
    ends: 'ready',
    requests: 2,
    also: ({ ranges }) => expect(ranges).toEqual([null, rest]),
  },
  {
    name: '32: a Content-Length larger than what is sent before a reset',
    rules: () => [nth(1, resetAfter(half))],
    ends: 'ready',
    requests: 2,
  },
  { name: '32: not a byte of the body, for ever', rules: () => [dropAfter(0)], ends: 'interrupted', requests: never },
  {
    name: '35: no length of any kind, cut short',
    rules: () => [nth(1, closeDelimited(), dropAfter(half))],
    ends: 'ready',
    requests: 2,
    also: ({ ranges }) => expect(ranges).toEqual([null, rest]),
  },
  {
    name: '76: Accept-Ranges: none, and so the whole again, and no part asked for',
    rules: () => [always(noRange(), withHeaders({ 'accept-ranges': 'none' })), cutFirst],
    ends: 'ready',
    requests: 2,
    also: ({ ranges }) => expect(ranges).toEqual([null, null]),
  },
  {
    name: '77: Accept-Ranges: bytes, but always the whole',
    rules: () => [always(noRange(), withHeaders({ 'accept-ranges': 'bytes' })), cutFirst],
    ends: 'ready',
    requests: 2,
  },
  {
    name: '79: a good beginning from one source, other bytes from the next',
    rules: (world) => {
      world.origin.put(mirrorPath, other);
      return [cutFirst, fromNth(2, status(500))];
    },
    isMirrored: true,
    ends: 'checksumMismatch',
    requests: never,
  },
  {
    name: '86: a proxy that combines two versions, once asked past it',
    rules: () => [cutFirst, fromNth(2, staleCache(other))],
    ends: 'ready',
    requests: 3,
    also: ({ world, ranges }) => {
      expect(ranges.at(-1)).toBeNull();
      expect(world.origin.requests.at(-1)?.headers['cache-control']).toBe('no-cache');
    },
  },
];

const quiet: DepotOptions = { stallMs: 300 };

const slow: readonly Row[] = [
  {
    name: '40: interim replies without end, which are no progress',
    rules: () => [interimReplies(100_000, 20)],
    options: quiet,
    ends: 'networkTimeout',
    requests: never,
  },
  {
    name: '39: a head that drips without end',
    rules: () => [dripHead(1, 20)],
    options: quiet,
    ends: 'networkTimeout',
    requests: never,
  },
  {
    name: '41: a connection that is never answered',
    rules: () => [neverAnswer()],
    options: quiet,
    ends: ['networkTimeout', 'head'],
    requests: never,
  },
  {
    name: '41: no answer the first time',
    rules: () => [first(1, neverAnswer())],
    options: quiet,
    ends: 'ready',
    requests: 2,
  },
  {
    name: '42: a stall in mid-body, after which the rest is asked for',
    rules: () => [nth(1, stallAfter(half))],
    options: quiet,
    ends: 'ready',
    requests: 2,
    also: ({ ranges }) => expect(ranges).toEqual([null, rest]),
  },
  {
    name: '42: a stall for ever, which keeps the beginning',
    rules: () => [nth(1, stallAfter(half)), fromNth(2, stallAfter(0))],
    options: quiet,
    ends: ['stalled', 'body'],
    requests: never,
    also: ({ ranges, status: { bytesDone } }) => {
      expect(new Set(ranges.slice(1))).toEqual(new Set([rest]));
      expect(bytesDone).toBe(half);
    },
  },
  {
    name: '43: a few bytes a second for ever',
    rules: () => [dripBody(1, 50)],
    options: { stallMs: 200 },
    ends: 'stalled',
    requests: never,
  },
  {
    name: '44: a reset before the head, for ever',
    rules: () => [hangUp('reset')],
    ends: 'interrupted',
    requests: never,
  },
  { name: '44: an end before the head, for ever', rules: () => [hangUp()], ends: 'interrupted', requests: never },
];

const replies: readonly Row[] = [
  ...[400, 401, 403, 404, 405, 406, 407, 410, 414, 431, 451].map(
    (code): Row => ({
      name: `${{ 401: '58', 403: '56', 404: '61', 407: '60', 410: '61' }[code] ?? '–'}: ${code}, which repetition cannot change`,
      rules: () => [status(code)],
      ends: [
        code === 404 || code === 410 ? 'notFound' : [401, 403, 407].includes(code) ? 'unauthorized' : 'serverError',
        `http${code}`,
      ],
      requests: { atMost: finalBudget },
    }),
  ),
  ...[408, 421, 425, 429, 500, 502, 503, 504, 599].flatMap((code): Row[] => {
    const number = { 421: '66', 425: '66', 429: '63', 503: '63' }[code] ?? '62';
    return [
      {
        name: `${number}: ${code} twice, then the file`,
        rules: () => [first(2, status(code))],
        ends: 'ready',
        requests: 3,
      },
      {
        name: `${number}: ${code} for ever`,
        rules: () => [status(code)],
        ends: ['serverError', `http${code}`],
        requests: never,
      },
    ];
  }),
  ...[404, 410, 403, 500].map(
    (code): Row => ({
      name: `61: ${code} from the first of two sources`,
      rules: () => [status(code)],
      isMirrored: true,
      ends: 'ready',
      requests: 1,
      also: ({ world }) => expect(world.origin.requestsOf(mirrorPath)).toHaveLength(1),
    }),
  ),
  {
    name: '56: 403 to a resume, for ever, which keeps what is there',
    rules: () => [cutFirst, fromNth(2, status(403))],
    ends: ['unauthorized', 'http403'],
    requests: { atMost: 1 + finalBudget },
    also: ({ status: { bytesDone } }) => expect(bytesDone).toBe(half),
  },
  {
    name: '57: 403 to a range, where another source serves it',
    rules: () => [cutFirst, fromNth(2, status(403, {}, 'invalid range'))],
    isMirrored: true,
    ends: 'ready',
    requests: { atMost: finalBudget },
  },
  {
    name: '59: 401 that wants Digest',
    rules: () => [status(401, { 'www-authenticate': 'Digest realm="x", nonce="y", algorithm=MD5' })],
    ends: ['unauthorized', 'http401'],
    requests: { atMost: finalBudget },
  },
  {
    name: '64: Retry-After with a date that is past',
    rules: () => [first(1, retryAfter(503, 'Wed, 01 Jan 2020 00:00:00 GMT'))],
    ends: 'ready',
    requests: 2,
  },
  { name: '65: Retry-After: -1', rules: () => [first(1, retryAfter(503, '-1'))], ends: 'ready', requests: 2 },
  { name: '65: Retry-After: abc', rules: () => [first(1, retryAfter(503, 'abc'))], ends: 'ready', requests: 2 },
  {
    name: '69: the sign-in page of a hotel',
    rules: () => [captivePortal()],
    ends: 'checksumMismatch',
    requests: never,
    also: ({ status: { fault } }) => expect(fault?.message).toContain('text/html'),
  },
  {
    name: '69: the sign-in page of a hotel, exactly as long as the file',
    rules: () => [status(200, { 'content-type': 'text/html' }, '<html>Sign in\u001b[31m'.padEnd(size, ' '))],
    ends: ['checksumMismatch', 'digest'],
    requests: never,
    also: ({ status: { fault } }) => {
      expect(fault?.message).toContain('text/html');
      expect(fault?.message).toContain('<html>Sign in?[31m');
    },
  },
  ...[301, 302, 303, 307, 308].map(
    (code): Row => ({
      name: `48: ${code}, on the way of which Range and If-Range stay`,
      rules: (world) => {
        world.origin.put('/elsewhere', bytes);
        world.origin.script('/elsewhere', cutFirst);
        return [redirectTo('/elsewhere', code)];
      },
      ends: 'ready',
      requests: 2,
      also: ({ world }) => {
        const [, again] = world.origin.requestsOf('/elsewhere');
        expect(again).toMatchObject({ method: 'GET', range: rest, status: 206 });
        expect(again?.headers['if-range']).toMatch(/^"/);
      },
    }),
  ),
  {
    name: '49: a redirect to itself',
    rules: () => [redirectLoop()],
    ends: ['serverError', 'redirectLoop'],
    requests: { atMost: loopBudget },
  },
  {
    name: '49: redirects without end',
    rules: () => [redirectMaze()],
    ends: ['serverError', 'redirectLoop'],
    requests: { atMost: loopBudget },
  },
  ...['file:///etc/passwd', 'data:text/plain,hi', 'ftp://127.0.0.1/x', 'blob:http://127.0.0.1/x', 'javascript:1'].map(
    (url): Row => ({
      name: `52: a redirect to ${url}`,
      rules: () => [redirectTo(url)],
      ends: ['serverError', 'schemeRefused'],
      requests: { atMost: finalBudget },
    }),
  ),
  {
    name: '53: a redirect over http to the address where clouds keep their secrets',
    rules: () => [redirectTo('http://169.254.169.254/latest/meta-data')],
    ends: ['serverError', 'redirectRefused'],
    requests: { atMost: finalBudget },
  },
  {
    name: '52: a redirect that carries a password',
    rules: (world) => [redirectTo(world.origin.url.replace('//', '//user:word@'))],
    ends: ['serverError', 'redirectRefused'],
    requests: { atMost: finalBudget },
  },
  {
    name: '55: a signed URL that expired in between, which is asked for anew where it came from',
    rules: (world) => {
      world.origin.put('/signed', bytes);
      world.origin.script('/signed', cutFirst, {
        from: 2,
        to: Number.POSITIVE_INFINITY,
        behaviours: [
          {
            name: 'expires',
            reply: (was, asked) => (asked.url.endsWith('2') ? was : { ...was, status: 403, body: new Uint8Array(0) }),
          },
        ],
      });
      return [nth(1, redirectTo('/signed?Expires=1')), fromNth(2, redirectTo('/signed?Expires=2'))];
    },
    ends: 'ready',
    requests: 2,
    also: ({ world }) => expect(world.origin.requestsOf('/signed').map(({ range }) => range)).toEqual([null, rest]),
  },
];

async function play(row: Row): Promise<void> {
  await using world = await startWorld();
  const file = world.serve(path, bytes);
  const mirrors = row.isMirrored === true ? [world.serve(mirrorPath, bytes).url] : [];
  world.origin.script(path, ...row.rules(world));
  const cores = [{ id: 'model', files: [{ ...file, mirrors, ...row.file }] }];
  const depot = await world.open({ cores }, { retryBaseMs: 2, ...row.options });
  const history = historyOf(depot);
  const outcome = await depot.download('model').then(
    () => 'ready' as const,
    (error: unknown) => error,
  );
  const now = depot.status('model');
  const { origin } = world;
  if (row.ends === 'ready') {
    expect(outcome).toBe('ready');
    expect((await world.final()).map(({ file: name, sha256 }) => [name, sha256])).toEqual([
      ['model.onnx', sha256Hex(row.content ?? bytes)],
    ]);
  } else {
    const [type, detail] = typeof row.ends === 'string' ? [row.ends, undefined] : row.ends;
    expect(outcome, 'it did not become ready').not.toBe('ready');
    expect(now.fault, origin.requests.map(({ range, status: code }) => `${range} ${code}`).join(', ')).toMatchObject({
      type,
      ...(detail === undefined ? {} : { detail }),
    });
    expect(now).toMatchObject({ phase: 'failed', reason: type });
    expect(await world.final()).toEqual([]);
  }
  const count = origin.requestsOf(path).length;
  if (typeof row.requests === 'number') expect(count).toBe(row.requests);
  else {
    expect(count).toBeLessThanOrEqual(row.requests.atMost);
    expect(origin.requests.length).toBeLessThanOrEqual(row.isMirrored === true ? 2 * row.requests.atMost : budget);
  }
  checkManners(origin.requests);
  await row.also?.({ world, depot, history, status: now, ranges: origin.requestsOf(path).map(({ range }) => range) });
}

describe('a server that answers with the whole', () => {
  it.each(whole)('$name', play);
});

describe('a server that is asked for the rest', () => {
  it.each(parts)('$name', play);
});

describe('a server that answers otherwise', () => {
  it.each(replies)('$name', play);
});

describe('a server that does not move', () => {
  it.concurrent.each(slow)('$name', play);
});

describe('a server that wants us to wait', () => {
  async function waited(rule: Rule | Behaviour): Promise<{ readonly waitMs: number; readonly requests: number }> {
    await using world = await startWorld();
    const file = world.serve(path, bytes);
    world.origin.script(path, rule);
    const depot = await world.open({ cores: [{ id: 'model', files: [file] }] });
    const download = refusalOf(depot.download('model'));
    const beganAt = Date.now();
    const { retryAt } = await statusOf(depot, 'model', ({ phase }) => phase === 'backingOff');
    await depot.cancel('model');
    await download;
    return { waitMs: (retryAt ?? 0) - beganAt, requests: world.origin.requests.length };
  }

  it.each([429, 503])('63: %i with Retry-After: 120 is not asked again before', async (code) => {
    const { waitMs, requests } = await waited(retryAfter(code, 120));
    expect(waitMs).toBeGreaterThanOrEqual(120_000);
    expect(waitMs).toBeLessThan(130_000);
    expect(requests).toBe(1);
  });

  it('64: Retry-After with a date counts from the clock of the server', async () => {
    const theirs = Date.parse('2031-05-05T05:05:05Z');
    const head = { date: new Date(theirs).toUTCString(), 'retry-after': new Date(theirs + 60_000).toUTCString() };
    const { waitMs } = await waited(status(503, head));
    expect(waitMs).toBeGreaterThanOrEqual(60_000);
    expect(waitMs).toBeLessThan(70_000);
  });

  it('65: Retry-After: 999999999 is cut to what is bearable', async () => {
    const { waitMs } = await waited(retryAfter(503, 999_999_999));
    expect(waitMs).toBeGreaterThan(120_000);
    expect(waitMs).toBeLessThan(610_000);
  });
});

describe('a connection that breaks', () => {
  it('44: by a reset in mid-body keeps every byte that had come', async () => {
    await using world = await startWorld();
    const file = world.serve(path, bytes);
    const gate = closedGate();
    world.origin.script(path, nth(1, holdAfter(half, gate), resetAfter(half)));
    const depot = await world.open({ cores: [{ id: 'model', files: [file] }] });
    const download = depot.download('model');
    await statusOf(depot, 'model', ({ bytesDone }) => bytesDone === half);
    gate.open();
    await download;
    expect(world.origin.requests.map(({ range }) => range)).toEqual([null, rest]);
  });

  it.each([
    ['is reset', 'reset', `content-length: ${4 * size}`],
    ['is reset without a length', 'reset', 'x-no: length'],
    ['ends too early', 'end', `content-length: ${4 * size + 1}`],
    ['ends, and only that is its length', 'end', 'x-no: length'],
  ])('32, 35: that %s while we are slower than the server, harms nobody but that attempt', async (_, how, header) => {
    const large = seededBytes(24, 4 * size);
    await using raw = await startRawOrigin(async (socket, connection) => {
      const head = await readRequestHead(socket);
      if (head === null) return;
      const from = Number(/\r\nrange: bytes=(\d+)-/i.exec(head)?.[1] ?? 0);
      const isFirst = connection === 1;
      const range = from === 0 ? '' : `content-range: bytes ${from}-${large.length - 1}/${large.length}\r\n`;
      socket.write(`HTTP/1.1 ${from === 0 ? '200 OK' : '206 Partial Content'}\r\n${range}connection: close\r\n`);
      if (!isFirst) return void socket.end(Buffer.concat([Buffer.from('\r\n'), large.subarray(from)]));
      // As much as a slow reader has not taken yet, and then the end, with the reader still at the beginning: the pause is
      // the scenario, not a wait for something.
      socket.write(Buffer.concat([Buffer.from(`${header}\r\n\r\n`), large.subarray(0, 2 * size)]), () => {
        setTimeout(() => (how === 'reset' ? socket.resetAndDestroy() : socket.end()), 50);
      });
    });
    await using world = await startWorld();
    const file = { filename: 'model.onnx', url: `${raw.url}/`, sizeBytes: large.length, sha256: sha256Hex(large) };
    const depot = await world.open({ cores: [{ id: 'model', files: [file] }] }, { limitBytesPerSecond: 2 * size });
    await depot.download('model');
    expect((await world.final()).map(({ sha256 }) => sha256)).toEqual([file.sha256]);
    expect(raw.connections).toBeGreaterThan(1);
  });

  it('83: because nobody listens there is told as unreachable, in time', async () => {
    const origin = await startOrigin();
    const url = `${origin.url}/gone`;
    await origin.close();
    await using world = await startWorld();
    const depot = await world.open({
      cores: [{ id: 'model', files: [{ filename: 'a', url, sizeBytes: 1, sha256: sha256Hex(new Uint8Array(1)) }] }],
    });
    expect((await refusalOf(depot.download('model'))).fault).toMatchObject({
      type: 'networkUnreachable',
      detail: 'ECONNREFUSED',
    });
  });
});

describe('what belongs to one origin', () => {
  const secrets = { authorization: 'Bearer s3cret-token', 'x-api-key': 'k3y-of-mine', cookie: 'session=s3cret' };
  const allowed = new Set(['host', 'connection', 'range', 'if-range', 'accept', 'accept-encoding', 'user-agent']);

  it('50, 54: stays there when a redirect leads to another one, and does not come back with the next', async () => {
    await using world = await startWorld();
    await using away = await startOrigin();
    const file = world.serve(path, bytes);
    const back = world.serve('/back', bytes);
    world.origin.script('/back', cutFirst);
    world.origin.script(path, redirectTo(`${away.url}/hop`));
    away.script('/hop', redirectTo(back.url));
    const headers = { [world.origin.url]: secrets };
    const depot = await world.open({ cores: [{ id: 'model', files: [file] }] }, { headers });
    await depot.download('model');
    for (const request of world.origin.requestsOf(path)) expect(request.headers).toMatchObject(secrets);
    for (const request of [...away.requests, ...world.origin.requestsOf('/back')]) {
      expect(Object.keys(request.headers).filter((name) => !allowed.has(name))).toEqual([]);
    }
    expect(world.origin.requestsOf('/back').map(({ range }) => range)).toEqual([null, rest]);
    checkManners([...world.origin.requests, ...away.requests]);
  });

  it('54: a redirect that ends at another server when resuming, gives the file of that one, whole', async () => {
    await using world = await startWorld();
    await using near = await startOrigin();
    await using far = await startOrigin();
    const file = world.serve(path, bytes);
    near.put('/x', bytes, { etag: '"near"' });
    near.script('/x', cutFirst);
    far.put('/x', bytes, { etag: '"far"' });
    world.origin.script(path, nth(1, redirectTo(`${near.url}/x`)), fromNth(2, redirectTo(`${far.url}/x`)));
    const depot = await world.open({ cores: [{ id: 'model', files: [file] }] });
    await depot.download('model');
    expect((await world.final()).map(({ sha256 }) => sha256)).toEqual([sha256Hex(bytes)]);
    expect(far.requests.length).toBeLessThanOrEqual(2);
  });

  it('58: a token is sent to its origin, and to no mirror', async () => {
    await using world = await startWorld();
    await using away = await startOrigin();
    const file = world.serve(path, bytes);
    away.put('/model.onnx', bytes);
    world.origin.script(path, status(500));
    const headers = { [world.origin.url]: secrets };
    const cores = [{ id: 'model', files: [{ ...file, mirrors: [`${away.url}/model.onnx`] }] }];
    const depot = await world.open({ cores }, { headers });
    await depot.download('model');
    expect(world.origin.requests[0]?.headers.authorization).toBe(secrets.authorization);
    expect(away.requests[0]?.headers.authorization).toBeUndefined();
    expect(away.requests[0]?.headers['x-api-key']).toBeUndefined();
  });

  it('58: 401 without the token, and the file with it', async () => {
    await using world = await startWorld();
    const file = world.serve(path, bytes);
    const locked: Behaviour = {
      name: 'locked',
      reply: (was, asked) =>
        asked.headers.authorization === secrets.authorization ? was : { ...was, status: 401, body: new Uint8Array(0) },
    };
    world.origin.script(path, locked);
    const without = await world.open({ cores: [{ id: 'model', files: [file] }] });
    expect((await refusalOf(without.download('model'))).fault).toMatchObject({ type: 'unauthorized', httpStatus: 401 });
    expect(world.origin.requests.length).toBeLessThanOrEqual(finalBudget);
    await without.close();
    const headers = { [world.origin.url]: { authorization: secrets.authorization } };
    const depot = await world.open({ cores: [{ id: 'model', files: [file] }] }, { headers });
    await depot.retry('model');
    await statusOf(depot, 'model', ({ phase }) => phase === 'ready');
  });

  it('58: a token that a server sends back is in no message, and its reply is not kept', async () => {
    await using world = await startWorld();
    const file = world.serve(path, bytes);
    world.origin.script(
      path,
      status(200, { 'content-type': 'text/html' }, `<html>${secrets['x-api-key']}`.padEnd(size, '.')),
    );
    const depot = await world.open(
      { cores: [{ id: 'model', files: [file] }] },
      { headers: { [world.origin.url]: secrets } },
    );
    const refusal = await refusalOf(depot.download('model'));
    expect(refusal.message).not.toContain(secrets['x-api-key']);
    expect(refusal.message).toContain('sent back a credential');
    const { staging } = await depot.usage();
    expect(Object.values(staging).reduce((sum, bytes) => sum + bytes, 0)).toBe(0);
  });
});

describe('a server that speaks no proper HTTP', () => {
  interface RawRow {
    readonly name: string;
    readonly head: string;
    readonly body?: string | Uint8Array;
    readonly ends: 'ready' | FaultType;
    /** Of the connections that get this head; all others get it right. */
    readonly times?: number;
  }

  const length = `content-length: ${size}\r\n`;
  const rows: readonly RawRow[] = [
    {
      name: '36: both Content-Length and Transfer-Encoding',
      head: `${length}transfer-encoding: chunked\r\n`,
      ends: 'serverError',
    },
    { name: '37: two different Content-Lengths', head: `${length}content-length: 5\r\n`, ends: 'serverError' },
    { name: '37: a negative Content-Length', head: 'content-length: -5\r\n', ends: 'serverError' },
    {
      name: '37: a Content-Length beyond all numbers',
      head: `content-length: ${'9'.repeat(30)}\r\n`,
      ends: 'serverError',
    },
    {
      name: '81: bytes after the end of a complete reply',
      head: length,
      body: Buffer.concat([bytes, Buffer.from('HTTP/1.1 junk')]),
      ends: 'ready',
    },
    {
      name: '89: a tag over two lines, cut, which is no validator',
      head: `${length}etag: "a\r\n b"\r\n`,
      body: bytes.subarray(0, half),
      times: 1,
      ends: 'ready',
    },
    { name: '89: a tag with a NUL', head: `${length}etag: "a\0b"\r\n`, ends: 'serverError' },
  ];

  it.each(rows)('$name', async ({ head, body = bytes, ends, times = Number.POSITIVE_INFINITY }) => {
    const heads: string[] = [];
    const serve = async (socket: Socket): Promise<void> => {
      for (let asked = await readRequestHead(socket); asked !== null; asked = await readRequestHead(socket)) {
        heads.push(asked);
        const isBad = heads.length <= times;
        socket.write(`HTTP/1.1 200 OK\r\n${isBad ? head : length}\r\n`);
        socket.write(isBad ? body : bytes);
        if (isBad && times !== Number.POSITIVE_INFINITY) socket.end();
      }
    };
    // That the client resets such a connection is what this is about.
    await using raw = await startRawOrigin((socket) => serve(socket).catch(() => undefined));
    await using world = await startWorld();
    const cores = [
      {
        id: 'model',
        files: [{ filename: 'model.onnx', url: `${raw.url}/`, sizeBytes: size, sha256: sha256Hex(bytes) }],
      },
    ];
    const depot = await world.open({ cores }, { stallMs: 1_000 });
    const outcome = await depot.download('model').then(
      () => 'ready',
      () => depot.status('model').fault?.type,
    );
    expect(outcome, depot.status('model').fault?.message).toBe(ends);
    expect(heads.length).toBeLessThanOrEqual(budget);
    for (const asked of heads) expect(asked).not.toMatch(/\r\nif-range:/i);
    expect((await world.final()).map(({ sha256 }) => sha256)).toEqual(ends === 'ready' ? [sha256Hex(bytes)] : []);
  });

  it('39: headers without end', async () => {
    await using raw = await startRawOrigin(async (socket) => {
      if ((await readRequestHead(socket)) === null) return;
      socket.write('HTTP/1.1 200 OK\r\n');
      const more = (): void => {
        while (!socket.destroyed)
          if (!socket.write(`x-more: ${'y'.repeat(1_000)}\r\n`)) return void socket.once('drain', more);
      };
      more();
    });
    await using world = await startWorld();
    const cores = [
      {
        id: 'model',
        files: [{ filename: 'a', url: `${raw.url}/`, sizeBytes: 1, sha256: sha256Hex(new Uint8Array(1)) }],
      },
    ];
    const depot = await world.open({ cores });
    expect((await refusalOf(depot.download('model'))).fault?.type).toBe('serverError');
    expect(raw.connections).toBeLessThanOrEqual(budget);
  });
});
