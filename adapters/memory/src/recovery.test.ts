import { imageOf } from '@lading/core';
import { fold } from '@lading/runtime';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hexDigest } from './digest.js';
import { tearJournal } from './journal.js';
import { seededLuck } from './luck.js';
import { openDepot, portsOf } from './open.js';
import { stock, stockedBytes, urlOf } from './stock.js';
import { MemoryWorld } from './world.js';

const policy = { slots: 2, retryBaseMs: 10, retryCapMs: 50, maxAttempts: 3, progressBytes: 1_000 };
const FILES: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  shared: { 'model.onnx': 9_000, 'sub/tokens.txt': 700 },
  own: { 'voice.bin': 5_000, 'empty.txt': 0 },
};

function bench(seed = 1) {
  const world = new MemoryWorld({ seed });
  const catalog = stock(world.network, { cores: FILES, voices: { v: ['shared', 'own'], w: ['shared'] } });
  for (const [core, files] of Object.entries(FILES)) {
    for (const [file, length] of Object.entries(files)) {
      world.network.put(urlOf(core, file), stockedBytes(core, file, length), { chunkBytes: 1_000, chunkMs: 300 });
    }
  }
  const open = (process = world.disk.start()) => openDepot({ world, catalog, policy, stallMs: 5_000, process });
  return { world, catalog, open };
}

/** What stands under a final name must be right at every instant. */
function checkFinalNames(world: MemoryWorld): void {
  for (const [path, bytes] of world.disk.files('/depot/cores')) {
    const [, , , core = '', generation = '', ...name] = path.split('/');
    if (generation.startsWith('.')) continue;
    const file = name.join('/');
    const right = hexDigest('sha256', stockedBytes(core, file, FILES[core]?.[file] ?? -1));
    expect(hexDigest('sha256', bytes), path).toBe(right);
  }
}

const imageOnDisk = async (world: MemoryWorld) =>
  imageOf(fold(await portsOf(world, world.disk.start()).journal.load()));

describe('a depot whose process dies', () => {
  it('goes on from its last durable byte', async () => {
    const { world, open } = bench();
    world.network.put(urlOf('shared', 'model.onnx'), stockedBytes('shared', 'model.onnx', 9_000), {
      chunkBytes: 1_000,
      chunkMs: 1_100,
    });
    const first = await open();
    first.download('shared').catch(() => undefined);
    await world.clock.advance(6_000);
    const durable = (await imageOnDisk(world)).cores[0]?.context.durable['model.onnx']?.bytes ?? 0;
    expect(durable).toBeGreaterThan(2_000);
    world.crash();
    const asked = world.network.requests.length;
    const second = await open();
    await world.run(second.download('shared'));
    checkFinalNames(world);
    expect(world.network.requests.slice(asked).map(({ url, from }) => [url, from])).toContainEqual([
      urlOf('shared', 'model.onnx'),
      durable,
    ]);
  });

  it('at any step, once or twice, by kill or by power cut, is brought to ready by those who come after it', async () => {
    const death = fc.record({
      after: fc.integer({ min: 0, max: 130 }),
      how: fc.constantFrom('kill' as const, 'power' as const, 'unlucky power' as const),
    });
    const phases = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.array(death, { minLength: 1, maxLength: 2 }), fc.nat(1_000), async (deaths, seed) => {
        const { world, open } = bench(seed);
        for (const { after, how } of deaths) {
          const process = world.disk.start();
          process.killAfter(after);
          const life = open(process).then((depot) => depot.download('v'));
          await world.run(Promise.race([life, process.death]));
          process.kill();
          if (how === 'power') world.cutPower();
          if (how === 'unlucky power') world.cutPower(seededLuck(seed));
          checkFinalNames(world);
          for (const core of (await imageOnDisk(world)).cores) phases.add(core.phase);
        }
        const depot = await open();
        await world.run(Promise.all([depot.download('v'), depot.download('w')]));
        checkFinalNames(world);
        expect(depot.status('v')).toMatchObject({ phase: 'ready', bytesDone: 14_700 });
        const live = imageOf(depot.state);
        await world.run(depot.close());
        expect(await imageOnDisk(world)).toEqual(live);
        expect([...world.disk.files('/depot/staging').keys()]).toEqual([]);
        expect(world.disk.files('/depot/cores').size).toBe(4);
      }),
      { numRuns: 150 },
    );
    for (const phase of ['preparing', 'downloading', 'installing', 'ready']) expect(phases).toContain(phase);
  });

  it('at each single step loses nothing that was ready', async () => {
    for (let after = 0; ; after++) {
      const { world, open } = bench();
      const process = world.disk.start();
      process.killAfter(after);
      const life = open(process).then(async (depot) => {
        await depot.download('w');
        await depot.download('v');
        return 'done';
      });
      const end = await world.run(Promise.race([life, process.death]));
      world.cutPower();
      const before = await imageOnDisk(world);
      const depot = await open();
      for (const core of before.cores) {
        if (core.phase === 'ready') expect(depot.status(core.context.id).phase, `killed after ${after}`).toBe('ready');
      }
      checkFinalNames(world);
      await world.run(depot.close());
      if (end === 'done') return;
      expect(after).toBeLessThan(500);
    }
  });

  it('in the midst of deleting is deleted all the same', async () => {
    for (let after = 0; after < 14; after++) {
      const { world, open } = bench();
      const depot = await open();
      await world.run(Promise.all([depot.download('v'), depot.download('w')]));
      await world.run(depot.close());
      const process = world.disk.start();
      const again = await open(process);
      process.killAfter(after);
      await world.run(Promise.race([again.delete('v'), process.death]));
      process.kill();
      const last = await open();
      await world.clock.advance(10_000);
      const { phase } = last.status('v');
      expect(['absent', 'ready']).toContain(phase);
      expect(last.status('own').phase).toBe(phase);
      expect(last.status('shared').phase).toBe('ready');
      expect(world.disk.files('/depot/cores/own').size).toBe(phase === 'ready' ? 2 : 0);
      await world.run(last.close());
    }
  });

  it('with a torn last record knows the state before it', async () => {
    const { world, open } = bench();
    const depot = await open();
    await world.run(depot.download('w'));
    const { position } = depot.state;
    await world.run(depot.close());
    tearJournal(world.disk, '/depot', 3);
    const image = await imageOnDisk(world);
    expect(image.position).toBeLessThan(position);
    const again = await open();
    await world.run(again.download('w'));
    checkFinalNames(world);
  });

  it('with a damaged journal is not opened, and nothing is changed', async () => {
    const { world, open } = bench();
    const depot = await open();
    await world.run(depot.download('w'));
    await world.run(depot.close());
    const path = '/depot/journal/000001.jsonl';
    const damaged = world.disk.files(path).get(path) ?? new Uint8Array();
    damaged[50] = (damaged[50] ?? 0) ^ 1;
    world.disk.overwrite(path, damaged);
    await expect(open()).rejects.toMatchObject({ name: 'InitializationError', code: 'journalCorrupt' });
    expect(world.disk.files(path).get(path)).toEqual(damaged);
    expect(world.disk.files('/depot/cores').size).toBe(2);
  });
});

describe('a depot whose disk fails', () => {
  it('by having no room for more bytes pauses with those it has, says what it needs, and goes on when there is room', async () => {
    const { world, open } = bench();
    const depot = await open();
    const failed = expect(depot.download('shared')).rejects.toMatchObject({ code: 'noSpace', name: 'DownloadError' });
    await world.clock.advance(1_600);
    world.disk.fail({ action: 'write', path: /staging/, code: 'ENOSPC', times: Number.POSITIVE_INFINITY });
    await world.run(failed);
    expect(depot.status('shared')).toMatchObject({ phase: 'paused', reason: 'noSpace' });
    const { bytesDone, fault } = depot.status('shared');
    expect(bytesDone).toBeGreaterThan(2_000);
    expect(fault?.neededBytes).toBe(9_700 - bytesDone);
    world.disk.heal();
    await world.run(depot.download('shared'));
    checkFinalNames(world);
    expect(world.network.bytesOf(urlOf('shared', 'model.onnx'))).toBeLessThanOrEqual(9_000 + 1_000);
  });

  it('by being so full that not even the journal has room stops, and the next one goes on', async () => {
    const { world, open } = bench();
    const depot = await open();
    const failed = expect(depot.download('shared')).rejects.toMatchObject({ code: 'noSpace' });
    await world.clock.advance(1_600);
    world.disk.capacityBytes = world.disk.usedBytes() + 1_500;
    await world.run(failed);
    await world.run(depot.close());
    world.disk.capacityBytes = Number.POSITIVE_INFINITY;
    const again = await open();
    await world.run(again.download('shared'));
    checkFinalNames(world);
  });

  it('by too little room from the beginning fetches nothing and says how much it needs', async () => {
    const { world, open } = bench();
    const depot = await open();
    world.disk.capacityBytes = world.disk.usedBytes() + 5_000;
    await expect(world.run(depot.download('shared'))).rejects.toMatchObject({
      code: 'noSpace',
      fault: { neededBytes: 9_700 },
    });
    expect(world.network.requests).toEqual([]);
  });

  it('by a failed sync never trusts the same file again, and is ready in the end', async () => {
    const { world, open } = bench();
    const depot = await open();
    world.disk.fail({ action: 'sync', path: /staging\/shared\/model/, code: 'EIO' });
    await world.run(depot.download('shared'));
    checkFinalNames(world);
  });

  it('by a journal that cannot be written stops for good, and tells everyone who waits', async () => {
    const { world, open } = bench();
    const depot = await open();
    const [one, two] = [depot.download('v'), depot.download('w')].map((life) => life.catch((error: unknown) => error));
    await world.clock.advance(700);
    world.disk.fail({ action: 'sync', path: /journal/, code: 'EIO', times: Number.POSITIVE_INFINITY });
    for (const error of [await world.run(one ?? Promise.reject()), await world.run(two ?? Promise.reject())]) {
      expect(error).toMatchObject({ name: 'DownloadError' });
    }
    await expect(depot.pause('v')).rejects.toThrow();
    const requests = world.network.requests.length;
    await world.clock.advance(60_000);
    expect(world.network.requests).toHaveLength(requests);
    world.disk.heal();
    await world.run(depot.close());
    const again = await open();
    await world.run(again.download('v'));
    checkFinalNames(world);
  });
});
