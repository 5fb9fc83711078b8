import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  contentDigest,
  type Expectation,
  judgeHead,
  quote,
  readContentRange,
  reprDigest,
  retryAfterMs,
} from './response.js';
import type { Headers } from './validator.js';

const sha256 = '0123456789abcdef'.repeat(4);
const base64 = Buffer.from(sha256, 'hex').toString('base64');
const now = Date.parse('2026-11-20T10:00:00Z');
const date = 'Fri, 20 Nov 2026 10:00:00 GMT';
const older = 'Fri, 20 Nov 2026 09:00:00 GMT';

/** A file of 10 bytes, of which 4 are staged under the tag "v1", unless a row says otherwise. */
const resume: Expectation = {
  file: 'm.onnx',
  url: 'https://example.org/m.onnx',
  from: 4,
  isRange: true,
  sizes: [10],
  sha256: [sha256],
  validator: '"v1"',
  now,
};
const whole: Expectation = { ...resume, from: 0, isRange: false, validator: null };
const part: Headers = { 'content-range': 'bytes 4-9/10', 'content-length': '6', etag: '"v1"' };

/** The verdict in short: its type, and the type and detail of its fault. */
function judge(want: Expectation, status: number, headers: Headers): string {
  const verdict = judgeHead(want, { status, headers });
  return 'fault' in verdict ? `${verdict.type} ${verdict.fault.type}/${verdict.fault.detail}` : verdict.type;
}

/** Each row is one of `http.md`, section 2, as far as the head of a response decides it; the rest is the transfer's. */
const ROWS: readonly (readonly [
  row: string,
  what: string,
  want: Expectation,
  status: number,
  headers: Headers,
  verdict: string,
])[] = [
  ['1', '200 with the right length', whole, 200, { 'content-length': '10' }, 'replace'],
  ['3', '206 with exactly the range, same strong tag', resume, 206, part, 'append'],
  [
    '4',
    '206 that starts later',
    resume,
    206,
    { ...part, 'content-range': 'bytes 5-9/10', 'content-length': '5' },
    'fault serverError/wrongRange',
  ],
  [
    '5',
    '206 that starts earlier',
    resume,
    206,
    { ...part, 'content-range': 'bytes 3-9/10', 'content-length': '7' },
    'fault serverError/wrongRange',
  ],
  [
    '5',
    '206 that starts at 0',
    resume,
    206,
    { ...part, 'content-range': 'bytes 0-9/10', 'content-length': '10' },
    'fault serverError/wrongRange',
  ],
  [
    '6',
    '206 that is shorter',
    resume,
    206,
    { ...part, 'content-range': 'bytes 4-6/10', 'content-length': '3' },
    'append',
  ],
  [
    '7',
    '206 beyond the end',
    resume,
    206,
    { ...part, 'content-range': 'bytes 4-10/*', 'content-length': '7' },
    'fault serverError/wrongRange',
  ],
  ['8', '206 without Content-Range', resume, 206, { 'content-length': '6' }, 'restart serverError/noContentRange'],
  [
    '9',
    '206 whose range is backwards',
    resume,
    206,
    { ...part, 'content-range': 'bytes 9-4/10' },
    'fault serverError/badContentRange',
  ],
  [
    '9',
    '206 whose total is below its last byte',
    resume,
    206,
    { ...part, 'content-range': 'bytes 4-9/9' },
    'fault serverError/badContentRange',
  ],
  [
    '10',
    '206 in another unit',
    resume,
    206,
    { ...part, 'content-range': 'items 4-9/10' },
    'fault serverError/badContentRange',
  ],
  [
    '11',
    '206 with another total',
    resume,
    206,
    { ...part, 'content-range': 'bytes 4-9/11' },
    'restart upstreamChanged/total',
  ],
  ['12', '206 without a total', resume, 206, { ...part, 'content-range': 'bytes 4-9/*' }, 'append'],
  [
    '13',
    '206 whose length is not that of its range',
    resume,
    206,
    { ...part, 'content-length': '7' },
    'fault serverError/wrongLength',
  ],
  ['14', '206 under another tag', resume, 206, { ...part, etag: '"v2"' }, 'restart upstreamChanged/validator'],
  ['15', '206 without a tag', resume, 206, { 'content-range': 'bytes 4-9/10' }, 'append'],
  ['16', '206 to a plain GET', whole, 206, part, 'fault serverError/unaskedPart'],
  [
    '17',
    '206 of several parts',
    resume,
    206,
    { 'content-type': 'multipart/byteranges; boundary=x' },
    'fault serverError/multipart',
  ],
  ['18', '200 in reply to a range', resume, 200, { 'content-length': '10', etag: '"v2"' }, 'replace'],
  ['20', '416, all is here', { ...resume, from: 10 }, 416, { 'content-range': 'bytes */10' }, 'complete'],
  [
    '21',
    '416, the file is shorter',
    { ...resume, from: 8 },
    416,
    { 'content-range': 'bytes */7' },
    'restart upstreamChanged/shorter',
  ],
  ['22', '416, the file is longer', resume, 416, { 'content-range': 'bytes */20' }, 'restart serverError/http416'],
  ['22', '416 without a total', resume, 416, {}, 'restart serverError/http416'],
  ['23', '416 to a plain GET', whole, 416, { 'content-range': 'bytes */10' }, 'fault serverError/http416'],
  ['24', '206 under the weak form of the tag', resume, 206, { ...part, etag: 'W/"v1"' }, 'append'],
  [
    '25',
    '206 under the same date',
    { ...resume, validator: older },
    206,
    { 'content-range': 'bytes 4-9/10', 'last-modified': older },
    'append',
  ],
  [
    '25',
    '206 under another date',
    { ...resume, validator: older },
    206,
    { 'content-range': 'bytes 4-9/10', 'last-modified': date },
    'restart upstreamChanged/validator',
  ],
  [
    '28',
    '200 that is encoded',
    whole,
    200,
    { 'content-encoding': 'gzip', 'content-length': '10' },
    'fault serverError/contentEncoding',
  ],
  [
    '28',
    '200 that is encoded twice over',
    whole,
    200,
    { 'content-encoding': 'identity, br' },
    'fault serverError/contentEncoding',
  ],
  [
    '29',
    '206 that is encoded',
    resume,
    206,
    { ...part, 'content-encoding': 'gzip' },
    'fault serverError/contentEncoding',
  ],
  ['29', '206 that says it is not encoded', resume, 206, { ...part, 'content-encoding': 'Identity' }, 'append'],
  ['30', '200 without a length', whole, 200, { 'transfer-encoding': 'chunked' }, 'replace'],
  ['33', '200 that is shorter than declared', whole, 200, { 'content-length': '9' }, 'fault upstreamChanged/length'],
  ['34', '200 that is longer than declared', whole, 200, { 'content-length': '11' }, 'fault upstreamChanged/length'],
  ['34', '200 of another accepted length', { ...whole, sizes: [10, 11] }, 200, { 'content-length': '11' }, 'replace'],
  ['67', '204', whole, 204, {}, 'fault serverError/http204'],
  ['67', '205', whole, 205, {}, 'fault serverError/http205'],
  ['67', '304', whole, 304, {}, 'fault serverError/http304'],
  ['68', '200 with nothing', whole, 200, { 'content-length': '0' }, 'fault serverError/emptyBody'],
  ['68', '200 with nothing, as declared', { ...whole, sizes: [0] }, 200, { 'content-length': '0' }, 'replace'],
  [
    '69',
    '200 with a page of that very length',
    whole,
    200,
    { 'content-length': '10', 'content-type': 'text/html' },
    'replace',
  ],
  [
    '71',
    '206 of another version, by its digest',
    resume,
    206,
    { ...part, 'repr-digest': `sha-256=:${Buffer.alloc(32).toString('base64')}:` },
    'fault upstreamChanged/reprDigest',
  ],
  [
    '71',
    '206 of this version, by its digest',
    resume,
    206,
    { ...part, 'repr-digest': `sha-512=:AA==:, sha-256=:${base64}:` },
    'append',
  ],
  [
    '72',
    '200 with a digest that is no proof',
    whole,
    200,
    { 'content-length': '10', 'repr-digest': 'md5=:AAAA:' },
    'replace',
  ],
  [
    '73',
    '200 with a malformed digest',
    whole,
    200,
    { 'content-length': '10', 'repr-digest': 'sha-256=:%%%:;;' },
    'replace',
  ],
  ['55', '403 on a resume', resume, 403, {}, 'fault unauthorized/http403'],
  ['58', '401', whole, 401, { 'www-authenticate': 'Bearer' }, 'fault unauthorized/http401'],
  ['60', '407', whole, 407, {}, 'fault unauthorized/http407'],
  ['61', '404', whole, 404, {}, 'fault notFound/http404'],
  ['61', '410', whole, 410, {}, 'fault notFound/http410'],
  ['62', '500', whole, 500, {}, 'fault serverError/http500'],
  ['66', '421', whole, 421, {}, 'fault serverError/http421'],
  ['88', '999', whole, 999, {}, 'fault serverError/http999'],
  ['88', '203', whole, 203, { 'content-length': '10' }, 'fault serverError/http203'],
];

describe('the head of a response', () => {
  it.each(ROWS)('row %s, %s', (_row, _what, want, status, headers, verdict) =>
    expect(judge(want, status, headers)).toBe(verdict),
  );

  it('bytes 0-: the browser asks for a range from the start, and both answers are whole files', () => {
    const first = { ...whole, isRange: true };
    expect(judgeHead(first, { status: 206, headers: { 'content-range': 'bytes 0-9/10', etag: '"v1"' } })).toEqual({
      type: 'append',
      length: 10,
      validator: '"v1"',
    });
    expect(judgeHead(first, { status: 200, headers: { etag: '"v1"' } })).toEqual({
      type: 'replace',
      length: null,
      validator: '"v1"',
    });
  });

  it('a resume stays bound to the validator that its first byte came under', () => {
    expect(judgeHead(resume, { status: 206, headers: { 'content-range': 'bytes 4-9/10' } })).toMatchObject({
      validator: '"v1"',
    });
    expect(judgeHead({ ...resume, validator: null }, { status: 206, headers: part })).toMatchObject({
      validator: null,
    });
  });

  it('whatever the server says: bytes are only ever added at the offset that was asked for, inside the file, and under the same tag', () => {
    const number = fc.oneof(fc.integer({ min: 0, max: 12 }), fc.constantFrom(-1, 2 ** 53, 1e16));
    const range = fc.oneof(
      {
        weight: 3,
        arbitrary: fc
          .tuple(fc.integer({ min: 0, max: 6 }), fc.constantFrom(10, '*'))
          .map(([a, n]) => `bytes ${a}-9/${n}`),
      },
      fc.tuple(number, number, fc.oneof(number, fc.constant('*'))).map(([a, b, n]) => `bytes ${a}-${b}/${n}`),
      fc.string(),
    );
    const headers = fc.record(
      {
        'content-range': range,
        'content-length': fc.oneof(number.map(String), fc.string()),
        'content-encoding': fc.constantFrom('identity', '', 'gzip'),
        'content-type': fc.constantFrom('text/html', 'application/octet-stream', 'multipart/byteranges'),
        etag: fc.constantFrom('"v1"', '"v1"', '"v2"', 'W/"v1"', 'v1', ''),
        'last-modified': fc.constantFrom(older, date, 'x'),
        date: fc.constantFrom(date, 'x'),
        'retry-after': fc.oneof(fc.string(), number.map(String)),
        'repr-digest': fc.oneof(fc.string(), fc.constant(`sha-256=:${base64}:`)),
      },
      { requiredKeys: [] },
    );
    let appended = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(200, 206, 416, 503),
        headers,
        fc.integer({ min: 0, max: 6 }),
        (status, found, from) => {
          const verdict = judgeHead({ ...resume, from }, { status, headers: found as Headers });
          if (verdict.type !== 'append') return;
          appended++;
          const [, first, last] = /^bytes (\d+)-(\d+)\//i.exec((found['content-range'] ?? '').trim()) ?? [];
          expect(Number(first)).toBe(from);
          expect(Number(last)).toBeLessThan(10);
          expect(verdict.length).toBe(Number(last) - from + 1);
          if (from > 0) expect(found.etag).not.toBe('"v2"');
          expect(found['content-encoding'] ?? 'identity').not.toBe('gzip');
        },
      ),
      { numRuns: 20_000 },
    );
    expect(appended).toBeGreaterThan(30);
  });
});

describe('how long a server asks us to wait', () => {
  const wait = (status: number, headers: Headers) => {
    const verdict = judgeHead(whole, { status, headers });
    return verdict.type === 'fault' ? (verdict.fault.retryAfterMs ?? null) : 'no fault';
  };

  it.each([
    ['63', 503, { 'retry-after': '120' }, 120_000],
    ['63', 429, { 'retry-after': ' 120 ' }, 120_000],
    ['63', 429, { ratelimit: '"default";r=0;t=55' }, 55_000],
    ['63', 429, { ratelimit: '"default";r=3;t=55' }, null],
    ['64', 503, { 'retry-after': 'Fri, 20 Nov 2026 10:02:00 GMT' }, 120_000],
    ['64', 503, { 'retry-after': 'Fri, 20 Nov 2026 10:02:00 GMT', date: 'Fri, 20 Nov 2026 10:01:00 GMT' }, 60_000],
    ['64', 503, { 'retry-after': older }, 0],
    ['65', 503, { 'retry-after': '999999999' }, 999_999_999_000],
    ['65', 503, { 'retry-after': '-1' }, null],
    ['65', 503, { 'retry-after': 'abc' }, null],
    ['65', 503, { 'retry-after': '1.5' }, null],
    ['65', 503, { 'retry-after': '9'.repeat(400) }, null],
    ['65', 503, {}, null],
  ])('row %s: %i %j', (_row, status, headers, ms) => expect(wait(status, headers)).toBe(ms));

  it('is never negative and never no number', () => {
    fc.assert(
      fc.property(fc.string(), fc.option(fc.string(), { nil: undefined }), (text, clock) => {
        const ms = retryAfterMs({ 'retry-after': text, ...(clock === undefined ? {} : { date: clock }) }, now);
        expect(ms === null || (Number.isFinite(ms) && ms >= 0)).toBe(true);
      }),
    );
  });
});

describe('what a header says', () => {
  it.each([
    ['bytes 0-0/1', { first: 0, last: 0, total: 1 }],
    [' BYTES 4-9/10 ', { first: 4, last: 9, total: 10 }],
    ['bytes 4-9/*', { first: 4, last: 9, total: null }],
    ['bytes */10', null],
    ['bytes 4-/10', null],
    ['bytes 4-9', null],
    ['bytes 4-9/10, 12-13/10', null],
    ['bytes 0-9007199254740993/*', null],
    ['bytes -1-9/10', null],
    ['bytes 4 - 9/10', null],
    ['', null],
  ])('Content-Range %j', (text, range) => expect(readContentRange(text)).toEqual(range));

  it('any sha-256 survives its way through Repr-Digest', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        const value = `sha-256=:${Buffer.from(bytes).toString('base64')}:`;
        expect(reprDigest({ 'repr-digest': value })).toBe(Buffer.from(bytes).toString('hex'));
      }),
    );
  });

  it('70: the digest of a message is read', () => {
    const base64 = Buffer.alloc(32, 7).toString('base64');
    expect(contentDigest({ 'content-digest': `md5=:AAAA:, sha-256=:${base64}:` })).toBe('07'.repeat(32));
  });

  it.each(['md5=:AAAA:', 'sha-256=:AAAA:', 'sha-256=AAAA', 'sha-256=:%%%:;;', ',,', ''])(
    '72, 73: a digest that is too weak, or malformed, is none: %j',
    (text) => expect(contentDigest({ 'content-digest': text })).toBe(null),
  );

  it('remote text stands in a message short, printable and quoted', () => {
    expect(quote('a\u001b[31m"\r\nb\u202e')).toBe('"a?[31m\\"??b?"');
    expect(quote('x'.repeat(10_000)).length).toBe(82);
  });
});

describe('a whole in reply to a range', () => {
  const validatorAfter = (want: Expectation, etag: string) => {
    const verdict = judgeHead(want, { status: 200, headers: { 'content-length': '10', etag } });
    return verdict.type === 'replace' ? verdict.validator : verdict;
  };

  it('under the tag that was offered means that the server cannot read it: next time it is asked without', () => {
    expect(validatorAfter(resume, '"v1"')).toBeNull();
  });

  it('under another tag, or where nothing but a tag tells two files apart, gives the tag to offer next', () => {
    expect(validatorAfter(resume, '"v2"')).toBe('"v2"');
    expect(validatorAfter({ ...resume, sha256: [] }, '"v1"')).toBe('"v1"');
    expect(validatorAfter(whole, '"v1"')).toBe('"v1"');
  });
});
