/**
 * Whatever a server answers, bytes are built upon only where its head proves that they belong. The rules are written down once more, from RFC 9110,
 * and held against those of `response.ts`.
 */
import { type Expectation, type Headers, judgeHead } from '@lading/core';
import { expect, it } from 'vitest';
import { fc } from './chance.ts';

const SHA256 = '00'.repeat(32);
const DIGESTS = { right: 'A'.repeat(43), wrong: `${'B'.repeat(42)}A` } as const;
const DATE = 'Sun, 06 Nov 1994 08:49:37 GMT';
const DATES = [DATE, 'Sun, 06 Nov 1994 08:49:36 GMT', 'Sun, 06 Nov 1994 08:00:00 GMT'];

/** Mostly what an honest server says, sometimes something else. */
const mostly = <T>(honest: T, other: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(honest) }, { weight: 1, arbitrary: other });
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const number = fc.integer({ min: 0, max: 70 });

interface Answer {
  readonly want: Expectation;
  readonly status: number;
  readonly first: number;
  readonly last: number;
  readonly total: number | null;
  readonly length: number | undefined;
  readonly encoding: string | undefined;
  readonly type: string | undefined;
  readonly etag: string | undefined;
  readonly date: string | undefined;
  readonly modified: string | undefined;
  readonly digest: 'right' | 'wrong' | undefined;
}

const answers = fc
  .record({
    size: fc.integer({ min: 2, max: 60 }),
    part: fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
  })
  .chain(({ size, part }) => {
    const from = Math.floor(part * size);
    const want = fc.record({
      file: fc.constant('f'),
      url: fc.constant('https://example.org/f'),
      from: fc.constant(from),
      isRange: from > 0 ? fc.constant(true) : fc.boolean(),
      sizes: fc.constantFrom([size], [size, size + 1]),
      sha256: fc.constantFrom([SHA256], []),
      validator: from > 0 ? fc.constantFrom(null, '"a"', DATE) : fc.constant(null),
      now: fc.constant(0),
    });
    const status = fc.constantFrom(200, 206, 206, 206, 416);
    const lastOf = mostly(size - 1, fc.oneof(number, fc.constantFrom(size, size + 1)));
    return fc.record({ want, status, first: mostly(from, number), last: lastOf }).chain((known) => {
      const { last, first } = known;
      const honest = known.status === 206 ? last - first + 1 : known.status === 200 ? size : 0;
      return fc.record({
        want: fc.constant(known.want),
        status: fc.constant(known.status),
        first: fc.constant(first),
        last: fc.constant(last),
        total: mostly<number | null>(known.status === 416 ? from : size, fc.option(number, { freq: 3 })),
        length: mostly<number | undefined>(honest, maybe(number)),
        encoding: mostly<string | undefined>(undefined, fc.constantFrom('identity', 'gzip', 'deflate')),
        type: mostly<string | undefined>(undefined, fc.constantFrom('text/html', 'multipart/byteranges; boundary=x')),
        etag: maybe(fc.constantFrom('"a"', '"b"', 'W/"a"')),
        date: maybe(fc.constant(DATE)),
        modified: maybe(fc.constantFrom(...DATES)),
        digest: mostly<'right' | 'wrong' | undefined>(undefined, fc.constantFrom('right' as const, 'wrong' as const)),
      });
    });
  }) satisfies fc.Arbitrary<Answer>;

function headersOf({
  status,
  first,
  last,
  total,
  length,
  encoding,
  type,
  etag,
  date,
  modified,
  digest,
}: Answer): Headers {
  const told = status === 206 ? `bytes ${first}-${last}/${total ?? '*'}` : `bytes */${total ?? 0}`;
  const all = {
    'content-range': status === 200 ? undefined : told,
    'content-length': length === undefined ? undefined : String(length),
    'content-encoding': encoding,
    'content-type': type,
    etag,
    date,
    'last-modified': modified,
    'repr-digest': digest === undefined ? undefined : `sha-256=:${DIGESTS[digest]}=:`,
  };
  return Object.fromEntries(
    Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

const isPlain = ({ encoding }: Answer): boolean => encoding === undefined || encoding === 'identity';
const isToldRight = ({ want, digest }: Answer): boolean => digest !== 'wrong' || want.sha256.length === 0;

/** Whether the answer says that it is of another version than what is staged. Who says nothing, or something weak, has not said so. */
function isOther({ want, etag, modified }: Answer): boolean {
  if (want.validator === null || want.from === 0) return false;
  if (want.validator.startsWith('"')) return etag !== undefined && !etag.startsWith('W/') && etag !== want.validator;
  return modified !== undefined && modified !== want.validator;
}

function mayAppend(answer: Answer): boolean {
  const { want, status, first, last, total, length, type } = answer;
  return (
    status === 206 &&
    want.isRange &&
    isPlain(answer) &&
    isToldRight(answer) &&
    type?.startsWith('multipart') !== true &&
    first === want.from &&
    last >= first &&
    last < Math.max(...want.sizes) &&
    (total === null || (total > last && want.sizes.includes(total))) &&
    (length === undefined || length === last - first + 1) &&
    !isOther(answer)
  );
}

function mayReplace(answer: Answer): boolean {
  const { want, status, length } = answer;
  return (
    status === 200 && isPlain(answer) && isToldRight(answer) && (length === undefined || want.sizes.includes(length))
  );
}

function isNothingLeft({ want, status, total }: Answer): boolean {
  return status === 416 && want.isRange && (total ?? 0) === want.from && want.sizes.includes(want.from);
}

/** RFC 9110 §8.8.2.2 and §8.8.3: a tag that is not weak, or without any tag a date a second older than the response. */
function strongest({ etag, date, modified }: Answer): string | null {
  if (etag !== undefined) return etag.startsWith('W/') ? null : etag;
  if (modified === undefined || date === undefined) return null;
  return Date.parse(date) - Date.parse(modified) >= 1000 ? modified : null;
}

/** Whoever has our very version and yet sends all of it cannot read what was offered: where a digest decides, it is not offered again. */
function isUnread({ want, status, etag, modified }: Answer): boolean {
  if (status !== 200 || !want.isRange || want.sha256.length === 0 || want.validator === null) return false;
  return (want.validator.startsWith('"') ? etag : modified) === want.validator;
}

it('bytes are added, put in the place of others, or complete, exactly when the head proves it', () => {
  const seen = { append: 0, replace: 0, complete: 0, restart: 0, fault: 0 };
  fc.assert(
    fc.property(answers, (answer) => {
      const verdict = judgeHead(answer.want, { status: answer.status, headers: headersOf(answer) });
      seen[verdict.type]++;
      expect(verdict.type === 'append', 'appended').toBe(mayAppend(answer));
      expect(verdict.type === 'replace', 'replaced').toBe(mayReplace(answer));
      expect(verdict.type === 'complete', 'complete').toBe(isNothingLeft(answer));
    }),
    { numRuns: 6_000 },
  );
  expect(Math.min(...Object.values(seen)), JSON.stringify(seen)).toBeGreaterThan(10);
});

it('what a resume will offer is a strong validator of the version that it continues, or nothing', () => {
  const seen = { strong: 0, none: 0, unread: 0 };
  fc.assert(
    fc.property(answers, (answer) => {
      const verdict = judgeHead(answer.want, { status: answer.status, headers: headersOf(answer) });
      if (verdict.type !== 'append' && verdict.type !== 'replace') return;
      const isFresh = verdict.type === 'replace' || answer.want.from === 0;
      const offered = isUnread(answer) ? null : strongest(answer);
      expect(verdict.validator).toBe(isFresh ? offered : answer.want.validator);
      if (isUnread(answer)) seen.unread++;
      else if (verdict.validator === null) seen.none++;
      else seen.strong++;
    }),
    { numRuns: 6_000 },
  );
  expect(Math.min(seen.strong, seen.none)).toBeGreaterThan(100);
  expect(seen.unread).toBeGreaterThan(5);
});
