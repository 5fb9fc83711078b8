/** What other origins let a page read, and what a page is told when they do not: what its author, or theirs, must change. */
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chunked, gzip, noRange, redirectTo, withHeaders } from '../origin/behaviour.js';
import { type Origin, startOrigin } from '../origin/origin.js';
import { seededBytes } from '../origin/seeded-bytes.js';
import { startChromium } from './chromium.js';
import { type DepotPage, openPage, startSite } from './depot-page.js';

const BYTES = seededBytes(1, 100_000);
const TEXT = new TextEncoder().encode('the same again. '.repeat(5_000));
const ALLOWED = { 'access-control-allow-origin': '*' };

const browser = await startChromium();
const site = await startSite();
afterAll(async () => {
  await browser.close();
  await site.close();
});

let other: Origin;
let tab: DepotPage;
const allowing = async (headers: Readonly<Record<string, string>>): Promise<string> => {
  other = await startOrigin({ headers });
  return other.put('/f', BYTES, { etag: '"tag"' });
};
beforeEach(async () => {
  tab = await openPage(browser, `${site.url}/`);
});
afterEach(async () => {
  await tab.page.close();
  await other?.close();
  // Whatever went wrong, nothing was sent that a browser would ask leave for.
  for (const { method, headers } of other.requests) {
    expect(method).not.toBe('OPTIONS');
    expect(headers['if-range']).toBe(undefined);
  }
});

describe('another origin', () => {
  it('that lets nobody read is told from one that does not answer, and what it must send is named', async () => {
    const url = await allowing({});
    expect(await tab.failure('fault', { url })).toMatchObject({
      code: 'networkUnreachable/cors',
      message: expect.stringContaining(`"Access-Control-Allow-Origin: ${site.url}"`),
    });
    await other.close();
    expect(await tab.failure('fault', { url })).toMatchObject({
      code: 'networkUnreachable/unreachable',
      message: expect.stringContaining('connect-src'),
    });
  });

  it('that exposes nothing is read on from an offset, without a question before and without If-Range', async () => {
    const url = await allowing(ALLOWED);
    const { status, headers, bytes } = await tab.call('fault', { url, from: 40_000 });
    expect({ status, bytes }).toEqual({ status: 206, bytes: 60_000 });
    expect(headers['etag']).toBe(undefined);
    expect(headers['content-range']).toBe('bytes 40000-99999/100000');
    expect(other.requests.map(({ method, range }) => [method, range])).toEqual([['GET', 'bytes=40000-']]);
    expect(other.requests[0]?.headers['if-range']).toBe(undefined);
  });

  it('that exposes them is taken at its word', async () => {
    const url = await allowing({ ...ALLOWED, 'access-control-expose-headers': 'ETag, Content-Range' });
    other.script('/f', withHeaders({ 'content-range': 'bytes 40000-99999/123456' }));
    const { headers } = await tab.call('fault', { url, from: 40_000 });
    expect(headers).toMatchObject({ etag: '"tag"', 'content-range': 'bytes 40000-99999/123456' });
  });

  it('that hides the range and tells no length is asked to expose it', async () => {
    const url = await allowing(ALLOWED);
    other.script('/f', chunked());
    expect(await tab.failure('fault', { url, from: 40_000 })).toMatchObject({
      code: 'serverError/hiddenRange',
      message: expect.stringContaining('"Access-Control-Expose-Headers: Content-Range, ETag"'),
    });
  });

  it('that redirects to one that lets nobody read is named with it', async () => {
    const url = await allowing(ALLOWED);
    const forbidding = await startOrigin();
    const target = forbidding.put('/g', BYTES);
    other.script('/f', redirectTo(target));
    expect((await tab.failure('fault', { url })).message).toContain('with every redirect on the way');
    other.script('/f', redirectTo(target), withHeaders(ALLOWED));
    const failure = await tab.failure('fault', { url });
    await forbidding.close();
    expect(failure).toMatchObject({
      code: 'networkUnreachable/redirect',
      message: expect.stringContaining(`"Access-Control-Allow-Origin: ${site.url}"`),
    });
  });

  it('that redirects to another one is followed, if that one lets everybody read', async () => {
    const url = await allowing(ALLOWED);
    await using open = await startOrigin({ headers: ALLOWED });
    other.script('/f', redirectTo(open.put('/g', BYTES)), withHeaders(ALLOWED));
    const { status, bytes } = await tab.call('fault', { url, from: 40_000 });
    expect({ status, bytes }).toEqual({ status: 206, bytes: 60_000 });
    expect(open.requests.map(({ method, range }) => [method, range])).toEqual([['GET', 'bytes=40000-']]);
  });

  it('that redirects to one that lets this page alone read is told that nobody knows this page by then', async () => {
    const url = await allowing(ALLOWED);
    await using exact = await startOrigin({ headers: { 'access-control-allow-origin': site.url } });
    other.script('/f', redirectTo(exact.put('/g', BYTES)), withHeaders(ALLOWED));
    expect((await tab.failure('fault', { url })).message).toContain('after a redirect between origins "*"');
    expect(exact.requests[0]?.headers['origin']).toBe('null');
  });

  it('that lets another page read, but not this one, is told whom to let', async () => {
    const url = await allowing({ 'access-control-allow-origin': 'https://another.test' });
    expect((await tab.failure('fault', { url })).message).toContain(`"Access-Control-Allow-Origin: ${site.url}"`);
  });

  it('without encryption cannot be read by a page that came with it, and is told so', async () => {
    await allowing(ALLOWED);
    const context = await browser.newContext();
    await context.route('https://app.test/**', async (route) => {
      const { pathname } = new URL(route.request().url());
      await route.fulfill({ response: await route.fetch({ url: `${site.url}${pathname}` }) });
    });
    const secure = await openPage(context, 'https://app.test/');
    expect(await secure.failure('fault', { url: 'http://files.test/f' })).toMatchObject({
      code: 'networkUnreachable/mixedContent',
      message: expect.stringContaining('serve it over https:'),
    });
    await context.close();
  });

  it('that compresses a range unasked is told not to', async () => {
    const url = await allowing(ALLOWED);
    other.script('/f', gzip());
    expect((await tab.failure('fault', { url })).message).toContain(
      'must not compress its reply to a request with a range',
    );
  });

  it('that compresses the whole instead of a range is told not to', async () => {
    await allowing(ALLOWED);
    const url = other.put('/text', TEXT);
    other.script('/text', noRange(), gzip());
    expect((await tab.failure('fault', { url })).message).toContain('must not compress');
  });

  it('may compress what is asked for as a whole, such as a catalog, in secret or not', async () => {
    for (const exposed of ['', 'Content-Encoding']) {
      await allowing({ ...ALLOWED, 'access-control-expose-headers': exposed });
      const url = other.put('/text', TEXT);
      other.script('/text', gzip());
      const { headers, bytes } = await tab.call('fault', { url, from: null });
      expect(bytes).toBe(TEXT.length);
      expect(headers['content-encoding']).toBe(undefined);
      await other.close();
    }
  });

  it('is not blamed when the browser is offline', async () => {
    const url = await allowing(ALLOWED);
    await tab.page.context().setOffline(true);
    expect(await tab.failure('fault', { url })).toMatchObject({ code: 'networkUnreachable/offline' });
    await tab.page.context().setOffline(false);
    expect((await tab.call('fault', { url })).bytes).toBe(BYTES.length);
  });
});

describe('the page’s own origin', () => {
  it('that compresses a range unasked is told not to', async () => {
    const url = site.put('/own', BYTES);
    site.script('/own', gzip());
    expect(await tab.failure('fault', { url })).toMatchObject({
      code: 'networkUnreachable/unreadable',
      message: expect.stringContaining('must not compress its reply to a request with a range'),
    });
  });
});
