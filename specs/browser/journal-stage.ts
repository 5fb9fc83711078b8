/** A stage in a real Chromium: bytes from an origin on loopback, a worker for each life of the program, a renderer that really crashes. */
import type { Browser, BrowserContext } from 'playwright-core';
import type { Goods, Stage, StoryDepot } from '../journals/stage.js';
import { rulesOf } from '../journals/troubled.js';
import { always, withHeaders } from '../origin/behaviour.js';
import { type Origin, startOrigin } from '../origin/origin.js';
import { type DepotPage, openPage } from './depot-page.js';

/** What the pages of a story saw of their own states, by position. */
export interface PageStage extends Stage {
  /** `position hash` of every state that a page saw while its depot was open. */
  readonly lived: readonly string[];
  /** The same of every state that a page folds from the journal. */
  hashes(): Promise<readonly string[]>;
}

async function* watched(tab: DepotPage, id: string) {
  let bytesDone = -1;
  for (;;) {
    ({ bytesDone } = await tab.call('changed', { id, bytesDone }));
    yield { bytesDone };
  }
}

/** What lets a page of another origin read it all. */
const OPEN = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'Content-Range, ETag, Retry-After',
};

export async function pageStage(browser: Browser, site: Origin): Promise<PageStage> {
  const files = await startOrigin({ headers: OPEN });
  // Its own storage, like a browser of its own.
  const context = await browser.newContext();
  const lived: string[] = [];
  let alive: DepotPage | null = null;

  async function page(): Promise<DepotPage> {
    alive ??= await openPage(context, `${site.url}/`);
    return alive;
  }

  async function open(goods: Goods, retryBaseMs: number): Promise<DepotPage> {
    for (const [path, bytes] of goods.files) files.put(path, bytes);
    const catalog = { version: 3, id: 'world', revision: 1, ...goods.shelf(files.url) };
    site.put('/catalog.json', new TextEncoder().encode(JSON.stringify(catalog)), { contentType: 'application/json' });
    const tab = await page();
    await tab.call('open', { retryBaseMs });
    return tab;
  }

  return {
    name: 'browser',
    dir: 'lading',
    lived,
    open: async (goods) => {
      const tab = await open(goods, 5);
      return {
        download: (id) => tab.call('download', id),
        watch: (id) => watched(tab, id),
        pause: (id) => tab.call('pause', id),
        resume: (id) => tab.call('resume', id),
        cancel: (id) => tab.call('cancel', id),
        retry: (id) => tab.call('retry', id),
        delete: (id, { force } = {}) => tab.call(force === true ? 'removeByForce' : 'remove', id),
        close: async () => {
          await tab.call('close');
          lived.push(...(await tab.call('lived')));
        },
      } satisfies StoryDepot;
    },
    run: (promise) => promise,
    // A reply that goes wrong can be read like any other.
    trouble: (path, ...troubles) => files.script(path, ...rulesOf(troubles), always(withHeaders(OPEN))),
    killedAt: async (goods, id, type) => {
      // So long that the retry does not come before the crash.
      const tab = await open(goods, 1_000);
      const recorded = tab.call('recorded', type);
      await tab.call('begin', id);
      await recorded;
      lived.push(...(await tab.call('lived')));
      await crash(context, tab);
      alive = null;
    },
    compact: async () => {
      await (await page()).call('compact');
    },
    journal: async () => (await page()).call('archive'),
    hashes: async () => (await page()).call('hashes'),
    [Symbol.asyncDispose]: async () => {
      await context.close();
      await files.close();
    },
  };
}

async function crash(context: BrowserContext, { page }: DepotPage): Promise<void> {
  const crashed = page.waitForEvent('crash');
  const cdp = await context.newCDPSession(page);
  // Nobody is left to answer.
  cdp.send('Page.crash').catch(() => undefined);
  await crashed;
  await page.close();
}
