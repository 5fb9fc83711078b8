/** Redirects, for platforms that have them: the final response is what counts, and the way to it is bounded. */
import { expect } from 'vitest';
import { seeded } from './bytes.js';
import { bodyOf, expectAsked, type FetcherBench, plain, type RedirectBench } from './fetcher-bench.js';
import { faultIn, itUnless, rejection } from './sentence.js';

/** More requests than any client makes for one that is sent round in circles (RFC 9110 §15.4; fetch stops after 20). */
const MANY_HOPS = 25;
const BYTES = seeded(3, 50_000);

export function redirects(make: () => Promise<FetcherBench>, lack: string | undefined): void {
  const sentence = (words: string, test: (bench: FetcherBench, ways: RedirectBench) => Promise<void>): void =>
    itUnless(lack, words, async () => {
      await using bench = await make();
      if (bench.redirects === null) throw new Error('this platform has redirects, but its bench has none');
      await test(bench, bench.redirects);
    });
  const never = new AbortController().signal;

  for (const status of [301, 302, 303, 307, 308]) {
    sentence(`with ${status} brings the final head and body, for the same range`, async (bench, ways) => {
      bench.put('/end', BYTES, { etag: '"end"' });
      ways.to('/middle', '/end', status);
      ways.to('/start', '/middle', status);
      const request = { url: bench.url('/start'), from: 10, ifRange: '"end"', isFresh: true };
      const response = await bench.until(bench.fetcher.fetch(request, never));
      expect(response).toMatchObject({ status: 206, headers: { etag: '"end"' } });
      expect(response.headers['location']).toBe(undefined);
      if (response.requests !== undefined) expect(response.requests).toBe(3);
      expect(await bench.until(bodyOf(response))).toEqual(BYTES.subarray(10));
      expectAsked(bench, '/end', [{ from: 10, ifRange: '"end"', isFresh: true }]);
    });
  }

  sentence('brings what another origin serves', async (bench, ways) => {
    ways.abroad('/start', BYTES);
    const response = await bench.until(bench.fetcher.fetch(plain(bench.url('/start')), never));
    expect(await bench.until(bodyOf(response))).toEqual(BYTES);
  });

  sentence('without end says so after a bounded number of hops', async (bench, ways) => {
    ways.to('/start', '/start', 302);
    const fault = await bench.until(faultIn(bench.fetcher.fetch(plain(bench.url('/start')), never)));
    expect(['serverError', 'networkUnreachable']).toContain(fault.type);
    expect(ways.count()).toBeLessThan(MANY_HOPS);
  });

  sentence('ends on the way when the signal says so, with its reason', async (bench, ways) => {
    bench.put('/end', BYTES);
    bench.mishap('/end', { type: 'silence' });
    ways.to('/start', '/end', 302);
    const stop = new AbortController();
    const outcome = rejection(bench.fetcher.fetch(plain(bench.url('/start')), stop.signal));
    await bench.arrival('/end');
    stop.abort('enough');
    expect(await bench.until(outcome)).toBe('enough');
    await bench.departure('/end');
  });
}
