/** A site that may store no more: the download pauses and says what is missing, keeps what it has, and goes on when there is room. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CDPSession } from 'playwright-core';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { holdAfter, nth } from '../origin/behaviour.js';
import { closedGate } from '../origin/gate.js';
import { type LoggedRequest, startOrigin } from '../origin/origin.js';
import { seededBytes, sha256Hex } from '../origin/seeded-bytes.js';
import { tar } from '../scenarios/tar.js';
import { startChromium } from './chromium.js';
import { type DepotPage, openPage, startSite } from './depot-page.js';
import { killAll, type MortalChromium, startMortalChromium } from './mortal-chromium.js';

const MIB = 1024 * 1024;
const MODEL = seededBytes(21, 40 * MIB);
const UNPACKED = seededBytes(22, 20 * MIB);
const ARCHIVE = tar({ 'top/voice.bin': UNPACKED });
/** An open file reserves more than it holds, in steps: of so much the model gets a part only. */
const TIGHT_BYTES = 32 * MIB;
const AMPLE_BYTES = 1024 * MIB;

const site = await startSite();
const files = await startOrigin({ headers: { 'access-control-allow-origin': '*' } });
afterAll(() => Promise.all([killAll(), site.close(), files.close()]));

/** With a profile on the disk: a private window's storage is in memory, and is held to its quota in another way. */
let profile: string;
let chromium: MortalChromium;
let tab: DepotPage;
let cdp: CDPSession;
let began: number;
beforeEach(async () => {
  const entry = (path: string, bytes: Uint8Array) => ({
    url: files.put(path, bytes),
    sizeBytes: bytes.length,
    sha256: sha256Hex(bytes),
  });
  const catalog = {
    version: 3,
    cores: [
      { id: 'model', files: [{ filename: 'model.onnx', ...entry('/model.onnx', MODEL) }] },
      { id: 'packed', extractType: 'tar', stripComponents: 1, ...entry('/packed.tar', ARCHIVE) },
    ],
    voices: [],
  };
  site.put('/catalog.json', new TextEncoder().encode(JSON.stringify(catalog)), { contentType: 'application/json' });
  for (const path of ['/model.onnx', '/packed.tar']) files.script(path);
  began = files.requests.length;
  profile = await mkdtemp(join(tmpdir(), 'lading-profile-'));
  chromium = await startMortalChromium(profile);
  tab = await openPage(chromium.context, `${site.url}/`);
  cdp = await chromium.context.newCDPSession(tab.page);
});
afterEach(async () => {
  await chromium.kill();
  await rm(profile, { recursive: true, force: true, maxRetries: 5 });
});

const allow = (quotaSize: number) => cdp.send('Storage.overrideQuotaForOrigin', { origin: site.url, quotaSize });
const asked = (path: string): readonly LoggedRequest[] =>
  files.requests.slice(began).filter((request) => request.path === path);
const fromOf = (request: LoggedRequest | undefined): number => Number(/^bytes=(\d+)-$/.exec(request?.range ?? '')?.[1]);

describe('a site whose quota is used up', () => {
  it('in the middle of a download pauses it, keeps what came, and goes on from there when there is room', async () => {
    const gate = closedGate();
    files.script('/model.onnx', nth(1, holdAfter(10 * MIB, gate)));
    await tab.call('open');
    await tab.call('begin', 'model');
    await tab.call('until', { id: 'model', phase: 'downloading', bytesDone: 9 * MIB });
    await allow(TIGHT_BYTES);
    gate.open();
    const paused = await tab.call('until', { id: 'model', phase: 'paused' });
    expect(paused).toMatchObject({ reason: 'noSpace', fault: { type: 'noSpace' } });
    const { bytesDone } = paused;
    expect(bytesDone).toBeGreaterThan(9 * MIB);
    expect(paused.fault?.neededBytes).toBe(MODEL.length - bytesDone);
    // Chromium's own account has ten gibibytes free whatever is allowed: it is not repeated.
    expect(paused.fault?.message).toMatch(new RegExp(`: ${MODEL.length - bytesDone} bytes are still needed$`));
    expect(paused.fault?.freeBytes).toBe(undefined);
    expect(paused.remedy).toContain('space');
    expect((await tab.call('usage')).staging).toEqual({ model: bytesDone });

    // The journal goes on: what it says is there after a reload, and so is every byte.
    await tab.page.reload();
    await tab.call('open');
    expect(await tab.call('status', 'model')).toMatchObject({ phase: 'paused', reason: 'noSpace', bytesDone });
    await allow(AMPLE_BYTES);
    await tab.call('resume', 'model');
    await tab.call('until', { id: 'model', phase: 'ready' });
    expect(asked('/model.onnx').map(fromOf)).toEqual([0, bytesDone]);
    expect(await tab.call('digest', { id: 'model', file: 'model.onnx' })).toMatchObject({ sha256: sha256Hex(MODEL) });
  });

  it('from the start pauses the download in the same way', async () => {
    await tab.call('open');
    await allow(MIB);
    expect(await tab.failure('download', 'model')).toMatchObject({ code: 'noSpace' });
    const paused = await tab.call('status', 'model');
    expect(paused).toMatchObject({ phase: 'paused', reason: 'noSpace' });
    expect(paused.fault?.neededBytes).toBe(MODEL.length - paused.bytesDone);
    await allow(AMPLE_BYTES);
    await tab.call('resume', 'model');
    await tab.call('until', { id: 'model', phase: 'ready' });
    expect(await tab.call('digest', { id: 'model', file: 'model.onnx' })).toMatchObject({ sha256: sha256Hex(MODEL) });
  });

  it('in a private window, where a write that found no room says that it wrote more than it was given', async () => {
    const browser = await startChromium();
    const context = await browser.newContext();
    try {
      const secret = await openPage(context, `${site.url}/`);
      const session = await context.newCDPSession(secret.page);
      const allowSecret = (quotaSize: number) =>
        session.send('Storage.overrideQuotaForOrigin', { origin: site.url, quotaSize });
      await secret.call('open');
      await allowSecret(TIGHT_BYTES);
      expect(await secret.failure('download', 'model')).toMatchObject({ code: 'noSpace' });
      const { bytesDone } = await secret.call('status', 'model');
      expect(bytesDone).toBeLessThan(TIGHT_BYTES);
      expect((await secret.call('usage')).staging).toEqual({ model: bytesDone });
      await allowSecret(TIGHT_BYTES + 20 * MIB);
      expect(await secret.failure('download', 'packed')).toMatchObject({ code: 'noSpace' });
      await allowSecret(AMPLE_BYTES);
      for (const id of ['model', 'packed']) {
        await secret.call('resume', id);
        await secret.call('until', { id, phase: 'ready' });
      }
      expect((await secret.call('verify')).flatMap(({ damaged }) => damaged)).toEqual([]);
    } finally {
      await browser.close();
    }
  });

  it('while an archive is unpacked keeps the archive, and nothing half unpacked', async () => {
    const gate = closedGate();
    files.script('/packed.tar', nth(1, holdAfter(19 * MIB, gate)));
    await tab.call('open');
    await tab.call('begin', 'packed');
    await tab.call('until', { id: 'packed', phase: 'downloading', bytesDone: 18 * MIB });
    await allow(TIGHT_BYTES + 4 * MIB);
    gate.open();
    const paused = await tab.call('until', { id: 'packed', phase: 'paused' });
    expect(paused).toMatchObject({ reason: 'noSpace', bytesDone: ARCHIVE.length });
    expect(paused.fault?.neededBytes).toBeGreaterThanOrEqual(ARCHIVE.length);
    expect(await tab.call('usage')).toEqual({
      cores: { packed: 0 },
      staging: { packed: ARCHIVE.length },
      otherBytes: 0,
    });
    await allow(AMPLE_BYTES);
    await tab.call('resume', 'packed');
    await tab.call('until', { id: 'packed', phase: 'ready' });
    expect(asked('/packed.tar')).toHaveLength(1);
    expect(await tab.call('digest', { id: 'packed', file: 'voice.bin' })).toMatchObject({
      sha256: sha256Hex(UNPACKED),
    });
    expect((await tab.call('usage')).staging).toEqual({});
  });
});
