/** Voices and the cores they share, on real HTTP and real files: what is asked of the origin, what is on the disk, what is said. */
import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { LadingEvent } from '@lading/core';
import { describe, expect, it } from 'vitest';
import { first, fromNth, hold, holdAfter, nth, stallAfter, status } from '../origin/behaviour.js';
import { closedGate } from '../origin/gate.js';
import { cleoPath, modelPath, phonemesPath, sharedFiles, sharedPaths, speechIn, tablePath } from './speech.js';
import { checkManners, filesBelow, historyOf, refusalOf, startWorld, statusOf } from './world.js';

const isCore = (type: string, core: string) => (event: LadingEvent) =>
  event.type === type && 'core' in event && event.core === core;
const isVoice = (type: string, voice: string) => (event: LadingEvent) =>
  event.type === type && 'voice' in event && event.voice === voice;

describe('a voice with three shared cores', () => {
  it('brings each core once, and a second voice that shares them downloads nothing', async () => {
    await using world = await startWorld();
    const depot = await world.open(speechIn(world));
    const aria = await depot.download('aria');
    expect(world.origin.requests.map(({ path }) => path).sort()).toEqual([...sharedPaths].sort());
    expect(await world.installed()).toEqual(sharedFiles);
    const before = await stat(aria.path('model.onnx'));

    expect(depot.plan('basil')).toMatchObject({ bytesToFetch: 0, neededBytes: 0 });
    const history = historyOf(depot);
    const basil = await depot.download('basil');

    expect(world.origin.requests).toHaveLength(3);
    expect(history.types).toEqual(['VoiceRequested', 'VoiceReady']);
    expect(basil.path('model.onnx')).toBe(aria.path('model.onnx'));
    const after = await stat(basil.path('model.onnx'));
    expect([after.ino, after.mtimeMs]).toEqual([before.ino, before.mtimeMs]);
    expect(depot.status('basil')).toMatchObject({ phase: 'ready', reason: null });
    checkManners(world.origin.requests);
  });

  it('asked for twice at once, is fetched once', async () => {
    await using world = await startWorld();
    const depot = await world.open(speechIn(world));
    const [one, other] = await Promise.all([depot.download('aria'), depot.download('aria')]);
    expect(one.paths).toEqual(other.paths);
    expect(world.origin.requests).toHaveLength(3);
    await depot.download('aria');
    expect(world.origin.requests).toHaveLength(3);
  });

  it('shares what another voice needs too, so that voice brings only its own', async () => {
    await using world = await startWorld();
    const speech = speechIn(world);
    const depot = await world.open(speech);
    await depot.download('aria');
    expect(depot.plan('cleo').bytesToFetch).toBe(speech.cleo.sizeBytes);
    await depot.download('cleo');
    expect(world.origin.requests.slice(3).map(({ path }) => path)).toEqual([cleoPath]);
  });

  it('comes as part of a bundle, in which every core is fetched once', async () => {
    await using world = await startWorld();
    const speech = speechIn(world);
    const depot = await world.open(speech);
    const plan = depot.plan('everyone');
    expect(plan.voices).toEqual(['aria', 'basil', 'cleo']);
    const { model, table, phonemes } = speech;
    expect(plan.sharingSavesBytes).toBe(model.sizeBytes + 2 * (table.sizeBytes + phonemes.sizeBytes));
    await depot.download('everyone');
    expect(world.origin.requests.map(({ path }) => path).sort()).toEqual([...sharedPaths, cleoPath].sort());
    expect(depot.installed().map(({ id }) => id)).toEqual(expect.arrayContaining(['aria', 'basil', 'cleo']));
  });
});

describe('two voices that wait for the same cores', () => {
  it('when one is cancelled, the other gets them from the same transfer', async () => {
    await using world = await startWorld();
    const depot = await world.open(speechIn(world));
    const gate = closedGate();
    world.origin.script(modelPath, holdAfter(100_000, gate));
    const history = historyOf(depot);
    const aria = refusalOf(depot.download('aria'));
    const basil = depot.download('basil');
    await gate.reached;
    await depot.cancel('aria');
    expect((await aria).code).toBe('cancelled');
    expect(depot.status('aria').phase).toBe('absent');
    expect(depot.status('basil')).toMatchObject({ phase: 'waiting', reason: 'downloading' });
    expect(depot.status('model').phase).toBe('downloading');
    gate.open();
    await basil;
    expect(world.origin.requests).toHaveLength(3);
    expect(history.types).not.toContain('CoreCancelStarted');
    expect(history.types).not.toContain('CorePaused');
    expect(await world.installed()).toEqual(sharedFiles);
  });

  it('when both are cancelled, the transfer ends at once, on a stalled connection too, and nothing stays', async () => {
    await using world = await startWorld();
    const depot = await world.open(speechIn(world), { stallMs: 600_000 });
    world.origin.script(modelPath, stallAfter(100_000));
    const both = [refusalOf(depot.download('aria')), refusalOf(depot.download('basil'))];
    const request = await world.origin.arrival(modelPath);
    await statusOf(depot, 'model', ({ bytesDone }) => bytesDone >= 100_000);
    await depot.cancel('aria');
    expect(request.outcome).not.toBe('left');
    await depot.cancel('basil');
    expect((await Promise.all(both)).map(({ code }) => code)).toEqual(['cancelled', 'cancelled']);
    expect(await filesBelow(join(world.dir, 'staging'))).toEqual([]);
    expect(await filesBelow(join(world.dir, 'cores'))).toEqual([]);
    expect(depot.list().map(({ phase }) => phase)).toEqual(depot.list().map(() => 'absent'));
  });

  it('when a core fails for good, both fail with its reason, and the other cores are kept', async () => {
    await using world = await startWorld();
    const depot = await world.open(speechIn(world));
    world.origin.script(modelPath, status(404));
    const errors = await Promise.all([refusalOf(depot.download('aria')), refusalOf(depot.download('basil'))]);
    expect(errors.map(({ code, name }) => [code, name])).toEqual([
      ['notFound', 'DownloadError'],
      ['notFound', 'DownloadError'],
    ]);
    await statusOf(depot, 'phonemes', ({ phase }) => phase === 'ready');
    await statusOf(depot, 'table', ({ phase }) => phase === 'ready');
    expect(depot.status('aria')).toMatchObject({ phase: 'failed', reason: 'notFound' });
    expect(depot.status('basil')).toMatchObject({ phase: 'failed', reason: 'notFound' });
    expect(world.origin.requestsOf(modelPath)).toHaveLength(1);
  });
});

describe('one failed core', () => {
  it.each(['aria', 'model'])(
    'retried by "%s", is the only one that is fetched again, and every voice follows',
    async (id) => {
      await using world = await startWorld();
      const depot = await world.open(speechIn(world));
      world.origin.script(modelPath, first(1, status(404)));
      await Promise.all([refusalOf(depot.download('aria')), refusalOf(depot.download('basil'))]);
      await statusOf(depot, 'phonemes', ({ phase }) => phase === 'ready');
      await statusOf(depot, 'table', ({ phase }) => phase === 'ready');
      const before = world.origin.requests.length;

      await depot.retry(id);
      await statusOf(depot, 'aria', ({ phase }) => phase === 'ready');
      if (id === 'model') await statusOf(depot, 'basil', ({ phase }) => phase === 'ready');
      expect(world.origin.requests.slice(before).map(({ path }) => path)).toEqual([modelPath]);
      expect(await world.installed()).toEqual(sharedFiles);
      await depot.download('basil');
      expect(world.origin.requests).toHaveLength(before + 1);
    },
  );

  it('that is asked for by another voice is tried again for both', async () => {
    await using world = await startWorld();
    const depot = await world.open(speechIn(world));
    world.origin.script(modelPath, first(1, status(404)));
    await refusalOf(depot.download('aria'));
    await depot.download('basil');
    await statusOf(depot, 'aria', ({ phase }) => phase === 'ready');
  });
});

describe('deleting', () => {
  it('one of two voices leaves their cores, and the last one takes them', async () => {
    await using world = await startWorld();
    const depot = await world.open(speechIn(world));
    await Promise.all([depot.download('aria'), depot.download('basil')]);
    const before = await world.final();
    await depot.delete('aria');
    expect(await world.final()).toEqual(before);
    expect(depot.status('aria').phase).toBe('absent');
    expect(depot.status('basil').phase).toBe('ready');
    await depot.delete('basil');
    expect(await filesBelow(join(world.dir, 'cores'))).toEqual([]);
    expect((await depot.usage()).cores).toEqual({});
    expect(world.origin.requests).toHaveLength(3);
  });

  it('a voice frees exactly what nobody else needs', async () => {
    await using world = await startWorld();
    const depot = await world.open(speechIn(world));
    await depot.download('everyone');
    await depot.delete('cleo');
    expect(await world.installed()).toEqual(sharedFiles);
    await depot.delete('aria');
    await depot.download('cleo');
    await depot.delete('basil');
    expect(await world.installed()).toEqual([
      'cleo_model/cleo.onnx',
      'phonemes/lang/en',
      'phonemes/phontab',
      'table/voices.bin',
    ]);
    expect(world.origin.requestsOf(cleoPath)).toHaveLength(2);
    expect(world.origin.requestsOf(tablePath)).toHaveLength(1);
  });

  it('a voice while another still waits for the same cores leaves the transfer alone', async () => {
    await using world = await startWorld();
    const depot = await world.open(speechIn(world));
    const gate = closedGate();
    world.origin.script(modelPath, hold(gate));
    const aria = refusalOf(depot.download('aria'));
    const basil = depot.download('basil');
    await gate.reached;
    await depot.delete('aria');
    expect((await aria).code).toBe('cancelled');
    gate.open();
    await basil;
    expect(world.origin.requests).toHaveLength(3);
  });

  it('a core under a ready voice is refused, and changes nothing', async () => {
    await using world = await startWorld();
    const depot = await world.open(speechIn(world));
    await depot.download('aria');
    const before = await world.final();
    const history = historyOf(depot);
    const refusal = await refusalOf(depot.delete('model'));
    expect(refusal).toMatchObject({ name: 'ConfigurationError', code: 'inUse' });
    expect(refusal.message).toContain('aria');
    expect(history.events).toEqual([]);
    expect(await world.final()).toEqual(before);
    expect(depot.status('aria').phase).toBe('ready');
  });

  it('a core by force makes its voices unavailable before its first file goes', async () => {
    await using world = await startWorld();
    const depot = await world.open(speechIn(world));
    const aria = await depot.download('aria');
    await depot.download('cleo');
    const file = aria.path('model.onnx');
    let wasThere: boolean | null = null;
    depot.events$.subscribe(({ event }) => {
      if (event.type === 'VoiceUnavailable') wasThere = existsSync(file);
    });
    const history = historyOf(depot);
    await depot.delete('model', { force: true });
    expect(wasThere).toBe(true);
    expect(history.types).toEqual(['VoiceUnavailable', 'CoreDeletionStarted', 'CoreDeleted']);
    expect(existsSync(file)).toBe(false);
    expect(depot.status('aria')).toMatchObject({ phase: 'unavailable', reason: 'coreLost' });
    expect(depot.status('cleo').phase).toBe('ready');
    expect(depot.asset('aria')).toBeNull();

    const before = world.origin.requests.length;
    await depot.download('aria');
    expect(world.origin.requests.slice(before).map(({ path }) => path)).toEqual([modelPath]);
    expect(depot.status('aria').phase).toBe('ready');
  });

  it('and asking again at once means: deleted, then downloaded', async () => {
    await using world = await startWorld();
    const depot = await world.open(speechIn(world));
    await depot.download('aria');
    const history = historyOf(depot);
    const gone = depot.delete('aria');
    const back = depot.download('aria');
    await Promise.all([gone, back]);
    for (const core of ['model', 'table', 'phonemes']) {
      const mine = history.events.filter((event) => 'core' in event && event.core === core).map(({ type }) => type);
      expect(mine.indexOf('CoreDeleted')).toBeGreaterThanOrEqual(0);
      expect(mine.indexOf('CoreStarted')).toBeGreaterThan(mine.indexOf('CoreDeleted'));
    }
    expect(world.origin.requests).toHaveLength(6);
    expect(await world.installed()).toEqual(sharedFiles);
    expect(depot.status('aria').phase).toBe('ready');
  });
});

describe('a pause', () => {
  it('keeps the bytes: the next request asks for the rest, under the tag of the first', async () => {
    await using world = await startWorld();
    const speech = speechIn(world);
    const depot = await world.open(speech);
    world.origin.script(modelPath, nth(1, stallAfter(100_000)));
    const history = historyOf(depot);
    const voice = depot.download('aria');
    await statusOf(depot, 'model', ({ bytesDone }) => bytesDone === 100_000);
    await depot.pause('aria');
    await history.until((event) => isCore('CoreCheckpointed', 'model')(event) && history.types.includes('CorePaused'));
    expect(depot.status('aria')).toMatchObject({ phase: 'paused', reason: 'user' });
    expect((await world.origin.arrival(modelPath)).outcome).toBe('stalled');
    expect(world.origin.requestsOf(modelPath)).toHaveLength(1);

    await depot.resume('aria');
    await voice;
    const [, again] = world.origin.requestsOf(modelPath);
    expect(again).toMatchObject({ range: 'bytes=100000-', status: 206, bytesSent: speech.model.sizeBytes - 100_000 });
    expect(again?.headers['if-range']).toMatch(/^"/);
    expect(world.origin.requestsOf(modelPath)).toHaveLength(2);
  });

  it('that ends at once keeps them too', async () => {
    await using world = await startWorld();
    const depot = await world.open(speechIn(world));
    world.origin.script(modelPath, nth(1, stallAfter(100_000)));
    const voice = depot.download('aria');
    await statusOf(depot, 'model', ({ bytesDone }) => bytesDone === 100_000);
    await Promise.all([depot.pause('aria'), depot.resume('aria')]);
    await voice;
    expect(world.origin.requestsOf(modelPath).map(({ range }) => range)).toEqual([null, 'bytes=100000-']);
  });

  it('of one voice does not stop what another one waits for', async () => {
    await using world = await startWorld();
    const depot = await world.open(speechIn(world));
    const gate = closedGate();
    world.origin.script(modelPath, hold(gate));
    void depot.download('aria').catch(() => undefined);
    const basil = depot.download('basil');
    await gate.reached;
    await depot.pause('aria');
    gate.open();
    await basil;
    expect(world.origin.requests).toHaveLength(3);
    await depot.resume('aria');
    expect(depot.status('aria').phase).toBe('ready');
    expect(world.origin.requests).toHaveLength(3);
  });

  it('is what an aborted signal means, and the promise tells the reason', async () => {
    await using world = await startWorld();
    const depot = await world.open(speechIn(world));
    world.origin.script(modelPath, nth(1, stallAfter(100_000)));
    const controller = new AbortController();
    const history = historyOf(depot);
    const voice = depot.download('aria', { signal: controller.signal });
    await statusOf(depot, 'model', ({ bytesDone }) => bytesDone === 100_000);
    const reason = new Error('the person went away');
    controller.abort(reason);
    await expect(voice).rejects.toBe(reason);
    await history.until(isVoice('VoicePaused', 'aria'));
    expect(depot.status('aria').phase).toBe('paused');
    await history.until((event) => isCore('CoreCheckpointed', 'model')(event) && history.types.includes('CorePaused'));

    await depot.resume('aria');
    await statusOf(depot, 'aria', ({ phase }) => phase === 'ready');
    expect(world.origin.requestsOf(modelPath).map(({ range }) => range)).toEqual([null, 'bytes=100000-']);
  });

  it('does not follow from one signal while somebody else awaits the same voice', async () => {
    await using world = await startWorld();
    const depot = await world.open(speechIn(world));
    const gate = closedGate();
    world.origin.script(modelPath, hold(gate));
    const controller = new AbortController();
    const mine = depot.download('aria', { signal: controller.signal });
    const yours = depot.download('aria');
    await gate.reached;
    controller.abort();
    await expect(mine).rejects.toBe(controller.signal.reason);
    gate.open();
    await yours;
    expect(world.origin.requests).toHaveLength(3);
  });

  it('was not even begun when the signal had been aborted before', async () => {
    await using world = await startWorld();
    const depot = await world.open(speechIn(world));
    await expect(depot.download('aria', { signal: AbortSignal.abort() })).rejects.toThrow();
    expect(world.origin.requests).toEqual([]);
    expect(depot.status('aria').phase).toBe('absent');
  });
});

describe('the queue', () => {
  it('never has more cores in work than slots', async () => {
    await using world = await startWorld();
    const gates = [1, 2, 3, 4, 5, 6].map(() => closedGate());
    const cores = gates.map((gate, i) => {
      const path = `/core-${i}.bin`;
      const file = world.serve(path, new Uint8Array(20_000).fill(i));
      world.origin.script(path, hold(gate));
      return { id: `core_${i}`, files: [file] };
    });
    const voices = [{ id: 'six', coreRequirements: cores.map(({ id }) => id) }];
    const depot = await world.open({ cores, voices }, { concurrency: 2 });
    let most = 0;
    depot.events$.subscribe(() => {
      most = Math.max(most, depot.state.working.size);
    });
    const voice = depot.download('six');
    for (const [i, gate] of gates.entries()) {
      await gate.reached;
      const open = world.origin.requests.filter(({ outcome }) => outcome === 'open').length;
      expect(open).toBeLessThanOrEqual(2);
      if (i >= 1) gates[i - 1]?.open();
    }
    gates.at(-1)?.open();
    await voice;
    expect(most).toBe(2);
    expect(world.origin.requests).toHaveLength(6);
  });

  it('starts what is given priority before what has waited longer', async () => {
    await using world = await startWorld();
    const gate = closedGate();
    const cores = ['early', 'middle', 'late'].map((id, i) => {
      const path = `/${id}.bin`;
      const core = { id, files: [world.serve(path, new Uint8Array(1_000).fill(i))] };
      return core;
    });
    world.origin.script('/early.bin', hold(gate));
    const depot = await world.open({ cores }, { concurrency: 1 });
    const all = ['early', 'middle', 'late'].map((id) => depot.download(id));
    await gate.reached;
    await depot.prioritize('late', 5);
    expect(depot.status('late')).toMatchObject({ phase: 'queued', reason: 'waitingForSlot' });
    gate.open();
    await Promise.all(all);
    expect(world.origin.requests.map(({ path }) => path)).toEqual(['/early.bin', '/late.bin', '/middle.bin']);
  });
});

describe('an update', () => {
  it('is fetched beside the ready version, which stays usable until the new one is installed', async () => {
    await using world = await startWorld();
    const old = speechIn(world);
    const first = await world.open(old);
    const before = (await first.download('aria')).path('model.onnx');
    await first.close();

    const gate = closedGate();
    const newModel = world.serve('/model-2.onnx', new Uint8Array(200_000).fill(7));
    world.origin.script('/model-2.onnx', holdAfter(100_000, gate));
    const cores = [{ id: 'model', type: 'engine_core', files: [newModel] }, ...old.cores.slice(1)];
    const depot = await world.open({ ...old, cores });
    expect(depot.status('aria')).toMatchObject({ phase: 'ready', isUpdateAvailable: true });
    expect(depot.checkForUpdates().map(({ id }) => id)).toEqual(['aria', 'model']);
    const update = depot.download('aria');
    await gate.reached;
    expect(depot.status('aria').phase).toBe('ready');
    expect(depot.status('model').phase).toBe('downloading');
    expect(depot.asset('aria')?.path('model.onnx')).toBe(before);
    expect(existsSync(before)).toBe(true);
    gate.open();
    const voice = await update;
    expect(voice.path('model-2.onnx')).not.toBe(before);
    expect(depot.status('aria')).toMatchObject({ phase: 'ready', isUpdateAvailable: false });
    expect(world.origin.requests.slice(3).map(({ path }) => path)).toEqual(['/model-2.onnx']);
    await depot.close();
    expect(await world.installed()).toEqual([
      'model/model-2.onnx',
      'phonemes/lang/en',
      'phonemes/phontab',
      'table/voices.bin',
    ]);
  });

  it('that fails leaves the old version ready, and tells whoever asked', async () => {
    await using world = await startWorld();
    const old = speechIn(world);
    const first = await world.open(old);
    const before = (await first.download('aria')).path('model.onnx');
    await first.close();

    const newModel = world.serve('/model-2.onnx', new Uint8Array(200_000).fill(7));
    world.origin.script('/model-2.onnx', status(404));
    const cores = [{ id: 'model', type: 'engine_core', files: [newModel] }, ...old.cores.slice(1)];
    const depot = await world.open({ ...old, cores });
    expect((await refusalOf(depot.download('aria'))).code).toBe('notFound');
    expect(depot.status('aria')).toMatchObject({ phase: 'ready', isUpdateAvailable: true });
    expect(depot.status('model')).toMatchObject({ phase: 'ready', reason: 'notFound' });
    expect(depot.asset('aria')?.path('model.onnx')).toBe(before);
    expect(await world.installed()).toEqual(sharedFiles);

    world.origin.script('/model-2.onnx');
    await depot.download('aria');
    expect(depot.asset('aria')?.path('model-2.onnx')).not.toBe(before);
  });

  it('whose bytes are wrong leaves the old version ready', async () => {
    await using world = await startWorld();
    const old = speechIn(world);
    const first = await world.open(old);
    await first.download('aria');
    await first.close();
    const newModel = { ...world.serve('/model-2.onnx', new Uint8Array(200_000).fill(7)), sha256: 'f'.repeat(64) };
    const depot = await world.open({ ...old, cores: [{ id: 'model', files: [newModel] }, ...old.cores.slice(1)] });
    expect((await refusalOf(depot.download('aria'))).name).toBe('ChecksumError');
    expect(depot.status('aria').phase).toBe('ready');
    expect(await world.installed()).toEqual(sharedFiles);
  });
});

describe('one bad source', () => {
  it('does not hold up the cores of another voice', async () => {
    await using world = await startWorld();
    const depot = await world.open(speechIn(world), { concurrency: 1 });
    world.origin.script(cleoPath, fromNth(1, status(503)));
    const cleo = refusalOf(depot.download('cleo_model'));
    await depot.download('aria');
    expect((await cleo).code).toBe('serverError');
    expect(world.origin.requestsOf(phonemesPath)).toHaveLength(1);
  });
});
