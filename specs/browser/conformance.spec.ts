/** The browser's disk, database, locks, timers and network, held against what the ports promise: each sentence is tried in a real Chromium. */
import { afterAll, describe, expect, it } from 'vitest';
import { pageBundle, startChromium } from './chromium.js';
import { startOrderedOrigin } from './ordered-origin.js';

interface Listed {
  readonly path: readonly string[];
  readonly isSkipped: boolean;
}

/** In the page: starts the worker that holds the suites, and asks it. */
const PAGE = `<!doctype html><meta charset="utf-8"><script>
  const worker = new Worker('/suites.js' + location.search, { type: 'module' });
  window.ask = (what) => new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => reject(new Error(event.message));
    worker.postMessage(what);
  });
</script>`;

const ordered = await startOrderedOrigin();
const browser = await startChromium();
afterAll(async () => {
  await browser.close();
  await ordered[Symbol.asyncDispose]();
});

const script = { contentType: 'text/javascript' };
ordered.origin.put('/suites.js', await pageBundle('suites.ts'), script);
ordered.origin.put('/competitor.js', await pageBundle('competitor.ts'), script);
ordered.origin.put('/page.html', new TextEncoder().encode(PAGE), { contentType: 'text/html' });
const page = await browser.newPage();
await page.goto(`${ordered.origin.url}/page.html?control=${encodeURIComponent(ordered.control)}`);

type Ask = { ask(what: number | 'list'): Promise<unknown> };
const ask = (what: number | 'list'): Promise<unknown> =>
  page.evaluate((each) => (globalThis as unknown as Ask).ask(each), what);

const sentences = (await ask('list')) as readonly Listed[];

it('the suites have come over whole', () => {
  expect(sentences.length).toBeGreaterThan(150);
});

for (const [index, { path, isSkipped }] of sentences.entries()) {
  const words = path.at(-1) ?? '';
  describe(path.slice(0, -1).join(' > '), () => {
    const test = async () => {
      const failure = await ask(index);
      if (failure !== null) throw new Error(String(failure));
    };
    if (isSkipped) it.skip(words, test);
    else it(words, test);
  });
}
