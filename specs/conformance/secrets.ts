/** What a fetcher is trusted with: it goes to its origin only, and is in nothing that is shown or kept. */
import type { Fetcher } from '@lading/runtime';
import { expect } from 'vitest';
import { joined, seeded, text } from './bytes.js';
import { bodyOf, type FetcherBench, plain } from './fetcher-bench.js';
import { faultIn, itUnless } from './sentence.js';

const NAME = 'x-api-key';
const TOKEN = 's3cret/token of mine';
const BYTES = seeded(4, 200_000);

export function secrets(
  make: () => Promise<FetcherBench>,
  lack: string | undefined,
  noRedirects: string | undefined,
): void {
  const sentenceUnless = (
    why: string | undefined,
    words: string,
    test: (bench: FetcherBench, fetcher: Fetcher) => Promise<void>,
  ): void =>
    itUnless(why, words, async () => {
      await using bench = await make();
      if (bench.trusting === null) throw new Error('this platform can be trusted, but its bench can not');
      await test(bench, bench.trusting({ [NAME]: TOKEN }));
    });
  const sentence = (words: string, test: (bench: FetcherBench, fetcher: Fetcher) => Promise<void>): void =>
    sentenceUnless(lack, words, test);
  const never = new AbortController().signal;

  sentence('is sent to its origin, with every request', async (bench, fetcher) => {
    bench.put('/f', BYTES);
    for (const from of [null, 100]) {
      const response = await bench.until(fetcher.fetch({ ...plain(bench.url('/f')), from }, never));
      expect(await bench.until(bodyOf(response))).toEqual(BYTES.subarray(from ?? 0));
    }
    expect(bench.heard('/f', NAME)).toEqual([TOKEN, TOKEN]);
  });

  sentenceUnless(lack ?? noRedirects, 'stays on its origin, and does not come back', async (bench, fetcher) => {
    bench.put('/end', BYTES);
    bench.redirects?.over('/start', '/abroad', '/end');
    const response = await bench.until(fetcher.fetch(plain(bench.url('/start')), never));
    expect(await bench.until(bodyOf(response))).toEqual(BYTES);
    const heard = ['/start', '/abroad', '/end'].map((path) => bench.heard(path, NAME));
    expect(heard).toEqual([[TOKEN], [null], [null]]);
  });

  sentence('is taken out of headers, and what was a validator is none any more', async (bench, fetcher) => {
    bench.put('/f', BYTES, { etag: `"${TOKEN}"`, headers: [['X-Echo', `you sent ${TOKEN}.`]] });
    const { headers } = await bench.until(fetcher.fetch(plain(bench.url('/f')), never));
    expect(headers).not.toHaveProperty('etag');
    expect(headers['x-echo']).toBe('you sent [redacted].');
  });

  sentence('is taken out of text, however it is spelt', async (_, fetcher) => {
    const told = [TOKEN, TOKEN.toUpperCase(), encodeURIComponent(TOKEN), encodeURI(TOKEN)].join(', ');
    expect(fetcher.redact?.(told)).toBe('[redacted], [redacted], [redacted], [redacted]');
  });

  sentence('ends a body that holds it, before the last of it is handed on', async (bench, fetcher) => {
    bench.put('/f', joined(BYTES, text(TOKEN), BYTES));
    const response = await bench.until(fetcher.fetch(plain(bench.url('/f')), never));
    let bytes = 0;
    const reading = (async () => {
      for await (const chunk of response.body) bytes += chunk.length;
    })();
    const fault = await bench.until(faultIn(reading));
    expect(fault).toMatchObject({ type: 'serverError', detail: 'secretEchoed' });
    expect(fault.message).not.toContain(TOKEN);
    expect(bytes).toBeLessThan(BYTES.length + TOKEN.length);
  });
}
