import type { Status } from '@lading/core';
import { describe, expect, it } from 'vitest';
import { openDepot } from './open.js';
import { type Stock, stock, urlOf } from './stock.js';
import { MemoryWorld } from './world.js';

const policy = { retryBaseMs: 100, retryCapMs: 1_000 };
const model = urlOf('shared', 'model.onnx');
const slow = { chunkBytes: 1_000, chunkMs: 100 };

/** Two voices that share a core, each with one of its own; ten seconds for the shared one. */
const STOCK: Stock = {
  cores: { shared: { 'model.onnx': 100_000 }, f: { 'f.bin': 3_000 }, m: { 'm.bin': 2_000 } },
  voices: { heart: ['shared', 'f'], fenrir: ['shared', 'm'] },
};

async function bench() {
  const world = new MemoryWorld();
  const catalog = stock(world.network, STOCK);
  world.network.fail(model, { type: 'pace', ...slow }, Number.POSITIVE_INFINITY);
  const open = (dir?: string) =>
    openDepot({ world, catalog, policy, stallMs: 5_000, ...(dir === undefined ? {} : { dir }) });
  return { world, open, depot: await open(), requests: () => world.network.requestsOf(model) };
}

describe('an asset', () => {
  it('asked for twice at once is fetched once, and both get it', async () => {
    const { world, depot, requests } = await bench();
    const both = await world.run(Promise.all([depot.download('heart'), depot.download('heart')]));
    expect(both[0].paths).toEqual(both[1].paths);
    expect(requests()).toHaveLength(1);
    await world.run(depot.download('heart'));
    expect(world.network.requests).toHaveLength(2);
  });

  it('shares its core: one transfer for two voices, which goes when the last one lets go', async () => {
    const { world, depot, requests } = await bench();
    await world.run(Promise.all([depot.download('heart'), depot.download('fenrir')]));
    expect(requests()).toHaveLength(1);
    await world.run(depot.delete('heart'));
    expect(depot.list().map(({ id, phase }) => [id, phase])).toEqual([
      ['heart', 'absent'],
      ['fenrir', 'ready'],
      ['shared', 'ready'],
      ['f', 'absent'],
      ['m', 'ready'],
    ]);
    await world.run(depot.delete('fenrir'));
    expect(world.disk.files('/depot/cores').size).toBe(0);
    expect((await depot.usage()).cores).toEqual({});
  });

  it('cancelled by one voice goes on for the other', async () => {
    const { world, depot, requests } = await bench();
    depot.download('heart').catch(() => undefined);
    const other = depot.download('fenrir');
    await world.clock.advance(2_000);
    await world.run(depot.cancel('heart'));
    await world.run(other);
    expect(requests()).toHaveLength(1);
    expect(depot.status('heart').phase).toBe('absent');
  });

  it('paused keeps its bytes, asks for nothing, and goes on where it was', async () => {
    const { world, depot, requests } = await bench();
    const life = depot.download('heart');
    await world.clock.advance(5_000);
    await world.run(depot.pause('heart'));
    await world.clock.advance(600_000);
    const { bytesDone, phase, reason } = depot.status('heart');
    expect({ phase, reason }).toEqual({ phase: 'paused', reason: 'user' });
    expect(bytesDone).toBeGreaterThan(40_000);
    expect(requests()).toHaveLength(1);
    await world.run(depot.resume('heart'));
    await world.run(life);
    expect(requests()).toHaveLength(2);
    expect(world.network.bytesOf(model)).toBe(100_000);
  });

  it('is cancelled at once, also on a socket that stalls and before the first byte', async () => {
    for (const fault of [{ type: 'silence' } as const, { type: 'stall', afterBytes: 5_000 } as const]) {
      const { world, open, depot } = await bench();
      world.network.heal();
      world.network.fail(model, fault);
      const life = expect(depot.download('heart')).rejects.toMatchObject({ code: 'cancelled' });
      await world.clock.advance(2_000);
      const before = world.clock.monotonicMs();
      await world.run(depot.cancel('heart'));
      expect(world.clock.monotonicMs() - before).toBeLessThan(100);
      await world.run(life);
      expect(world.disk.files('/depot/staging').size + world.disk.files('/depot/cores').size).toBe(0);
      expect(depot.status('shared').phase).toBe('absent');
      await world.run(depot.close());
      const again = await open();
      expect(again.status('heart').phase).toBe('absent');
    }
  });

  it('asked for while it is being deleted is deleted, and then brought back', async () => {
    const { world, depot, requests } = await bench();
    await world.run(depot.download('heart'));
    const deleting = depot.delete('heart');
    const adding = depot.download('heart');
    await world.run(Promise.all([deleting, adding]));
    expect(depot.status('heart').phase).toBe('ready');
    expect(requests()).toHaveLength(2);
  });

  it('given up by the signal pauses with its bytes kept, and rejects with the reason of the signal', async () => {
    const { world, depot } = await bench();
    const controller = new AbortController();
    const life = depot.download('heart', { signal: controller.signal });
    const rejected = expect(life).rejects.toThrow('I changed my mind');
    await world.clock.advance(4_000);
    controller.abort(new Error('I changed my mind'));
    await world.run(rejected);
    await world.clock.advance(100);
    expect(depot.status('heart')).toMatchObject({ phase: 'paused', reason: 'user' });
    expect(depot.status('heart').bytesDone).toBeGreaterThan(30_000);
    await expect(depot.download('heart', { signal: controller.signal })).rejects.toThrow('I changed my mind');
  });

  it('given up by one of two who wait goes on for the other', async () => {
    const { world, depot, requests } = await bench();
    const controller = new AbortController();
    const one = depot.download('heart', { signal: controller.signal });
    const two = depot.download('heart');
    const rejected = expect(one).rejects.toThrow();
    await world.clock.advance(3_000);
    controller.abort();
    await rejected;
    await world.run(two);
    expect(requests()).toHaveLength(1);
  });

  it('that waits for its next attempt waits no longer because the wall clock is set back', async () => {
    const { world, depot } = await bench();
    world.network.fail(urlOf('f', 'f.bin'), { type: 'refuse' });
    const life = depot.download('heart');
    await world.clock.advance(50);
    expect(depot.status('f').phase).toBe('backingOff');
    world.clock.setBack(24 * 3_600_000);
    await world.run(life);
    expect(world.clock.monotonicMs()).toBeLessThan(60_000);
  });

  it('damaged on disk is found by verify, and repaired by fetching only what is damaged', async () => {
    const { world, depot, requests } = await bench();
    const asset = await world.run(depot.download('heart'));
    const path = asset.path('f.bin');
    world.disk.overwrite(path, new Uint8Array(3_000));
    const found = await world.run(depot.verify('heart'));
    expect(found.flatMap(({ damaged }) => damaged.map(({ filename }) => filename))).toEqual(['f.bin']);
    await world.run(depot.repair('heart'));
    expect((await world.run(depot.verify())).flatMap(({ damaged }) => damaged)).toEqual([]);
    const aside = () => [...world.disk.files('/depot/cores').keys()].filter((name) => name.includes('/.quarantine-'));
    expect(aside()).toHaveLength(1);
    expect(await world.run(depot.clean())).toBe(3_000);
    expect(aside()).toEqual([]);
    expect(requests()).toHaveLength(1);
    expect(world.network.requestsOf(urlOf('f', 'f.bin'))).toHaveLength(2);
  });
});

describe('a depot', () => {
  it('is closed by `await using`, resumable, and free for the next', async () => {
    const { world, depot, open, requests } = await bench();
    await world.run(depot.close());
    const use = async () => {
      await using used = await open();
      used.download('heart').catch(() => undefined);
      await world.clock.advance(5_000);
    };
    await use();
    const before = requests().length;
    await world.clock.advance(60_000);
    expect(requests()).toHaveLength(before);
    const next = await open();
    await world.run(next.download('heart'));
    expect(world.network.bytesOf(model)).toBeLessThanOrEqual(101_000);
  });

  it('has one owner: a second one is told who, one after a crash is let in under a higher epoch', async () => {
    const { world, depot, open } = await bench();
    await expect(open()).rejects.toMatchObject({ name: 'InitializationError', code: 'leaseHeld' });
    const other = await open('/elsewhere');
    await world.run(other.close());
    const { epoch } = depot.state;
    world.crash();
    const heir = await open();
    expect(heir.state.epoch).toBeGreaterThan(epoch);
    await world.run(heir.close());
    expect((await open()).state.epoch).toBeGreaterThan(heir.state.epoch);
  });

  it('shows progress that never falls, at most ten times a second, and the end', async () => {
    const { world, depot } = await bench();
    const seen: { ms: number; status: Status }[] = [];
    depot.status$('heart').subscribe((status) => seen.push({ ms: world.clock.monotonicMs(), status }));
    await world.run(depot.download('heart'));
    await world.clock.advance(200);
    for (let i = 1; i < seen.length; i++) {
      const [before, now] = [seen[i - 1], seen[i]];
      if (before === undefined || now === undefined) throw new Error('nothing seen');
      expect(now.ms - before.ms).toBeGreaterThanOrEqual(100);
      expect(now.status.bytesDone).toBeGreaterThanOrEqual(before.status.bytesDone);
      expect(now.status.bytesDone).toBeLessThanOrEqual(now.status.bytesTotal);
    }
    expect(seen.length).toBeGreaterThan(50);
    expect(seen.at(-1)?.status).toMatchObject({ phase: 'ready', bytesDone: 103_000, bytesTotal: 103_000 });
    const rates = seen.flatMap(({ status }) => status.rateBytesPerSecond ?? []);
    expect(Math.max(...rates.slice(20))).toBeLessThan(11_000);
  });

  it('can be watched by iteration until it is ready', async () => {
    const { world, depot } = await bench();
    const phases = new Set<string>();
    const watching = (async () => {
      for await (const { phase } of depot.watch('heart')) {
        phases.add(phase);
        if (phase === 'ready') return;
      }
    })();
    await world.run(Promise.all([depot.download('heart'), watching]));
    expect([...phases]).toEqual(['absent', 'waiting', 'ready']);
  });

  it('that is closed tells those who still wait, and refuses what comes later', async () => {
    const { world, depot } = await bench();
    const waiting = expect(depot.download('heart')).rejects.toMatchObject({ code: 'closed' });
    await world.clock.advance(2_000);
    await world.run(depot.close());
    await world.run(waiting);
    await expect(depot.pause('heart')).rejects.toMatchObject({ code: 'closed' });
    await expect(depot.verify()).rejects.toMatchObject({ code: 'closed' });
    await expect(depot.clean()).rejects.toMatchObject({ code: 'closed' });
  });

  it('never tells the same thing twice in a row', async () => {
    const { world, depot } = await bench();
    const seen: string[] = [];
    depot.status$('f').subscribe((status) => seen.push(JSON.stringify(status)));
    await world.run(depot.download('f'));
    await world.run(depot.delete('f'));
    await world.clock.advance(500);
    expect(seen.length).toBeGreaterThan(0);
    for (let i = 1; i < seen.length; i++) expect(seen[i]).not.toBe(seen[i - 1]);
  });

  it('takes the same course again under the same seed', async () => {
    const course = async () => {
      const { world, depot } = await bench();
      const events: unknown[] = [];
      depot.events$.subscribe((event) => events.push(event));
      world.network.fail(urlOf('f', 'f.bin'), { type: 'refuse' }, 3);
      await world.run(depot.download('heart'));
      return { events, requests: world.network.requests };
    };
    expect(await course()).toEqual(await course());
  });
});
