/** A page with a depot, and the origin it was loaded from. */
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { type Origin, startOrigin } from '../origin/origin.js';
import { pageBundle, workerBundle } from './chromium.js';
import type { Deeds } from './page/depot.js';

export interface Failure {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly remedy?: string;
}

export interface DepotPage {
  readonly page: Page;
  /** Does something in the page; throws what it throws there. */
  call<K extends keyof Deeds>(name: K, given?: Parameters<Deeds[K]>[0]): Promise<Awaited<ReturnType<Deeds[K]>>>;
  /** What it fails with. */
  failure<K extends keyof Deeds>(name: K, given?: Parameters<Deeds[K]>[0]): Promise<Failure>;
}

interface Outcome {
  readonly value?: unknown;
  readonly error?: Failure;
  readonly fault?: { readonly type: string; readonly detail: string; readonly message: string };
}

/** Storage that is refused, as in private windows of other browsers. */
const REFUSING = `StorageManager.prototype.getDirectory = () => Promise.reject(new DOMException('no', 'SecurityError'));\n`;

/** A worker in which an error may escape. */
const FAILING = `addEventListener('message', ({ data }) => { if (data.type === 'fail') throw new Error('an error escaped'); });\n`;

export async function startSite(): Promise<Origin> {
  const site = await startOrigin();
  const script = { contentType: 'text/javascript' };
  const worker = await workerBundle();
  const text = (value: string): Uint8Array => new TextEncoder().encode(value);
  site.put('/depot.js', await pageBundle('depot.ts'), script);
  site.put('/depot-worker.js', worker, script);
  site.put('/refusing-worker.js', Buffer.concat([text(REFUSING), worker]), script);
  site.put('/failing-worker.js', Buffer.concat([text(FAILING), worker]), script);
  site.put('/', text('<!doctype html><meta charset="utf-8"><script type="module" src="/depot.js"></script>'), {
    contentType: 'text/html',
  });
  site.put('/elsewhere', text('<!doctype html>elsewhere'), { contentType: 'text/html' });
  return site;
}

export async function openPage(within: Browser | BrowserContext, url: string): Promise<DepotPage> {
  const page = await within.newPage();
  await page.goto(url);
  const outcome = async (name: string, given: unknown): Promise<Outcome> =>
    await page.evaluate(
      ([deed, what]) => (globalThis as unknown as { call(...args: unknown[]): Promise<Outcome> }).call(deed, what),
      [name, given] as const,
    );
  return {
    page,
    call: async (name, given) => {
      const { value, error, fault } = await outcome(name, given);
      if (error !== undefined) throw Object.assign(new Error(error.message), error);
      if (fault !== undefined) throw Object.assign(new Error(fault.message), fault);
      return value as never;
    },
    failure: async (name, given) => {
      const { error, fault } = await outcome(name, given);
      if (error !== undefined) return error;
      if (fault !== undefined)
        return { name: 'FaultError', code: `${fault.type}/${fault.detail}`, message: fault.message };
      throw new Error(`${name} should have failed`);
    },
  };
}
