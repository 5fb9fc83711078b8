/** A depot in a page of a real Chromium: its bytes come from another origin, and outlive the page. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Catalog, imageOf } from '@lading/core';
import { readDepot } from '@lading/node';
import { encodeLine, fold } from '@lading/runtime';
import type { BrowserContext } from 'playwright-core';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dropAfter, first, holdAfter, nth, stallAfter } from '../origin/behaviour.js';
import { closedGate } from '../origin/gate.js';
import { startOrigin } from '../origin/origin.js';
import { seededBytes } from '../origin/seeded-bytes.js';
import { startChromium } from './chromium.js';
import { type DepotPage, openPage, startSite } from './depot-page.js';

const MIB = 1024 * 1024;
const MODEL = seededBytes(1, 12 * MIB + 345);
const VOICE = seededBytes(2, 40_000);
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const browser = await startChromium();
const site = await startSite();
/** Lets every page read, and tells it nothing but what is always told: no range, no tag. */
const files = await startOrigin({ headers: { 'access-control-allow-origin': '*' } });
afterAll(async () => {
  await browser.close();
  await Promise.all([site.close(), files.close()]);
});

function catalogText(): string {
  const entry = (filename: string, path: string, bytes: Uint8Array) => ({
    filename,
    url: files.put(path, bytes),
    sizeBytes: bytes.length,
    sha256: sha256(bytes),
  });
  return JSON.stringify({
    version: 3,
    cores: [
      { id: 'model', files: [entry('model.onnx', '/model.onnx', MODEL)] },
      { id: 'af', files: [entry('voices/af.bin', '/af.bin', VOICE)] },
    ],
    voices: [{ id: 'heart', coreRequirements: ['model', 'af'] }],
  });
}

let context: BrowserContext;
let tab: DepotPage;
beforeEach(async () => {
  site.put('/catalog.json', new TextEncoder().encode(catalogText()), { contentType: 'application/json' });
  for (const path of ['/model.onnx', '/af.bin']) files.script(path);
  // Its own storage, like a browser of its own.
  context = await browser.newContext();
  tab = await openPage(context, `${site.url}/`);
});
afterEach(() => context.close());

const asked = (path: string, since = 0) => files.requestsOf(path).slice(since);

describe('a depot in a page', () => {
  it('brings a voice, and gives its files to an engine', async () => {
    expect(await tab.call('open')).toEqual([
      { id: 'heart', phase: 'absent' },
      { id: 'model', phase: 'absent' },
      { id: 'af', phase: 'absent' },
    ]);
    expect(await tab.call('download', 'heart')).toMatchObject({ id: 'heart' });
    expect(await tab.call('digest', { id: 'heart', file: 'model.onnx' })).toEqual({
      name: 'model.onnx',
      size: MODEL.length,
      sha256: sha256(MODEL),
    });
    expect(await tab.call('fetchUrl', { id: 'heart', file: 'af.bin' })).toBe(sha256(VOICE));
    expect(await tab.call('usage')).toEqual({
      cores: { model: MODEL.length, af: VOICE.length },
      staging: {},
      otherBytes: 0,
    });
    expect(await tab.call('space')).toMatchObject({ storage: { type: 'opfs' }, isPersisted: false });
  });

  it('has it again after a reload, without a request', async () => {
    await tab.call('open');
    await tab.call('download', 'heart');
    await tab.page.reload();
    const before = files.requests.length;
    expect(await tab.call('open')).toContainEqual({ id: 'heart', phase: 'ready' });
    expect(await tab.call('digest', { id: 'heart', file: 'model.onnx' })).toMatchObject({ sha256: sha256(MODEL) });
    expect(await tab.call('verify')).toEqual([
      expect.objectContaining({ core: 'af', damaged: [] }),
      expect.objectContaining({ core: 'model', damaged: [] }),
    ]);
    expect(files.requests.length).toBe(before);
  });

  it('goes on after a reload in the middle, from the last durable offset', async () => {
    const since = files.requestsOf('/model.onnx').length;
    files.script('/model.onnx', nth(1, stallAfter(9 * MIB)));
    await tab.call('open');
    await tab.call('begin', 'heart');
    await tab.call('until', { id: 'model', phase: 'downloading', bytesDone: 9 * MIB });
    await tab.page.reload();
    await tab.call('open');
    await tab.call('until', { id: 'heart', phase: 'ready' });
    const [, resumed] = asked('/model.onnx', since);
    const from = Number(/^bytes=(\d+)-$/.exec(resumed?.range ?? '')?.[1]);
    expect(from).toBeGreaterThan(MIB);
    expect(resumed?.headers['if-range']).toBe(undefined);
    expect(asked('/model.onnx', since).every(({ method }) => method === 'GET')).toBe(true);
    expect(await tab.call('digest', { id: 'heart', file: 'model.onnx' })).toMatchObject({ sha256: sha256(MODEL) });
  });

  it('keeps what came when the connection breaks, and goes on by itself', async () => {
    const since = files.requestsOf('/model.onnx').length;
    files.script('/model.onnx', first(1, dropAfter(5 * MIB)));
    await tab.call('open', { retryBaseMs: 10 });
    await tab.call('download', 'heart');
    const [, resumed] = asked('/model.onnx', since);
    // What the browser had not handed over is dropped with the connection; here that was 2 MiB at most.
    expect(Number(/^bytes=(\d+)-$/.exec(resumed?.range ?? '')?.[1])).toBeGreaterThan(MIB);
    expect(await tab.call('digest', { id: 'heart', file: 'model.onnx' })).toMatchObject({ sha256: sha256(MODEL) });
  });

  it('pauses and resumes, and shows how far it is', async () => {
    const gate = closedGate();
    files.script('/model.onnx', nth(1, holdAfter(6 * MIB, gate)));
    await tab.call('open');
    await tab.call('begin', 'heart');
    await tab.call('until', { id: 'model', phase: 'downloading', bytesDone: 5 * MIB });
    await tab.call('pause', 'heart');
    expect(await tab.call('until', { id: 'heart', phase: 'paused' })).toMatchObject({ reason: 'user' });
    gate.open();
    await tab.call('resume', 'heart');
    await tab.call('until', { id: 'heart', phase: 'ready' });
    expect(await tab.call('digest', { id: 'heart', file: 'model.onnx' })).toMatchObject({ sha256: sha256(MODEL) });
  });

  it('refuses wrong bytes by name', async () => {
    files.put('/af.bin', seededBytes(3, VOICE.length));
    await tab.call('open', { retryBaseMs: 10 });
    expect(await tab.failure('download', 'heart')).toMatchObject({ name: 'ChecksumError', code: 'checksumMismatch' });
    expect((await tab.call('usage')).cores['af'] ?? 0).toBe(0);
  });

  it('finds a damaged file, and fetches only that anew', async () => {
    await tab.call('open');
    const { paths } = await tab.call('download', 'heart');
    await tab.call('spoil', paths.find((path) => path.endsWith('af.bin')) ?? '');
    const before = files.requestsOf('/model.onnx').length;
    expect((await tab.call('repair')).find(({ core }) => core === 'af')?.damaged).toHaveLength(1);
    expect(await tab.call('digest', { id: 'heart', file: 'af.bin' })).toMatchObject({ sha256: sha256(VOICE) });
    expect(files.requestsOf('/model.onnx').length).toBe(before);
  });

  it('deletes, and leaves nothing', async () => {
    await tab.call('open');
    await tab.call('download', 'heart');
    await tab.call('remove', 'heart');
    expect(await tab.call('usage')).toEqual({ cores: {}, staging: {}, otherBytes: 0 });
    expect(await tab.call('digest', { id: 'heart', file: 'af.bin' })).toBe(null);
  });

  it('is let go when its page goes into the back/forward cache, and taken up when it comes back', async () => {
    const since = files.requestsOf('/model.onnx').length;
    files.script('/model.onnx', nth(1, stallAfter(9 * MIB)));
    await tab.call('open');
    await tab.call('begin', 'heart');
    await tab.call('until', { id: 'model', phase: 'downloading', bytesDone: 9 * MIB });
    await tab.page.goto(`${site.url}/elsewhere`);
    const other = await openPage(context, `${site.url}/`);
    await other.call('open');
    await other.call('close');
    // It is the page that was left, not a new one: nothing of it is loaded again.
    await tab.page.goBack({ waitUntil: 'commit' });
    await tab.call('until', { id: 'heart', phase: 'ready' });
    expect(asked('/model.onnx', since).length).toBeGreaterThan(1);
    expect(await tab.call('digest', { id: 'heart', file: 'model.onnx' })).toMatchObject({ sha256: sha256(MODEL) });
  });

  it('says that it lives in memory where storage is refused, and works until the page ends', async () => {
    await tab.call('open', { worker: '/refusing-worker.js' });
    expect((await tab.call('space')).storage).toMatchObject({
      type: 'memory',
      reason: 'refused',
      message: expect.stringContaining('end with the page'),
    });
    await tab.call('download', 'heart');
    expect(await tab.call('digest', { id: 'heart', file: 'model.onnx' })).toMatchObject({ sha256: sha256(MODEL) });
    expect((await tab.call('status', 'heart')).caveat).toContain('end with the page');
    await tab.page.reload();
    expect(await tab.call('open')).toContainEqual({ id: 'heart', phase: 'unavailable' });
    expect((await tab.call('status', 'heart')).caveat).toBe(null);
  });
});

describe('a journal that was recorded in a page', () => {
  it('replays in Node to the same state', async () => {
    files.script('/model.onnx', first(1, dropAfter(5 * MIB)));
    await tab.call('open', { retryBaseMs: 10 });
    await tab.call('download', 'heart');
    const { records, image } = await tab.call('journal');
    expect(records.length).toBeGreaterThan(5);
    const hash = (value: unknown): string => sha256(new TextEncoder().encode(JSON.stringify(value)));
    expect(hash(imageOf(fold({ snapshot: null, records })))).toBe(hash(image));

    const dir = await mkdtemp(join(tmpdir(), 'lading-from-page-'));
    try {
      await mkdir(join(dir, 'journal'));
      await writeFile(join(dir, 'journal', '000001.jsonl'), Buffer.concat(records.map(encodeLine)));
      const reader = await readDepot({ dir, catalog: Catalog.empty() });
      expect(await reader.history()).toEqual(records);
      // Node finds the history whole, and none of its files: what is installed lies in the page's storage.
      expect(reader.state.position).toBeGreaterThanOrEqual(image.position);
      expect(reader.status('heart').phase).toBe('unavailable');
    } finally {
      await rm(dir, { recursive: true });
    }
  });
});

describe('a site whose storage is cleared', () => {
  it('in the middle of a download is noticed: nothing is ready, and a reload begins anew', async () => {
    const gate = closedGate();
    files.script('/model.onnx', nth(1, holdAfter(9 * MIB, gate)));
    await tab.call('open');
    await tab.call('begin', 'heart');
    await tab.call('until', { id: 'model', phase: 'downloading', bytesDone: 9 * MIB });
    const cdp = await context.newCDPSession(tab.page);
    await cdp.send('Storage.clearDataForOrigin', { origin: site.url, storageTypes: 'all' });
    const download = tab.failure('download', 'heart');
    gate.open();
    expect(await download).toMatchObject({ code: 'storageError' });
    expect((await tab.call('status', 'heart')).phase).not.toBe('ready');
    await tab.page.reload();
    expect(await tab.call('open')).toContainEqual({ id: 'heart', phase: 'absent' });
    await tab.call('download', 'heart');
    expect(await tab.call('digest', { id: 'heart', file: 'model.onnx' })).toMatchObject({ sha256: sha256(MODEL) });
  });

  it('of its files alone is noticed too, before anything is ready, and after a reload they are fetched again', async () => {
    const gate = closedGate();
    files.script('/model.onnx', nth(1, holdAfter(9 * MIB, gate)));
    await tab.call('open', { retryBaseMs: 10 });
    await tab.call('begin', 'heart');
    await tab.call('until', { id: 'model', phase: 'downloading', bytesDone: 9 * MIB });
    const cdp = await context.newCDPSession(tab.page);
    await cdp.send('Storage.clearDataForOrigin', { origin: site.url, storageTypes: 'file_systems' });
    gate.open();
    expect(await tab.call('until', { id: 'heart', phase: 'failed' })).toMatchObject({ reason: 'storageError' });
    await tab.page.reload();
    await tab.call('open');
    await tab.call('retry', 'heart');
    await tab.call('until', { id: 'heart', phase: 'ready' });
    expect(await tab.call('digest', { id: 'heart', file: 'model.onnx' })).toMatchObject({ sha256: sha256(MODEL) });
  });

  it('after a download is noticed when it is opened again', async () => {
    await tab.call('open');
    await tab.call('download', 'heart');
    const cdp = await context.newCDPSession(tab.page);
    await cdp.send('Storage.clearDataForOrigin', { origin: site.url, storageTypes: 'file_systems' });
    await tab.page.reload();
    expect(await tab.call('open')).toContainEqual({ id: 'heart', phase: 'unavailable' });
    await tab.call('download', 'heart');
    expect(await tab.call('digest', { id: 'heart', file: 'model.onnx' })).toMatchObject({ sha256: sha256(MODEL) });
  });
});
