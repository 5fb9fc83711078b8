/** The sentences of the fetcher: what was sent is what is read, an end that is no end is a fault, and the signal ends everything. */
import type { FetchRequest } from '@lading/runtime';
import { describe, expect } from 'vitest';
import { joined, seeded, sha256, text } from './bytes.js';
import { bodyOf, expectAsked, type FetcherBench, type FetcherLacks, plain } from './fetcher-bench.js';
import { redirects } from './redirects.js';
import { secrets } from './secrets.js';
import { faultIn, itUnless, rejection } from './sentence.js';

const BYTES = seeded(1, 300_000);
const ETAG = '"of-1"';
const MODIFIED = 'Wed, 01 Jan 2020 00:00:00 GMT';
/** What `gzip` makes of nothing but one letter. */
const GZIPPED = Uint8Array.from([31, 139, 8, 0, 0, 0, 0, 0, 0, 3, 171, 0, 0, 131, 22, 220, 140, 1, 0, 0, 0]);

/** What there is to say of bytes: comparing hundreds of thousands one by one takes its time. */
const lookOf = async (bytes: Uint8Array) => ({ length: bytes.length, sha256: await sha256(bytes) });

export function fetcherConformance(name: string, make: () => Promise<FetcherBench>, lacks: FetcherLacks = {}): void {
  const sentence = (words: string, test: (bench: FetcherBench) => Promise<void>, lack?: string): void =>
    itUnless(lack, words, async () => {
      await using bench = await make();
      await test(bench);
    });
  const never = new AbortController().signal;
  const whole = async (bench: FetcherBench, request: FetchRequest) => {
    const response = await bench.until(bench.fetcher.fetch(request, never));
    const { status, headers, requests } = response;
    return { status, headers, requests, ...(await lookOf(await bench.until(bodyOf(response)))) };
  };

  describe(`the fetcher of ${name}`, () => {
    sentence('brings the bytes that were sent, and their head', async (bench) => {
      bench.put('/f', BYTES, { etag: ETAG, lastModified: MODIFIED });
      const { status, headers, requests, ...look } = await whole(bench, plain(bench.url('/f')));
      expect(status).toBe(200);
      expect(headers).toMatchObject({ etag: ETAG, 'last-modified': MODIFIED, 'content-length': '300000' });
      expect(look).toEqual(await lookOf(BYTES));
      expectAsked(bench, '/f', [{ from: null, ifRange: null, isFresh: false }]);
      expect(requests ?? 1).toBe(1);
    });

    sentence('brings a body without a byte', async (bench) => {
      bench.put('/f', new Uint8Array(0));
      expect(await whole(bench, plain(bench.url('/f')))).toMatchObject({ status: 200, length: 0 });
    });

    sentence('asks for what is left, open at the end', async (bench) => {
      bench.put('/f', BYTES, { etag: ETAG });
      for (const from of [0, 1, 123_456, 299_999]) {
        const { status, headers, ...look } = await whole(bench, { ...plain(bench.url('/f')), from });
        expect(status).toBe(206);
        expect(headers['content-range']).toBe(`bytes ${from}-299999/300000`);
        expect(look).toMatchObject(await lookOf(BYTES.subarray(from)));
      }
      expect(bench.asked('/f').map(({ from }) => from)).toEqual([0, 1, 123_456, 299_999]);
    });

    for (const [what, validator] of [['a tag', ETAG] as const, ['a date', MODIFIED] as const]) {
      sentence(`goes on by ${what} that is still right`, async (bench) => {
        bench.put('/f', BYTES, { etag: ETAG, lastModified: MODIFIED });
        const request = { ...plain(bench.url('/f')), from: 1_000, ifRange: validator };
        expect(await whole(bench, request)).toMatchObject({ status: 206, ...(await lookOf(BYTES.subarray(1_000))) });
        expectAsked(bench, '/f', [{ from: 1_000, ifRange: validator, isFresh: false }]);
      });
    }

    sentence('gets the whole if the tag or the date is another, or weak', async (bench) => {
      bench.put('/f', BYTES, { etag: ETAG, lastModified: MODIFIED });
      for (const ifRange of ['"other"', `W/${ETAG}`, 'Wed, 01 Jan 2020 00:00:01 GMT']) {
        const request = { ...plain(bench.url('/f')), from: 1_000, ifRange };
        expect(await whole(bench, request)).toMatchObject({ status: 200, ...(await lookOf(BYTES)) });
      }
    });

    sentence('passes on that there is nothing left', async (bench) => {
      bench.put('/f', BYTES, { etag: ETAG });
      const { status, headers, length } = await whole(bench, { ...plain(bench.url('/f')), from: 300_000 });
      expect([status, length]).toEqual([416, 0]);
      expect(headers['content-range']).toBe('bytes */300000');
    });

    sentence('passes on every other status with its body', async (bench) => {
      for (const status of [401, 403, 404, 410, 429, 500, 503]) {
        const body = text(`this is ${status}`);
        bench.put('/f', BYTES);
        bench.mishap('/f', { type: 'status', status, body });
        expect(await whole(bench, plain(bench.url('/f')))).toMatchObject({ status, ...(await lookOf(body)) });
      }
    });

    sentence('passes on that a path is unknown', async (bench) => {
      expect((await whole(bench, plain(bench.url('/never')))).status).toBe(404);
    });

    sentence('tells headers in lower case, and repeated ones joined', async (bench) => {
      const headers = [
        ['X-Mixed-Case', 'Kept As It Is'],
        ['Link', '<a>; rel=duplicate'],
        ['link', '<b>; rel=duplicate'],
      ] as const;
      bench.put('/f', text('x'), { headers });
      expect((await whole(bench, plain(bench.url('/f')))).headers).toMatchObject({
        'x-mixed-case': 'Kept As It Is',
        link: '<a>; rel=duplicate, <b>; rel=duplicate',
      });
    });

    const asSent = async (bench: FetcherBench) => {
      bench.put('/f', GZIPPED, { headers: [['Content-Encoding', 'gzip']] });
      const { headers, ...look } = await whole(bench, plain(bench.url('/f')));
      expect(headers['content-encoding']).toBe('gzip');
      expect(look).toMatchObject(await lookOf(GZIPPED));
    };
    sentence('does not decode what it was sent', asSent, lacks.encoded);

    const fresh = async (bench: FetcherBench) => {
      bench.put('/f', BYTES);
      await whole(bench, { ...plain(bench.url('/f')), isFresh: true });
      await whole(bench, { ...plain(bench.url('/f')), from: 5, isFresh: true });
      await whole(bench, plain(bench.url('/f')));
      expect(bench.asked('/f').map(({ isFresh }) => isFresh)).toEqual([true, true, false]);
    };
    sentence('asks caches to fetch anew when told to, and only then', fresh, lacks.freshness);

    sentence('says that a body broke off, after the bytes before', async (bench) => {
      bench.put('/f', BYTES);
      for (const afterBytes of [0, 1, 100_000, 299_999]) {
        bench.mishap('/f', { type: 'drop', afterBytes });
        const response = await bench.until(bench.fetcher.fetch(plain(bench.url('/f')), never));
        const got: Uint8Array[] = [];
        const reading = (async () => {
          for await (const chunk of response.body) got.push(Uint8Array.from(chunk));
        })();
        expect((await bench.until(faultIn(reading))).type).toBe('interrupted');
        const bytes = joined(...got);
        expect(bytes.length).toBeLessThanOrEqual(afterBytes);
        if (lacks.tail === undefined) expect(bytes.length).toBe(afterBytes);
        expect(await lookOf(bytes)).toEqual(await lookOf(BYTES.subarray(0, bytes.length)));
      }
    });

    sentence('says that nobody listens', async (bench) => {
      const fault = await bench.until(faultIn(bench.fetcher.fetch(plain(bench.deserted), never)));
      expect(fault.type).toBe('networkUnreachable');
    });

    sentence('ends before the head when the signal says so, with its reason', async (bench) => {
      bench.put('/f', BYTES);
      bench.mishap('/f', { type: 'silence' });
      const stop = new AbortController();
      const outcome = rejection(bench.fetcher.fetch(plain(bench.url('/f')), stop.signal));
      await bench.arrival('/f');
      const reason = { why: 'enough' };
      stop.abort(reason);
      expect(await bench.until(outcome)).toBe(reason);
      await bench.departure('/f');
    });

    sentence('ends in the body when the signal says so, with its reason', async (bench) => {
      bench.put('/f', BYTES);
      bench.mishap('/f', { type: 'stall', afterBytes: 100_000 });
      const stop = new AbortController();
      const response = await bench.until(bench.fetcher.fetch(plain(bench.url('/f')), stop.signal));
      const body = response.body[Symbol.asyncIterator]();
      for (let bytes = 0; bytes < 100_000; ) bytes += (await bench.until(body.next())).value?.length ?? 0;
      const outcome = rejection(body.next());
      const reason = { why: 'enough' };
      stop.abort(reason);
      expect(await bench.until(outcome)).toBe(reason);
      await bench.departure('/f');
    });

    sentence('ends a body that nobody reads when the signal says so', async (bench) => {
      bench.put('/f', BYTES);
      bench.mishap('/f', { type: 'stall', afterBytes: 10 });
      const stop = new AbortController();
      expect((await bench.until(bench.fetcher.fetch(plain(bench.url('/f')), stop.signal))).status).toBe(200);
      stop.abort(new Error('enough'));
      await bench.departure('/f');
    });

    sentence('asks for nothing when the signal has spoken before', async (bench) => {
      bench.put('/f', BYTES);
      const reason = { why: 'before' };
      expect(await bench.until(rejection(bench.fetcher.fetch(plain(bench.url('/f')), AbortSignal.abort(reason))))).toBe(
        reason,
      );
      expect(bench.asked('/f')).toEqual([]);
    });

    sentence('brings several at once, and the end of one is not the end of another', async (bench) => {
      bench.put('/a', BYTES);
      bench.put('/b', seeded(2, 200_000));
      bench.put('/c', BYTES);
      bench.mishap('/c', { type: 'stall', afterBytes: 10 });
      const stop = new AbortController();
      const ended = rejection(bench.fetcher.fetch(plain(bench.url('/c')), stop.signal).then(bodyOf));
      const others = ['/a', '/b'].map((path) => bench.fetcher.fetch(plain(bench.url(path)), never).then(bodyOf));
      await bench.arrival('/c');
      stop.abort('enough');
      expect(await bench.until(ended)).toBe('enough');
      const [a, b] = await bench.until(Promise.all(others));
      expect(await lookOf(a ?? text(''))).toEqual(await lookOf(BYTES));
      expect(await lookOf(b ?? text(''))).toEqual(await lookOf(seeded(2, 200_000)));
    });

    describe('over a redirect', () => redirects(make, lacks.redirects));
    describe('with a secret that', () => secrets(make, lacks.secrets, lacks.redirects));
  });
}
