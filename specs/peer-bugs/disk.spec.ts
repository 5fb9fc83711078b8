/** The bugs of others about the disk (family D), each shown not to be ours. */
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LIMITS } from '@lading/core';
import { createWorld, goodsOf, type World } from '@lading/sim';
import { describe, expect, it } from 'vitest';
import { holdAfter } from '../origin/behaviour.js';
import { closedGate } from '../origin/gate.js';
import { seededBytes } from '../origin/seeded-bytes.js';
import { startWorld } from '../scenarios/world.js';
import { begin, downloadTo, endOf, ledgerOf, rightBytes, stagedPaths, wrongFiles } from './ledger.js';

const MODEL_BYTES = 400_000;
const catalog = {
  cores: { kokoro: { 'model.onnx': MODEL_BYTES }, piper: { 'voice.onnx': 50_000, 'voice.json': 900 } },
  voices: { heart: ['kokoro'], amy: ['piper'], both: ['kokoro', 'piper'] },
};
const STAGED = '/depot/staging/kokoro/model.onnx';
const durableOf = (world: World): number =>
  world.chronicle.state.cores.get('kokoro')?.context.durable['model.onnx']?.bytes ?? 0;

/** Steps after which nothing of a small download is under way; a bound, so that a world that never ends is found out. */
const MAX_STEPS = 300;

/** The same course of events, killed after 0, 1, 2 … calls to disk and network until it comes to its end; says how often. */
async function killedEverywhere(
  make: () => Promise<World>,
  act: (world: World) => Promise<unknown>,
  check: (world: World) => Promise<void>,
): Promise<number> {
  for (let steps = 0; steps < MAX_STEPS; steps++) {
    const world = await make();
    world.killAfter(steps);
    const isDone = (await endOf(world.run(act(world)))) === null;
    world.noticeDeath();
    await check(world);
    if (isDone) return steps;
  }
  throw new Error('it never came to its end');
}

describe('the disk', () => {
  it('D1: a file of full length is not complete: what counts is recorded, and proven by its digest', async () => {
    const world = await createWorld({ seed: 1, catalog });
    const ledger = ledgerOf(world);
    await downloadTo(world, 'heart', 300_000);
    const staged = world.disk.files().get(STAGED) ?? new Uint8Array(0);
    world.cutPower();
    const durable = durableOf(world);
    expect(durable).toBeGreaterThan(100_000);
    // As a program leaves it that reserves the whole length first: some of the bytes, and zeros up to the end.
    const whole = new Uint8Array(MODEL_BYTES);
    whole.set(staged.subarray(0, durable));
    world.disk.memory.overwrite(STAGED, whole);
    await world.reopen();
    expect(world.depot.installed()).toEqual([]);
    expect(world.depot.status('heart')).toMatchObject({ phase: 'waiting', bytesDone: durable });
    expect(world.depot.plan('heart').cores[0]?.files[0]?.state).toBe('partial');
    await world.run();
    expect(ledger.requests()).toEqual([null, durable]);
    expect(wrongFiles(world, 'kokoro')).toEqual([]);
    expect(world.disk.installed('kokoro').size).toBe(1);
  });

  it('D1: nor is one that another program made full after a kill: what it wrote over is found out and fetched again', async () => {
    const world = await createWorld({ seed: 1, catalog });
    await downloadTo(world, 'heart', 300_000);
    world.crash();
    world.disk.memory.overwrite(STAGED, new Uint8Array(MODEL_BYTES));
    await world.reopen();
    expect(world.depot.installed()).toEqual([]);
    await world.run();
    expect(wrongFiles(world, 'kokoro')).toEqual([]);
    expect(world.disk.installed('kokoro').size).toBe(1);
  });

  it('D1: a partial file whose bytes rotted is found out by its digest, and fetched again', async () => {
    const world = await createWorld({ seed: 1, catalog });
    const ledger = ledgerOf(world);
    await downloadTo(world, 'heart', 300_000);
    world.crash();
    expect(world.disk.rotStaged('kokoro')).toBe(STAGED);
    world.disk.shorten(5);
    await world.reopen();
    await world.run(world.depot.download('heart'));
    expect(ledger.events).toContainEqual(
      expect.objectContaining({ type: 'RetryScheduled', fault: expect.objectContaining({ type: 'checksumMismatch' }) }),
    );
    expect(ledger.requests().at(-1)).toBe(null);
    expect(wrongFiles(world, 'kokoro')).toEqual([]);
  });

  it('D2: what was deleted in mid-download begins at nothing, on the disk and in the journal', async () => {
    const world = await createWorld({ seed: 2, catalog });
    const ledger = ledgerOf(world);
    await downloadTo(world, 'heart', 300_000);
    expect(durableOf(world)).toBeGreaterThan(100_000);
    await world.run(world.depot.delete('heart'));
    expect(stagedPaths(world)).toEqual([]);
    expect(ledger.types).toContain('VoiceDeleted');
    expect(durableOf(world)).toBe(0);
    await world.reopen();
    begin(world, 'heart');
    await world.runUntil(() => ledger.requests().length === 2);
    expect(world.depot.status('heart').bytesDone).toBe(0);
    await world.run();
    expect(ledger.requests()).toEqual([null, null]);
    expect(wrongFiles(world, 'kokoro')).toEqual([]);
  });

  it('D3: a journal that found no room loses nothing that it had said, wherever the disk filled up', async () => {
    let broken = 0;
    for (let after = 0; after < 12; after++) {
      const world = await createWorld({ seed: 3, catalog });
      world.disk.fail('write', 'ENOSPC', { where: 'journal', after });
      const end = await world.run(endOf(world.depot.download('both')));
      if (end === null) break;
      broken++;
      expect(end).toMatchObject({ code: 'noSpace', remedy: expect.stringMatching(/Free some disk space/) });
      const said = [...world.chronicle.records];
      world.disk.free();
      world.network.goOffline();
      await world.reopen();
      expect(world.chronicle.records.slice(0, said.length)).toEqual(said);
      const before = durableOf(world);
      world.network.heal();
      const ledger = ledgerOf(world);
      await world.run(world.depot.download('both'));
      const first = ledger.requests('kokoro')[0];
      if (first !== undefined) expect(first ?? 0).toBe(before);
      expect([...wrongFiles(world, 'kokoro'), ...wrongFiles(world, 'piper')]).toEqual([]);
    }
    expect(broken).toBeGreaterThan(5);
  });

  it('D3: a snapshot that found no room leaves the journal as it was, and the depot opens again', async () => {
    const world = await createWorld({ seed: 3, catalog });
    await downloadTo(world, 'heart', 300_000);
    // The next event makes a snapshot due.
    while (world.depot.state.position < 999) await world.depot.prioritize('heart', world.depot.state.position);
    const before = world.disk.files('/depot/journal');
    // The first write is the record of that event, which still finds room.
    world.disk.fail('write', 'ENOSPC', { where: 'journal', after: 1 });
    await world.depot.prioritize('heart', 999);
    const said = [...world.chronicle.records];
    expect(said.length).toBeGreaterThan(980);
    expect(await world.run(endOf(world.depot.pause('heart')))).toMatchObject({ code: 'noSpace' });
    world.crash();
    for (const [path, bytes] of before) {
      const now = world.disk.files().get(path) ?? new Uint8Array(0);
      expect(Buffer.from(now.subarray(0, bytes.length)).equals(bytes)).toBe(true);
    }
    world.disk.free();
    const ledger = ledgerOf(world);
    await world.reopen();
    expect(world.chronicle.records.slice(0, said.length)).toEqual(said);
    expect(world.depot.status('heart')).toMatchObject({ phase: 'waiting' });
    await world.run(world.depot.download('heart'));
    expect(ledger.requests()[0]).toBeGreaterThan(100_000);
    await world.close();
    expect([...world.disk.files('/depot/journal').keys()]).toContain('/depot/journal/snapshot.json');
    await world.reopen();
    expect(world.depot.status('heart').phase).toBe('ready');
  });

  it('D4: a record that was torn, or left as zeros, is cut off, and all before it counts', async () => {
    for (const tear of ['half', 'zeros'] as const) {
      const world = await createWorld({ seed: 4, catalog });
      await downloadTo(world, 'heart', 300_000);
      world.crash();
      const path = '/depot/journal/000001.jsonl';
      const bytes = Uint8Array.from(world.disk.files().get(path) ?? new Uint8Array(0));
      const lastLine = bytes.lastIndexOf(0x0a, bytes.length - 2) + 1;
      const torn =
        tear === 'half' ? bytes.subarray(0, lastLine + ((bytes.length - lastLine) >> 1)) : bytes.fill(0, lastLine);
      world.disk.memory.overwrite(path, torn);
      const records = world.chronicle.records.length;
      world.network.goOffline();
      await world.reopen();
      expect(world.chronicle.records[records - 1]?.events[0]?.type).toBe('Woken');
      expect(world.chronicle.records[records - 2]?.events[0]?.type).not.toBe('Woken');
      world.network.heal();
      await world.run(world.depot.download('heart'));
      expect(wrongFiles(world, 'kokoro')).toEqual([]);
    }
  });

  it('D4: a power cut at any step leaves a journal that opens, with all that was said to be durable', async () => {
    const small = { cores: { kokoro: { 'model.onnx': 9_000 } }, voices: { heart: ['kokoro'] } };
    const steps = await killedEverywhere(
      () => createWorld({ seed: 4, catalog: small }),
      (world) => world.depot.download('heart'),
      async (world) => {
        const said = world.chronicle.records;
        world.cutPower(true);
        await world.reopen();
        expect(world.chronicle.records.slice(0, said.length)).toEqual(said);
        await world.run(world.depot.download('heart'));
        expect(wrongFiles(world, 'kokoro')).toEqual([]);
      },
    );
    expect(steps).toBeGreaterThan(20);
  });

  it.each(['rename', 'remove', 'make', 'write', 'sync'] as const)(
    'D5: a disk that is busy when one wants to %s is asked again, and not for ever',
    async (action) => {
      const world = await createWorld({ seed: 5, catalog });
      const ledger = ledgerOf(world);
      world.disk.fail(action, 'EBUSY');
      await world.run(world.depot.download('heart'));
      expect(wrongFiles(world, 'kokoro')).toEqual([]);

      await world.run(world.depot.delete('heart'));
      world.disk.fail(action, 'EBUSY', { times: Number.POSITIVE_INFINITY });
      const end = await world.run(endOf(world.depot.download('heart')));
      if (action === 'remove') return expect(end).toBe(null);
      expect(ledger.types).toContain('RetryScheduled');
      expect(end).toMatchObject({ code: 'storageError', remedy: expect.stringMatching(/Close other programs/) });
      expect(world.depot.status('heart')).toMatchObject({ phase: 'failed', reason: 'storageError' });
      expect(ledger.types.filter((type) => type === 'CoreStarted').length).toBeLessThanOrEqual(16);
    },
  );

  it('D5: whoever cancels has closed the file before it is removed', async () => {
    const world = await createWorld({ seed: 5, catalog, diskMs: 20 });
    const ledger = ledgerOf(world);
    await downloadTo(world, 'heart', 100_000);
    await world.run(world.depot.cancel('heart'));
    const closed = ledger.place(({ type }) => type === 'unstaged');
    const removed = ledger.place((each) => each.type === 'store' && each.call === 'sweep');
    expect(closed).toBeGreaterThan(-1);
    expect(removed).toBeGreaterThan(closed);
  });

  it('D6: no path is longer below the depot than its names, and a staged one is never the longest', async () => {
    const core = 'c'.repeat(LIMITS.idLength);
    const file = `${'f'.repeat(99)}/${'g'.repeat(100)}`;
    expect(file).toHaveLength(LIMITS.nameBytes);
    const shelf = { cores: { [core]: { [file]: 20_000 } }, voices: { v: [core] } };
    const world = await createWorld({ seed: 6, catalog: shelf });
    const paths = new Set<string>();
    world.observe(() => {
      for (const path of world.disk.files('/depot').keys()) paths.add(path.slice('/depot/'.length));
    });
    world.network.corrupt(7);
    await world.run(world.depot.download('v'));
    world.disk.rot(core);
    await world.run(world.depot.repair('v'));
    await world.run(world.depot.delete('v'));
    const longest = (below: string): number =>
      Math.max(...[...paths].filter((path) => path.startsWith(below)).map((path) => path.length));
    // Only a folder of ours stands between the names: nothing is ever put behind a name that was allowed.
    expect(longest('cores/')).toBeLessThanOrEqual('cores//.quarantine-g99999/'.length + core.length + file.length);
    expect(longest('staging/')).toBe('staging//'.length + core.length + file.length);
    expect(longest('staging/')).toBeLessThan(longest('cores/'));
    for (const segment of [...paths].flatMap((path) => path.split('/')))
      expect(segment.length).toBeLessThanOrEqual(255);
  });

  it('D7: at every instant a final name stands for right bytes only', async () => {
    const world = await createWorld({ seed: 7, catalog });
    const wrong: string[] = [];
    let looks = 0;
    world.observe(() => {
      looks++;
      wrong.push(...wrongFiles(world, 'kokoro'));
    });
    world.network.order({ trouble: 'cut', afterBytes: 90_000 });
    world.network.corrupt(200_000);
    await world.run(world.depot.download('heart'));
    expect(looks).toBeGreaterThan(100);
    expect(wrong).toEqual([]);
    expect(world.disk.installed('kokoro').size).toBe(1);
  });

  it('D8: killed at any step, with wrong bytes on the way, nothing unproven stands under a final name', async () => {
    const small = { cores: { kokoro: { 'model.onnx': 9_000 } }, voices: { heart: ['kokoro'] } };
    let installed = 0;
    const steps = await killedEverywhere(
      async () => {
        const world = await createWorld({ seed: 8, catalog: small });
        world.network.corrupt(5_000);
        return world;
      },
      (world) => world.depot.download('heart'),
      async (world) => {
        expect(wrongFiles(world, 'kokoro')).toEqual([]);
        installed += world.disk.installed('kokoro').size;
      },
    );
    expect(steps).toBeGreaterThan(20);
    expect(installed).toBeGreaterThan(0);
  });

  it('D9: only the owner sweeps, only what its journal knows and no longer names, and nothing that is in use', async () => {
    const world = await createWorld({ seed: 9, catalog });
    await world.run(world.depot.download('amy'));
    await downloadTo(world, 'heart', 300_000);
    const { memory } = world.disk;
    const write = (path: string): void => {
      memory.volume.mkdirSync(path.slice(0, path.lastIndexOf('/')), { recursive: true });
      memory.overwrite(path, seededBytes(9, 1_000));
    };
    // An older generation of what is ready, half an assembly of it, and the folder of a core that no record has ever named.
    write('/depot/cores/piper/g0/voice.onnx');
    write('/depot/cores/piper/.g7/voice.onnx');
    write('/depot/cores/somebody/g1/model.onnx');
    write('/depot/staging/somebody/model.onnx');
    const all = [...world.disk.files('/depot').keys()].filter((path) => path !== '/depot/lease');
    const there = (): readonly string[] => [...world.disk.files('/depot').keys()];

    // Somebody who is not the owner removes nothing, not even what nobody needs.
    expect(await endOf(world.rival())).toMatchObject({ code: 'leaseHeld' });
    expect(there()).toEqual(expect.arrayContaining(all));

    // Nor does an owner who cannot read the journal.
    world.crash();
    const journal = '/depot/journal/000001.jsonl';
    const good = world.disk.files().get(journal) ?? new Uint8Array(0);
    const damaged = Uint8Array.from(good);
    damaged[40] = (damaged[40] ?? 0) ^ 1;
    memory.overwrite(journal, damaged);
    expect(await endOf(world.reopen())).toMatchObject({ fault: { detail: 'journalCorrupt' } });
    expect(there()).toEqual(expect.arrayContaining(all));
    memory.overwrite(journal, good);

    world.network.goOffline();
    await world.reopen();
    const after = there();
    expect(after.filter((path) => path.startsWith('/depot/cores/piper/')).every((path) => path.includes('/g1/'))).toBe(
      true,
    );
    expect(after).toContain('/depot/cores/somebody/g1/model.onnx');
    expect(after).toContain('/depot/staging/somebody/model.onnx');
    expect(after).toContain(STAGED);
    expect(wrongFiles(world, 'piper')).toEqual([]);
  });

  it('D10: usage is what the disk says, with partial files and with what belongs to nobody', async () => {
    await using world = await startWorld();
    const model = world.serve('/model.onnx', seededBytes(10, 3_000_000));
    const voice = world.serve('/voice.onnx', seededBytes(11, 70_000));
    const shelf = {
      cores: [
        { id: 'model', files: [model] },
        { id: 'voice', files: [voice] },
      ],
    };
    world.origin.script('/model.onnx', holdAfter(1_500_000, closedGate()));
    const depot = await world.open(shelf);
    await depot.download('voice');
    const stop = new AbortController();
    const ended = endOf(depot.download('model', { signal: stop.signal }));
    for await (const { bytesDone } of depot.watch('model')) if (bytesDone >= 1_000_000) break;
    stop.abort(new Error('enough'));
    await ended;
    await mkdir(join(world.dir, 'staging/nobody'), { recursive: true });
    await writeFile(join(world.dir, 'staging/nobody/orphan.bin'), seededBytes(12, 12_345));

    const counted = await depot.usage();
    const total = [...Object.values(counted.cores), ...Object.values(counted.staging), counted.otherBytes];
    expect(total.reduce((sum, bytes) => sum + bytes, 0)).toBe(await bytesBelow(world.dir));
    expect(counted.cores).toEqual({ voice: 70_000 });
    expect(counted.staging['model']).toBeGreaterThanOrEqual(1_000_000);
    expect(counted.staging['nobody']).toBe(12_345);
    await depot.delete('model');
    expect(await depot.clean()).toBe(12_345);
    expect((await depot.usage()).staging).toEqual({});
  });

  it('D11: each file is written from its first byte to its last, by one writer, however often the connection breaks', async () => {
    const world = await createWorld({ seed: 11, catalog });
    const ledger = ledgerOf(world);
    for (const bytes of [50_000, 120_000, 10_000]) world.network.dropAfter(bytes, 'kokoro');
    await world.run(world.depot.download('both'));
    const ends = new Map<string, number>();
    let writes = 0;
    for (const each of ledger.seen) {
      if (each.type !== 'write') continue;
      const file = `${each.core}/${each.file}`;
      expect(each.from).toBe(ends.get(file) ?? 0);
      ends.set(file, each.from + each.bytes);
      writes++;
    }
    expect(writes).toBeGreaterThan(100);
    // Nothing is ever begun anew.
    expect(ledger.seen.filter(({ type }) => type === 'reset')).toEqual([]);
    expect(ledger.mostOpen).toBe(1);
    expect(ends.get('kokoro/model.onnx')).toBe(MODEL_BYTES);
  });

  it('D12: killed at any step, proven bytes may be left over, but none is lost and none is fetched again', async () => {
    const small = { cores: { kokoro: { 'model.onnx': 9_000 } }, voices: { heart: ['kokoro'] } };
    let between = 0;
    await killedEverywhere(
      () => createWorld({ seed: 12, catalog: small }),
      (world) => world.depot.download('heart'),
      async (world) => {
        const isProven = world.chronicle.records.some(({ events }) =>
          events.some(({ type }) => type === 'CoreVerified'),
        );
        const isInstalled = world.chronicle.state.cores.get('kokoro')?.phase === 'ready';
        if (isInstalled) expect(world.disk.installed('kokoro').size).toBe(1);
        if (!isProven) return;
        if (!isInstalled && world.disk.installed('kokoro').size === 1) between++;
        if (world.isOpen) world.crash();
        world.network.goOffline();
        await world.reopen();
        await world.run(world.depot.download('heart'));
        expect(wrongFiles(world, 'kokoro')).toEqual([]);
        expect(world.disk.installed('kokoro').size).toBe(1);
      },
    );
    expect(between, 'published, and not yet recorded').toBeGreaterThan(0);
  });

  it('D12: killed at any step of a deletion, what another voice needs is there', async () => {
    const shared = {
      cores: { kokoro: { 'm.onnx': 9_000 }, af: { 'a.bin': 500 }, am: { 'b.bin': 500 } },
      voices: { heart: ['kokoro', 'af'], adam: ['kokoro', 'am'] },
    };
    const steps = await killedEverywhere(
      async () => {
        const world = await createWorld({ seed: 12, catalog: shared });
        await world.run(Promise.all([world.depot.download('heart'), world.depot.download('adam')]));
        return world;
      },
      (world) => world.depot.delete('heart'),
      async (world) => {
        if (world.isOpen) world.crash();
        world.network.goOffline();
        await world.reopen();
        await world.run();
        expect(world.depot.status('adam').phase).toBe('ready');
        expect([...wrongFiles(world, 'kokoro'), ...wrongFiles(world, 'am')]).toEqual([]);
        expect(world.disk.installed('kokoro').size + world.disk.installed('am').size).toBe(2);
      },
    );
    expect(steps).toBeGreaterThan(3);
  });

  it('D13: an update is proven before anything of it counts: one that fails leaves the old version as it was', async () => {
    const world = await createWorld({ seed: 13, catalog });
    await world.run(world.depot.download('heart'));
    const old = rightBytes(world, 'kokoro', 'model.onnx');
    const next = goodsOf({ ...catalog, edition: 2 });
    await world.reopen(next);
    const ledger = ledgerOf(world);
    world.network.corrupt(77, 'kokoro', 99);
    expect(await world.run(endOf(world.depot.download('heart')))).toMatchObject({ code: 'checksumMismatch' });
    await world.run();
    expect(ledger.types).not.toContain('CoreVerified');
    expect(ledger.types).not.toContain('CoreInstalled');
    expect(world.depot.status('heart')).toMatchObject({ phase: 'ready', isUpdateAvailable: true });
    expect([...world.disk.installed('kokoro').values()]).toEqual([old]);

    world.network.heal();
    await world.run(world.depot.download('heart'));
    const isVerified = ledger.place(
      (each) => each.type === 'record' && each.record.events.some(({ type }) => type === 'CoreVerified'),
    );
    expect(isVerified).toBeLessThan(ledger.place((each) => each.type === 'store' && each.call === 'publish'));
    expect(ledger.types.indexOf('CoreVerified')).toBeLessThan(ledger.types.indexOf('CoreInstalled'));
    expect([...world.disk.installed('kokoro').values()]).toEqual([rightBytes(world, 'kokoro', 'model.onnx')]);
  });
});

/** What `du --apparent-size` counts, without the folders themselves. */
async function bytesBelow(folder: string): Promise<number> {
  let sum = 0;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    sum += entry.isDirectory() ? await bytesBelow(path) : (await stat(path)).size;
  }
  return sum;
}
