/** Many tabs of a real Chromium with one depot: exactly one does the work, all see it, and the next takes over however the owner ends. */
import { createHash } from 'node:crypto';
import type { BrowserContext } from 'playwright-core';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { nth, stallAfter } from '../origin/behaviour.js';
import { startOrigin } from '../origin/origin.js';
import { seededBytes } from '../origin/seeded-bytes.js';
import { startChromium } from './chromium.js';
import { type DepotPage, openPage, startSite } from './depot-page.js';

const MIB = 1024 * 1024;
const TABS = 8;
/** What one owner brings before it ends: more than lies between two durable offsets. */
const SHARE_BYTES = 5 * MIB;
const ENDS = ['close', 'crash', 'leave', 'close', 'leave', 'crash', 'close'] as const;
const MODEL = seededBytes(11, (ENDS.length + 1) * SHARE_BYTES);
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const medianOf = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

const browser = await startChromium();
const site = await startSite();
const files = await startOrigin({ headers: { 'access-control-allow-origin': '*' } });
afterAll(async () => {
  await browser.close();
  await Promise.all([site.close(), files.close()]);
});

let context: BrowserContext;
beforeEach(async () => {
  const entry = { filename: 'model.onnx', url: files.put('/model.onnx', MODEL), sizeBytes: MODEL.length };
  const catalog = {
    version: 3,
    cores: [{ id: 'model', files: [{ ...entry, sha256: sha256(MODEL) }] }],
    voices: [{ id: 'heart', coreRequirements: ['model'] }],
  };
  site.put('/catalog.json', new TextEncoder().encode(JSON.stringify(catalog)), { contentType: 'application/json' });
  files.script('/model.onnx');
  context = await browser.newContext();
});

async function openTabs(count: number): Promise<DepotPage[]> {
  const tabs: DepotPage[] = [];
  for (let i = 0; i < count; i++) {
    const tab = await openPage(context, `${site.url}/`);
    await tab.call('open');
    tabs.push(tab);
  }
  return tabs;
}

async function ownersAmong(tabs: readonly DepotPage[]): Promise<readonly DepotPage[]> {
  const are = await Promise.all(tabs.map((tab) => tab.call('isOwner')));
  return tabs.filter((_, i) => are[i] === true);
}

async function end(tab: DepotPage, how: (typeof ENDS)[number]): Promise<void> {
  if (how === 'close') await tab.page.close();
  if (how === 'leave') await tab.page.goto(`${site.url}/elsewhere`);
  if (how === 'crash') {
    const crashed = tab.page.waitForEvent('crash');
    const cdp = await context.newCDPSession(tab.page);
    cdp.send('Page.crash').catch(() => undefined);
    await crashed;
  }
}

describe('tabs of one site', () => {
  it('have one owner after the other, each goes on from the bytes of the one before, and all see all of it', {
    timeout: 120_000,
  }, async () => {
    files.script('/model.onnx', ...ENDS.map((_, i) => nth(i + 1, stallAfter(SHARE_BYTES))));
    let tabs = await openTabs(TABS);
    expect(await ownersAmong(tabs)).toHaveLength(1);
    await tabs.at(-1)?.call('begin', 'heart');
    const gone: DepotPage[] = [];
    const takeoversMs: number[] = [];
    let doneBytes = 0;
    for (const how of ENDS) {
      // Everybody sees what the owner has brought: a share more than it found durable.
      const seen = await Promise.all(
        tabs.map((tab) => tab.call('until', { id: 'model', phase: 'downloading', bytesDone: doneBytes + 4 * MIB })),
      );
      doneBytes = Math.min(...seen.map(({ bytesDone }) => bytesDone)) - MIB;
      const [owner, ...others] = await ownersAmong(tabs);
      expect(others).toEqual([]);
      if (owner === undefined) throw new Error('nobody owns the depot');
      tabs = tabs.filter((tab) => tab !== owner);
      const next = Promise.any(tabs.map((tab) => tab.call('owning')));
      const endedMs = Date.now();
      await end(owner, how);
      takeoversMs.push((await next) - endedMs);
      if (how === 'leave') gone.push(owner);
    }
    await Promise.all(tabs.map((tab) => tab.call('until', { id: 'heart', phase: 'ready' })));
    for (const tab of tabs)
      expect(await tab.call('digest', { id: 'heart', file: 'model.onnx' })).toMatchObject({ sha256: sha256(MODEL) });
    // Each owner asked once, for what came after the last durable byte of the one before it.
    const asked = files.requestsOf('/model.onnx').slice(-ENDS.length - 1);
    expect(asked).toHaveLength(ENDS.length + 1);
    const froms = asked.map(({ range }) => Number(/^bytes=(\d+)-$/.exec(range ?? 'bytes=0-')?.[1]));
    froms.slice(1).forEach((from, i) => expect(from - (froms[i] ?? 0)).toBeGreaterThanOrEqual(4 * MIB));
    // Who left and comes back has it all, and fetches nothing.
    const before = files.requests.length;
    for (const tab of gone) {
      await tab.page.goBack({ waitUntil: 'commit' });
      await tab.call('until', { id: 'heart', phase: 'ready' });
    }
    expect(files.requests.length).toBe(before);
    expect(await ownersAmong([...tabs, ...gone])).toHaveLength(1);
    process.stdout.write(
      `takeover after ${ENDS.length} ends: median ${medianOf(takeoversMs)} ms, longest ${Math.max(...takeoversMs)} ms\n`,
    );
  });

  it('command the one depot from anywhere', async () => {
    files.script('/model.onnx', nth(1, stallAfter(6 * MIB)));
    const [a, b, c] = (await openTabs(3)) as [DepotPage, DepotPage, DepotPage];
    await b.call('begin', 'heart');
    await c.call('until', { id: 'model', phase: 'downloading', bytesDone: 5 * MIB });
    await c.call('pause', 'heart');
    for (const tab of [a, b, c]) await tab.call('until', { id: 'heart', phase: 'paused' });
    await a.call('resume', 'heart');
    await Promise.all([a, b, c].map((tab) => tab.call('until', { id: 'heart', phase: 'ready' })));
    await b.call('remove', 'heart');
    for (const tab of [a, b, c]) await tab.call('until', { id: 'heart', phase: 'absent' });
    expect(await c.call('usage')).toEqual({ cores: {}, staging: {}, otherBytes: 0 });
  });

  it('go on when the owner lets go by itself', async () => {
    const [a, b] = (await openTabs(2)) as [DepotPage, DepotPage];
    const next = b.call('owning');
    await a.call('close');
    await next;
    await b.call('download', 'heart');
    expect(await b.call('digest', { id: 'heart', file: 'model.onnx' })).toMatchObject({ sha256: sha256(MODEL) });
  });
});
