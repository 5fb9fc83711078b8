import { join } from 'node:path';
import type { FaultType, Status } from '@lading/core';
import type { Depot } from '@lading/runtime';
import { expect } from 'vitest';
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
import type { Identity } from '../origin/identity.js';
import { seededBytes, sha256Hex } from '../origin/seeded-bytes.js';
import {
  checkManners,
  type DepotOptions,
  filesBelow,
  type History,
  historyOf,
  startWorld,
  type World,
} from './world.js';

export const size = 65_536;
/** Where a first reply is cut, so that there is something to resume. */
export const half = 40_000;
export const bytes = seededBytes(21, size);
export const other = seededBytes(22, size);
export const path = '/model.onnx';
export const mirrorPath = '/mirror/model.onnx';

/** Requests that a source which never works may cost, that a reply which repetition cannot change may cost, and a redirect loop. */
export const budget = 24;
export const finalBudget = 4;
export const loopBudget = 16;

export interface Seen {
  readonly world: World;
  readonly depot: Depot;
  readonly history: History;
  readonly status: Status;
  /** The Range headers of the path's requests. */
  readonly ranges: readonly (string | null)[];
}

export interface Row {
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

export const never = { atMost: budget };
export const cutFirst = nth(1, dropAfter(half));
export const rest = `bytes=${half}-`;

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

export const lastRange = ({ ranges }: Seen): string | null => ranges.at(-1) ?? null;

export const whole: readonly Row[] = [
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
    name: '74: a Link to another source, which is not followed',
    rules: (world) => [withHeaders({ link: `<${world.origin.url}/evil>; rel=duplicate, </x.meta4>; rel=describedby` })],
    ends: 'ready',
    requests: 1,
    also: ({ world }) => expect(world.origin.requests).toHaveLength(1),
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

export const parts: readonly Row[] = [
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

/** A signed address, to which the path redirects. */
function signed(world: World, ...rules: readonly (Rule | Behaviour)[]): Behaviour {
  world.origin.put('/signed', bytes);
  world.origin.script('/signed', ...rules);
  return redirectTo('/signed?Expires=1');
}

export const budgets: readonly Row[] = [
  {
    name: '44: a break more often than there are attempts, each time a little further',
    rules: () => [dropAfter(6_000)],
    ends: 'ready',
    requests: 11,
  },
  {
    name: '55: a signed URL that expires on the very last attempt, which is renewed all the same',
    rules: (world) => [signed(world, first(5, status(500)), nth(6, status(403)))],
    ends: 'ready',
    requests: 7,
  },
  {
    name: '55: a signed URL that has expired at every resume',
    rules: (world) => [
      signed(world, nth(1, dropAfter(20_000)), nth(2, status(403)), nth(3, dropAfter(20_000)), nth(4, status(403))),
    ],
    ends: 'ready',
    requests: 5,
    also: ({ world }) =>
      expect(world.origin.requestsOf('/signed').map(({ range }) => range)).toEqual([
        null,
        'bytes=20000-',
        'bytes=20000-',
        `bytes=${half}-`,
        `bytes=${half}-`,
      ]),
  },
  {
    name: '56: a signed URL that is refused again once it was renewed',
    rules: (world) => [signed(world, status(403))],
    ends: ['unauthorized', 'http403'],
    requests: 2,
    also: ({ world }) => expect(world.origin.requestsOf('/signed')).toHaveLength(2),
  },
  {
    name: '85: wrong bytes, and then all the errors that are allowed, which have a budget of their own',
    rules: () => [nth(1, flipByteAt(7)), { from: 2, to: 6, behaviours: [status(500)] }],
    ends: 'ready',
    requests: 6,
  },
];

export const quiet: DepotOptions = { stallMs: 300 };

export const slow: readonly Row[] = [
  {
    name: '40: interim replies without end, which are no progress',
    rules: () => [interimReplies(100_000, 100)],
    options: quiet,
    ends: 'networkTimeout',
    requests: never,
  },
  {
    name: '40: interim replies without end, more than anybody has to read',
    rules: () => [interimReplies(100_000, 0)],
    ends: ['serverError', 'interimReplies'],
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

export const replies: readonly Row[] = [
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

/** Lets a depot meet such a server, over TCP or over TLS. */
export async function play(row: Row, identity?: Identity): Promise<void> {
  await using world = await startWorld(identity);
  const file = world.serve(path, bytes);
  const mirrors = row.isMirrored === true ? [world.serve(mirrorPath, bytes).url] : [];
  world.origin.script(path, ...row.rules(world));
  const cores = [{ id: 'model', files: [{ ...file, mirrors, ...row.file }] }];
  // A handshake takes its time where there is more to do than processors.
  const stallMs = (row.options?.stallMs ?? 5_000) * (identity === undefined ? 1 : 4);
  const depot = await world.open({ cores }, { retryBaseMs: 2, ...row.options, stallMs });
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
