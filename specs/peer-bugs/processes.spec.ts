import { join } from 'node:path';
import { portsOf, schedulerOf } from '@lading/memory';
import { readDepot } from '@lading/node';
import { type Depot, openDepotOn, type Ports } from '@lading/runtime';
import { createWorld, World } from '@lading/sim';
import { describe, expect, it } from 'vitest';
import { holdAfter } from '../origin/behaviour.js';
import { closedGate } from '../origin/gate.js';
import { seededBytes, sha256Hex } from '../origin/seeded-bytes.js';
import { finalFiles, startWorld } from '../scenarios/world.js';
import { downloadTo, endOf, ledgerOf, stagedPaths, wrongFiles } from './ledger.js';

const MODEL_BYTES = 400_000;
const catalog = {
  cores: { kokoro: { 'model.onnx': MODEL_BYTES }, piper: { 'voice.onnx': 50_000, 'voice.json': 900 } },
  voices: { heart: ['kokoro'], amy: ['piper'], both: ['kokoro', 'piper'] },
};

/** A program for which every lock is granted, as on a network file system where they do nothing. */
async function withoutLock(world: World): Promise<Depot> {
  const ports: Ports = {
    ...portsOf(world.memory, world.memory.disk.start()),
    lease: { acquire: async () => ({ epoch: 1, release: async () => undefined }) },
  };
  const opening = openDepotOn(ports, { catalog: world.goods.catalog, scheduler: schedulerOf(world.memory.clock) });
  return await world.memory.run(opening);
}

describe('processes', () => {
  it.each([0, 50_000, 150_000, 399_000])(
    'P1: with locks that hold nobody back, the first of two has %i bytes: one goes on, and all is right',
    async (bytes) => {
      const world = new World({ seed: 1, catalog });
      const first = await withoutLock(world);
      const firstEnd = endOf(first.download('both'));
      const { clock } = world.memory;
      await clock.runWhile(() => first.status('both').bytesDone < bytes);
      const second = await withoutLock(world);
      const secondEnd = endOf(second.download('both'));
      const ends = await world.memory.run(Promise.all([firstEnd, secondEnd]));
      // Exactly one could write what it did; the other was told that the depot is not its own any more.
      expect(ends[1]).toBe(null);
      expect(ends[0]).toMatchObject({ code: 'leaseHeld' });
      expect([...wrongFiles(world, 'kokoro'), ...wrongFiles(world, 'piper')]).toEqual([]);
      expect(world.disk.installed('kokoro').size + world.disk.installed('piper').size).toBe(3);
      expect((await second.verify()).every(({ damaged }) => damaged.length === 0)).toBe(true);
      await world.memory.run(second.close());
      await world.reopen();
      expect(world.depot.status('both').phase).toBe('ready');
    },
  );

  it('P2: another process sees a file when all of it is final, and nothing before', async () => {
    await using world = await startWorld();
    const bytes = seededBytes(2, 3_000_000);
    const files = [world.serve('/model.onnx', bytes), world.serve('/model.json', seededBytes(3, 400))];
    const shelf = { cores: [{ id: 'model', files }] };
    const gate = closedGate();
    world.origin.script('/model.onnx', holdAfter(2_000_000, gate));
    const writer = await world.open(shelf);
    const done = writer.download('model');
    for await (const { bytesDone } of writer.watch('model')) if (bytesDone >= 1_500_000) break;

    const look = () => readDepot({ dir: world.dir, catalog: world.catalog(shelf) });
    const early = await look();
    expect(early.installed()).toEqual([]);
    expect(early.asset('model')).toBe(null);
    expect(early.status('model').phase).toBe('downloading');
    expect(await finalFiles(world.dir)).toEqual([]);
    gate.open();
    await done;
    const late = await look();
    expect(late.asset('model')?.paths.every((path) => path.startsWith(join(world.dir, 'cores')))).toBe(true);
    expect((await late.verify('model'))[0]?.damaged).toEqual([]);
    expect((await finalFiles(world.dir)).map(({ sha256 }) => sha256)).toContain(sha256Hex(bytes));
  });

  it('P3: each file is asked for once, and nothing is asked for to know its size or its state', async () => {
    const world = await createWorld({ seed: 3, catalog });
    const ledger = ledgerOf(world);
    world.depot.plan('both');
    world.depot.list();
    world.depot.checkForUpdates();
    await world.run(world.depot.usage());
    expect(ledger.requests()).toEqual([]);
    await world.run(Promise.all(['both', 'heart', 'amy', 'both'].map((id) => world.depot.download(id))));
    await world.run(world.depot.verify());
    await world.reopen();
    await world.run(world.depot.download('both'));
    expect(ledger.requests()).toEqual([null, null, null]);
    expect(new Set(world.network.memory.requests.map(({ url }) => url)).size).toBe(3);
  });

  it('P4: one who fails takes away nothing of another’s', async () => {
    const world = await createWorld({ seed: 4, catalog });
    await world.run(world.depot.download('amy'));
    await downloadTo(world, 'heart', 150_000);
    const before = new Map(world.disk.files('/depot'));
    for (let i = 0; i < 3; i++) {
      const rival = await endOf(world.rival());
      expect(rival).toMatchObject({ code: 'leaseHeld' });
    }
    for (const path of before.keys()) expect([...world.disk.files('/depot').keys()]).toContain(path);
    // Nor does a core that fails, and is given up, take from its neighbour in the same voice.
    await world.run(world.depot.cancel('heart'));
    world.network.answer(404, { on: 'kokoro', times: 9 });
    expect(await world.run(endOf(world.depot.download('both')))).toMatchObject({ code: 'notFound' });
    await world.run(world.depot.cancel('both'));
    expect(stagedPaths(world)).toEqual([]);
    expect(world.depot.status('amy').phase).toBe('ready');
    expect(wrongFiles(world, 'piper')).toEqual([]);
    expect(world.disk.installed('piper').size).toBe(2);
  });

  it('P6: the lease is let go of when opening fails, and when the journal cannot be closed', async () => {
    const world = await createWorld({ seed: 6, catalog });
    await world.run(world.depot.download('amy'));
    await world.close();
    world.disk.fail('read', 'EIO', { where: 'journal' });
    expect(await endOf(world.rival())).toMatchObject({ fault: { detail: 'EIO' } });
    // The process of that failed attempt lives on, as a tab does.
    const second = await world.rival();
    expect(second.status('amy').phase).toBe('ready');
    await world.memory.run(second.close());

    const ports = portsOf(world.memory, world.memory.disk.start());
    const { journal } = ports;
    const stubborn: Ports = {
      ...ports,
      journal: {
        load: () => journal.load(),
        append: (records) => journal.append(records),
        compact: (image) => journal.compact(image),
        close: () => Promise.reject(new Error('cannot close')),
      },
    };
    const third = await world.memory.run(openDepotOn(stubborn, { catalog: world.goods.catalog }));
    expect(await endOf(world.memory.run(third.close()))).toMatchObject({ message: 'cannot close' });
    const fourth = await world.rival();
    expect(fourth.status('amy').phase).toBe('ready');
  });

  it('P7: nobody waits for a lock: a living owner is named, a dead one is replaced at once', async () => {
    const world = await createWorld({ seed: 7, catalog });
    await downloadTo(world, 'heart', 300_000);
    const { epoch } = world.depot.state;
    const askedMs = world.elapsedMs;
    const refused = await endOf(world.rival());
    expect(refused).toMatchObject({ name: 'InitializationError', code: 'leaseHeld', owner: { pid: 1 } });
    expect((refused as Error).message).toMatch(/in use by process 1/);
    expect(world.elapsedMs).toBe(askedMs);
    world.crash();
    const diedMs = world.elapsedMs;
    await world.reopen();
    expect(world.elapsedMs - diedMs).toBeLessThan(1_000);
    expect(world.depot.state.epoch).toBeGreaterThan(epoch);
    await world.run(world.depot.download('heart'));
    expect(wrongFiles(world, 'kokoro')).toEqual([]);
  });

  it('P8: a write that was interrupted is no file: it is partial, and the next attempt is an ordinary one', async () => {
    for (let steps = 5; steps < 60; steps += 5) {
      const world = await createWorld({ seed: 8, catalog });
      const ledger = ledgerOf(world);
      world.killAfter(steps);
      const end = await endOf(world.run(world.depot.download('heart')));
      if (end === null) break;
      world.noticeDeath();
      expect(world.disk.installed('kokoro').size).toBe(0);
      world.network.goOffline();
      await world.reopen();
      expect(world.depot.installed()).toEqual([]);
      expect(world.depot.asset('heart')).toBe(null);
      expect(world.depot.plan('heart').cores[0]?.files[0]?.state).not.toBe('cached');
      world.network.heal();
      await world.run(world.depot.download('heart'));
      expect(wrongFiles(world, 'kokoro')).toEqual([]);
      expect(stagedPaths(world)).toEqual([]);
      expect(ledger.types).not.toContain('CoreFailed');
    }
  });

  it('P9: a quota that is too small is a state with numbers and a remedy, never all of it and never an end', async () => {
    const shards = Object.fromEntries(Array.from({ length: 5 }, (_, i) => [`shard${i}.bin`, 60_000]));
    const world = await createWorld({ seed: 9, catalog: { cores: { llm: shards }, voices: { gemma: ['llm'] } } });
    const shares: number[] = [];
    world.depot.onStatus('gemma', ({ bytesDone, bytesTotal }) => shares.push(bytesDone / bytesTotal));

    // Known before the first byte.
    world.disk.leave(150_000);
    const ledger = ledgerOf(world);
    expect(await world.run(endOf(world.depot.download('gemma')))).toMatchObject({
      code: 'noSpace',
      remedy: expect.stringMatching(/Free some disk space/),
      fault: { neededBytes: 300_000, freeBytes: expect.any(Number) },
    });
    expect(ledger.requests()).toEqual([]);
    expect(world.depot.status('gemma')).toMatchObject({ phase: 'paused', reason: 'noSpace', bytesDone: 0 });

    // And when others take the room meanwhile.
    world.disk.free();
    const resumed = endOf(world.depot.download('gemma'));
    await world.runUntil(() => world.depot.status('gemma').bytesDone > 130_000);
    world.disk.fill();
    expect(await world.run(resumed)).toMatchObject({ code: 'noSpace' });
    await world.run();
    const full = world.depot.status('gemma');
    expect(full).toMatchObject({ phase: 'paused', reason: 'noSpace', actions: expect.arrayContaining(['resume']) });
    expect(full.bytesDone).toBeGreaterThan(100_000);
    expect(Math.max(...shares)).toBeLessThan(1);
    expect(world.disk.installed('llm').size).toBe(0);

    world.disk.free();
    await world.run(world.depot.resume('gemma'));
    await world.run();
    expect(world.depot.status('gemma').phase).toBe('ready');
    expect(wrongFiles(world, 'llm')).toEqual([]);
  });
});
