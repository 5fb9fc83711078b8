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

  it('between the last byte and the installation fetches nothing again', async () => {
    const seen = new Set<string>();
    for (let after = 0; !seen.has('ready'); after++) {
      const { world, open } = bench();
      const process = world.disk.start();
      process.killAfter(after);
      const life = open(process).then((depot) => depot.download('own'));
      await world.run(Promise.race([life, process.death]));
      process.kill();
      const phase = (await imageOnDisk(world)).cores[0]?.phase ?? 'absent';
      seen.add(phase);
      if (phase !== 'verifying' && phase !== 'installing') continue;
      const before = world.network.requests.length;
      const depot = await open();
      await world.run(depot.download('own'));
      checkFinalNames(world);
      expect(world.network.requests.length, `killed after ${after}, ${phase}`).toBe(before);
    }
    expect([...seen]).toContain('installing');
  });

  it('by a power cut, also after a broken connection, never builds on bytes that only seem to be there', async () => {
    let kept = 0;
    for (let seed = 0; seed < 80; seed++) {
      const { world, open } = bench(seed);
      const url = urlOf('shared', 'model.onnx');
      const isBroken = seed % 2 === 0;
      if (isBroken) world.network.fail(url, { type: 'drop', afterBytes: 2_500 });
      if (isBroken) world.network.fail(url, { type: 'silence' });
      const depot = await open();
      depot.download('shared').catch(() => undefined);
      await world.clock.advance(isBroken ? 1_500 : 2_000);
      world.cutPower(seededLuck(seed));
      world.network.heal();
      const next = await open();
      await world.run(next.download('shared'));
      checkFinalNames(world);
      expect(
        world.network.requests.some(({ isFresh }) => isFresh),
        `seed ${seed}`,
      ).toBe(false);
      if (world.network.requestsOf(url).at(-1)?.from === 2_500) kept++;
    }
    expect(kept).toBeGreaterThan(5);
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
