/** Tabs at their worst: opened all at once, asked before they are ready, left while they open, opened and closed a hundred times. */
import { createHash } from 'node:crypto';
import type { BrowserContext } from 'playwright-core';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { holdAfter, nth } from '../origin/behaviour.js';
import { closedGate } from '../origin/gate.js';
import { startOrigin } from '../origin/origin.js';
import { seededBytes } from '../origin/seeded-bytes.js';
import { startChromium } from './chromium.js';
import { type DepotPage, openPage, startSite } from './depot-page.js';

const TABS = 8;
const MODEL = seededBytes(12, 200_000);
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

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
afterEach(() => context.close());

const tabs = (count: number): Promise<DepotPage[]> =>
  Promise.all(Array.from({ length: count }, () => openPage(context, `${site.url}/`)));
const WHOLE = { name: 'model.onnx', size: MODEL.length, sha256: sha256(MODEL) };

describe('tabs', () => {
  it('that a browser restores all at once share the one depot on the disk', { timeout: 120_000 }, async () => {
    const since = files.requestsOf('/model.onnx').length;
    for (let round = 0; round < 3; round++) {
      const all = await tabs(TABS);
      await Promise.all(all.map((tab) => tab.call('open')));
      const spaces = await Promise.all(all.map((tab) => tab.call('space')));
      expect(spaces.map(({ storage }) => storage.type)).toEqual(all.map(() => 'opfs'));
      await Promise.all(all.map((tab) => tab.call('download', 'heart')));
      for (const tab of all) expect(await tab.call('digest', { id: 'heart', file: 'model.onnx' })).toEqual(WHOLE);
      await Promise.all(all.map((tab) => tab.page.close()));
    }
    expect(files.requestsOf('/model.onnx').length - since).toBe(1);
  });

  it('that wake give a file at once, and can be closed at once', async () => {
    const [tab] = (await tabs(1)) as [DepotPage];
    await tab.call('open');
    await tab.call('download', 'heart');
    await tab.call('sleep');
    await tab.call('wake');
    expect(await tab.call('digest', { id: 'heart', file: 'model.onnx' })).toEqual(WHOLE);
    await tab.call('sleep');
    await tab.call('wake');
    await tab.call('close');
    await tab.call('open');
    expect(await tab.call('digest', { id: 'heart', file: 'model.onnx' })).toEqual(WHOLE);
  });

  it('that sleep while they open let go, and are open when they wake', async () => {
    const [tab, other] = (await tabs(2)) as [DepotPage, DepotPage];
    expect(await tab.call('openAsleep')).toBe('asleep');
    await other.call('open');
    expect(await other.call('isOwner')).toBe(true);
    await tab.call('wake');
    await tab.call('opening');
    await tab.call('download', 'heart');
    expect(await tab.call('digest', { id: 'heart', file: 'model.onnx' })).toEqual(WHOLE);
  });

  it('whose worker has failed say so to whoever asks them, also later', async () => {
    const [tab] = (await tabs(1)) as [DepotPage];
    await tab.call('open', { worker: '/failing-worker.js' });
    await tab.call('download', 'heart');
    await tab.call('failWorker');
    expect(await tab.failure('digest', { id: 'heart', file: 'model.onnx' })).toMatchObject({
      message: expect.stringContaining('an error escaped'),
    });
    await tab.call('close');
  });

  it('whose journal is broken are told one after the other, and nobody waits for ever', async () => {
    const gate = closedGate();
    files.script('/model.onnx', nth(1, holdAfter(100_000, gate)));
    const next = files.requestsOf('/model.onnx').length + 1;
    const all = await tabs(3);
    for (const tab of all) await tab.call('open', { retryBaseMs: 10 });
    const lives = all.map((tab) => tab.failure('download', 'heart'));
    await files.arrival('/model.onnx', next);
    await all[2]?.call('spoilJournal');
    gate.open();
    const failures = await Promise.all(lives);
    expect(failures.map(({ message }) => message)).toEqual([
      expect.stringContaining('taken over'),
      expect.stringContaining('damaged'),
      expect.stringContaining('damaged'),
    ]);
  });

  it('that wait for their turn can be closed, and the owner goes on', async () => {
    const [owner, guest] = (await tabs(2)) as [DepotPage, DepotPage];
    await owner.call('open');
    await guest.call('open');
    await guest.call('close');
    expect(await owner.call('locks')).toEqual({ held: 1, pending: 0 });
    await owner.call('download', 'heart');
  });

  it('that come in the midst of a takeover find the next owner', { timeout: 120_000 }, async () => {
    let [owner] = (await tabs(1)) as [DepotPage];
    await owner.call('open');
    for (let round = 0; round < 6; round++) {
      const [next, last] = (await tabs(2)) as [DepotPage, DepotPage];
      await next.call('open');
      await Promise.all([last.call('open'), round % 2 === 0 ? owner.call('close') : owner.page.close()]);
      await last.call('download', 'heart');
      expect(await next.call('digest', { id: 'heart', file: 'model.onnx' })).toEqual(WHOLE);
      await last.call('remove', 'heart');
      await last.page.close();
      owner = next;
    }
  });

  it('with depots of different names leave each other alone', async () => {
    const [one, two] = (await tabs(2)) as [DepotPage, DepotPage];
    await one.call('open', { dir: 'one' });
    await two.call('open', { dir: 'two' });
    expect([await one.call('isOwner'), await two.call('isOwner')]).toEqual([true, true]);
    await one.call('download', 'heart');
    expect((await two.call('status', 'heart')).phase).toBe('absent');
    expect(await two.call('usage')).toEqual({ cores: {}, staging: {}, otherBytes: 0 });
  });

  it.each(['a/b', '..', '', ' '])('refuse the name %j, which no folder may have', async (dir) => {
    const [tab] = (await tabs(1)) as [DepotPage];
    expect(await tab.failure('open', { dir })).toMatchObject({ code: 'invalidDir', name: 'ConfigurationError' });
  });

  it('opened and closed a hundred times leave nothing behind', { timeout: 120_000 }, async () => {
    const [tab] = (await tabs(1)) as [DepotPage];
    expect(await tab.call('churn', 100)).toEqual({ workers: 0, channels: 0, listeners: 0, most: 1 });
    expect(await tab.call('locks')).toEqual({ held: 0, pending: 0 });
  });
});
