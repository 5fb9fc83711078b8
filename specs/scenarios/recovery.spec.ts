/** A process dies by SIGKILL at a chosen event; the next one opens the same folder and goes on. On real HTTP and real files. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LadingEvent } from '@lading/core';
import { describe, expect, it } from 'vitest';
import { holdAfter, nth } from '../origin/behaviour.js';
import { closedGate } from '../origin/gate.js';
import { seededBytes } from '../origin/seeded-bytes.js';
import { cleoPath, modelPath, phonemesPath, sharedFiles, sharedPaths, speechIn, tablePath } from './speech.js';
import { checkManners, filesBelow, historyOf, type Shelf, startWorld, statusOf, type World } from './world.js';

const MIB = 1024 * 1024;
const program = fileURLToPath(new URL('./depot-process.mjs', import.meta.url));

/** Runs the command in a process of its own until it dies at the event. */
async function dieAt(
  world: World,
  shelf: Shelf,
  command: 'download' | 'delete',
  id: string,
  event: string,
  core?: string,
) {
  const { cores, voices, bundles } = shelf;
  const manifest = { version: 3, id: 'world', revision: 1, cores, voices, bundles };
  world.origin.put('/catalog.json', Buffer.from(JSON.stringify(manifest)));
  const catalog = `${world.origin.url}/catalog.json`;
  const words = [program, world.dir, catalog, command, id, event, ...(core === undefined ? [] : [core])];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (bytes: Buffer) => {
    said += bytes.toString();
  });
  const [, signal] = (await once(child, 'close')) as [number | null, string | null];
  expect(signal, `the process met ${event}; it said: ${said}`).toBe('SIGKILL');
}

describe('after SIGKILL', () => {
  it('in mid transfer, the next process asks for the rest, under the tag of the first bytes', async () => {
    await using world = await startWorld();
    const speech = speechIn(world, 12 * MIB);
    // The process dies at its first checkpoint, and can at most have been given what stands before the gate.
    world.origin.script(modelPath, nth(1, holdAfter(7 * MIB, closedGate())));
    await dieAt(world, speech, 'download', 'aria', 'CoreCheckpointed', 'model');

    const depot = await world.open(speech);
    expect(depot.status('aria').phase).toBe('waiting');
    const voice = await depot.download('aria');
    const [before, after] = world.origin.requestsOf(modelPath);
    const from = Number(/^bytes=(\d+)-$/.exec(after?.range ?? '')?.[1]);
    expect(from).toBeGreaterThanOrEqual(4 * MIB);
    expect(from).toBeLessThanOrEqual(7 * MIB);
    expect(after).toMatchObject({ status: 206, bytesSent: 12 * MIB - from });
    expect(after?.headers['if-range']).toMatch(/^"/);
    expect((before?.bytesSent ?? 0) - from, 'bytes that had to be fetched twice').toBeLessThanOrEqual(8 * MIB);
    expect(voice.files.find(({ filename }) => filename === 'model.onnx')?.sha256).toBe(speech.model.sha256);
    expect(await world.installed()).toEqual(sharedFiles);
    checkManners(world.origin.requests.filter(({ path }) => path !== '/catalog.json'));
  });

  it('of many files at once, what is lost is theirs together: each has a durable offset four times as often', async () => {
    await using world = await startWorld();
    const names = ['encoder', 'decoder', 'joiner', 'weights'];
    const files = names.map((name, i) => {
      const file = world.serve(`/${name}`, seededBytes(i + 1, 8 * MIB));
      // Alone, none of them would have one yet.
      world.origin.script(`/${name}`, nth(1, holdAfter(3 * MIB, closedGate())));
      return { ...file, filename: name };
    });
    const depot = await world.open({ cores: [{ id: 'wide', files }] }, { stallMs: 60_000 });
    const history = historyOf(depot);
    depot.download('wide').catch(() => undefined);
    for (const name of names) {
      const isDurable = (event: LadingEvent) =>
        event.type === 'CoreCheckpointed' && (event.files[name]?.bytes ?? 0) >= MIB;
      await history.until(isDurable);
    }
  });

  it.each(['VoiceRequested', 'CoreStarted', 'CorePrepared', 'CoreCheckpointed'])(
    'at %s, the download goes on by itself',
    async (event) => {
      await using world = await startWorld();
      const speech = speechIn(world);
      await dieAt(world, speech, 'download', 'aria', event);
      const depot = await world.open(speech);
      await statusOf(depot, 'aria', ({ phase }) => phase === 'ready');
      expect(await world.installed()).toEqual(sharedFiles);
    },
  );

  it.each([
    ['CoreDownloaded', 'model', modelPath],
    ['CoreVerified', 'table', tablePath],
    ['CoreVerified', 'phonemes', phonemesPath],
    ['CoreExtracted', 'phonemes', phonemesPath],
    ['CoreInstalled', 'model', modelPath],
    ['CoreInstalled', 'phonemes', phonemesPath],
  ])('at %s of the core "%s", not a byte of it is fetched again', async (event, core, path) => {
    await using world = await startWorld();
    const speech = speechIn(world);
    await dieAt(world, speech, 'download', 'aria', event, core);
    expect(world.origin.requestsOf(path)).toHaveLength(1);
    const depot = await world.open(speech);
    await depot.download('aria');
    expect(world.origin.requestsOf(path)).toHaveLength(1);
    expect(await world.installed()).toEqual(sharedFiles);
    expect(await filesBelow(join(world.dir, 'staging'))).toEqual([]);
  });

  it('at the very end, the voice is ready and nothing is asked', async () => {
    await using world = await startWorld();
    const speech = speechIn(world);
    await dieAt(world, speech, 'download', 'aria', 'VoiceReady');
    const before = world.origin.requests.length;
    const depot = await world.open(speech);
    expect(depot.status('aria').phase).toBe('ready');
    await depot.download('basil');
    expect(world.origin.requests).toHaveLength(before);
    expect(world.origin.requests.filter(({ path }) => sharedPaths.includes(path))).toHaveLength(3);
  });

  it('in a deletion, the deletion is carried through', async () => {
    await using world = await startWorld();
    const speech = speechIn(world);
    const first = await world.open(speech);
    await first.download('everyone');
    await first.close();
    await dieAt(world, speech, 'delete', 'cleo', 'CoreDeletionStarted');

    const depot = await world.open(speech);
    const history = historyOf(depot);
    if (depot.status('cleo').phase !== 'absent') await history.until(({ type }) => type === 'VoiceDeleted');
    expect(depot.status('cleo').phase).toBe('absent');
    expect(depot.status('aria').phase).toBe('ready');
    expect(await world.installed()).toEqual(sharedFiles);
    expect(await readdir(join(world.dir, 'cores'))).not.toContain('cleo_model');
    expect(world.origin.requestsOf(cleoPath)).toHaveLength(1);
  });
});
