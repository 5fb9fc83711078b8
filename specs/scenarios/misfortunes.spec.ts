/** Guests and owners under hostile circumstances: words that are lost, owners that come and go at the worst moment, tabs of other ages. */
import { Catalog, imageOf } from '@lading/core';
import { MemoryChannels, MemoryWorld, openDepot, portsOf, schedulerOf, stock, urlOf } from '@lading/memory';
import { type Channel, type Depot, joinDepot } from '@lading/runtime';
import { describe, expect, it } from 'vitest';

const SHELF = {
  cores: { shared: { 'model.onnx': 60_000 }, f: { 'f.bin': 3_000 }, m: { 'm.bin': 2_000 } },
  voices: { heart: ['shared', 'f'], fenrir: ['shared', 'm'] },
};
const policy = { retryBaseMs: 100, retryCapMs: 1_000 };

/** A channel that its page may leave for a while, as for the back/forward cache. */
class SleepingChannel implements Channel {
  isAsleep = false;
  readonly said: { readonly type: string }[] = [];
  constructor(private readonly inner: Channel) {}
  post(word: unknown): void {
    if (this.isAsleep) return;
    this.said.push(word as { type: string });
    this.inner.post(word);
  }
  listen(listener: (word: unknown) => void): () => void {
    return this.inner.listen((word) => {
      if (!this.isAsleep) listener(word);
    });
  }
  close(): void {
    this.inner.close();
  }
}

function house(shelf: Parameters<typeof stock>[1] = SHELF) {
  const world = new MemoryWorld();
  const catalog = stock(world.network, shelf);
  world.network.fail(
    urlOf('shared', 'model.onnx'),
    { type: 'pace', chunkBytes: 1_000, chunkMs: 50 },
    Number.POSITIVE_INFINITY,
  );
  const channels = new MemoryChannels();
  const own = async (own: Catalog = catalog) => {
    const process = world.disk.start();
    const channel = channels.open(process);
    const opening = openDepot({ world, catalog: own, policy, process, channel, stallMs: 5_000 });
    return { process, depot: await world.run(opening) };
  };
  let guests = 0;
  const begin = (own: Catalog = catalog) => {
    const process = world.disk.start();
    const { store } = portsOf(world, process);
    const channel = new SleepingChannel(channels.open(process));
    const joining = joinDepot({
      channel,
      catalog: own,
      name: `guest ${++guests}`,
      locate: store.locate.bind(store),
      scheduler: schedulerOf(world.clock),
    });
    return { channel, joining };
  };
  const join = async (own: Catalog = catalog) => {
    const begun = begin(own);
    return { ...begun, depot: await world.run(begun.joining.depot) };
  };
  return { world, own, begin, join, channels, catalog };
}
/** What becomes of a promise, as something that can be looked at. */
const settled = (promise: Promise<unknown>): Promise<{ readonly value?: unknown; readonly error?: unknown }> =>
  promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );

describe('a guest', () => {
  it('that slept while it was answered, asks again when it wakes', async () => {
    const { world, own, join } = house();
    const { depot: owner } = await own();
    const { depot, channel, joining } = await join();
    const life = depot.download('heart');
    channel.isAsleep = true;
    await world.run(owner.download('heart'));
    channel.isAsleep = false;
    joining.again();
    expect((await world.run(life)).id).toBe('heart');
  });

  it('that asked while it slept, asks when it wakes', async () => {
    const { world, own, join } = house();
    await own();
    const { depot, channel, joining } = await join();
    channel.isAsleep = true;
    const life = depot.download('heart');
    await world.clock.advance(1_000);
    channel.isAsleep = false;
    joining.again();
    expect((await world.run(life)).id).toBe('heart');
  });

  it('is told when the next owner speaks another language', async () => {
    const { world, own, join, channels } = house();
    const first = await own();
    const { depot } = await join();
    const life = settled(depot.download('heart'));
    await world.clock.advance(200);
    first.process.kill();
    channels.open(world.disk.start()).post({ v: 2, type: 'hello', epoch: 9 });
    expect(await world.run(life)).toMatchObject({ error: { code: 'otherRelease' } });
    await expect(depot.download('fenrir')).rejects.toMatchObject({ code: 'otherRelease' });
  });

  it('does not believe an owner of another release that was replaced', async () => {
    const { world, own, join, channels } = house();
    await own();
    const { depot } = await join();
    channels.open(world.disk.start()).post({ v: 2, type: 'hello', epoch: 0 });
    expect((await world.run(depot.download('heart'))).id).toBe('heart');
  });

  it('that missed words asks for the whole once, however much is said until it comes', async () => {
    const { world, begin, channels } = house();
    const slow = channels.open(world.disk.start());
    const { channel, joining } = begin();
    joining.depot.catch(() => undefined);
    for (let i = 0; i < 100; i++) slow.post({ v: 1, epoch: 3, type: 'live', live: {} });
    await world.clock.advance(0);
    expect(channel.said.map(({ type }) => type)).toEqual(['join', 'join']);
    joining.fail(new Error('enough'));
  });

  it('that asks an owner which is closing is answered by the next', async () => {
    // So much has happened that the owner writes a snapshot before it lets go.
    const ids = Array.from({ length: 180 }, (_, i) => `v${i}`);
    const cores = Object.fromEntries(ids.map((id) => [`of-${id}`, { 'a.bin': 10 }]));
    const voices = Object.fromEntries(ids.map((id) => [id, [`of-${id}`]]));
    const { world, own, join } = house({ cores, voices });
    const first = await own();
    const { depot } = await join();
    await world.run(Promise.all(ids.map((id) => first.depot.download(id))));
    expect(first.depot.state.position).toBeGreaterThan(1_250);
    let isOver = false;
    const closing = first.depot.close().then(() => {
      isOver = true;
    });
    const asked: Promise<{ readonly error?: unknown }>[] = [];
    while (!isOver) {
      asked.push(settled(depot.prioritize('v1')), settled(depot.verify('v1')), settled(depot.usage()));
      await Promise.resolve();
    }
    await closing;
    await own();
    const answers = await world.run(Promise.all(asked));
    expect(answers.length).toBeGreaterThan(100);
    expect(answers.filter(({ error }) => error !== undefined)).toEqual([]);
  });

  it('whose owner dies between record and answer is told that it is done', async () => {
    const deeds: readonly [string, (each: Depot) => Promise<unknown>, (each: Depot) => Promise<unknown>][] = [
      [
        'pause',
        async (each) => {
          each.download('heart').catch(() => undefined);
        },
        (each) => each.pause('heart'),
      ],
      [
        'resume',
        async (each) => {
          each.download('heart').catch(() => undefined);
          await each.pause('heart');
        },
        (each) => each.resume('heart'),
      ],
      [
        'cancel',
        async (each) => {
          each.download('heart').catch(() => undefined);
        },
        (each) => each.cancel('heart'),
      ],
      [
        'delete',
        async (each) => {
          await each.download('heart');
        },
        (each) => each.delete('heart'),
      ],
      [
        'delete core by force',
        async (each) => {
          await each.download('heart');
        },
        (each) => each.delete('f', { force: true }),
      ],
      [
        'prioritize',
        async (each) => {
          each.download('heart').catch(() => undefined);
        },
        (each) => each.prioritize('heart', 3),
      ],
      ['download', async () => undefined, (each) => each.download('heart')],
    ];
    for (const [name, before, deed] of deeds) {
      const { world, own, join } = house();
      const first = await own();
      const { depot } = await join();
      await world.run(before(first.depot));
      await world.clock.advance(300);
      first.depot.events$.subscribe(() => first.process.kill());
      const life = settled(deed(depot));
      await world.clock.advance(2_000);
      first.process.kill();
      await own();
      expect(await world.run(life), name).not.toHaveProperty('error');
    }
  });

  it('with a catalog of another age goes on when what it does not know comes and goes', async () => {
    const { world, own, join, catalog } = house();
    const old = stock(new MemoryWorld().network, {
      cores: { shared: { 'model.onnx': 60_000 } },
      voices: { other: ['shared'] },
    });
    const { depot: owner } = await own(catalog);
    const { depot } = await join(old);
    await world.run(owner.download('fenrir'));
    const phases: string[] = [];
    depot.onStatus('fenrir', ({ phase }) => phases.push(phase));
    expect(depot.list().map(({ id }) => id)).toContain('fenrir');
    expect(depot.asset('fenrir')?.paths).toEqual(owner.asset('fenrir')?.paths);
    await world.run(owner.delete('fenrir'));
    await world.clock.advance(500);
    expect(phases.at(-1)).toBe('absent');
    expect(JSON.stringify(imageOf(depot.state))).toBe(JSON.stringify(imageOf(owner.state)));
    // What only its own catalog names, the owner cannot bring: it is told why.
    expect(await world.run(settled(depot.download('other')))).toMatchObject({
      error: {
        code: 'unknownId',
        message: expect.stringContaining('has another catalog'),
        remedy: expect.stringContaining('Reload'),
      },
    });
  });
});

describe('an owner', () => {
  it('goes on when a status that somebody looks at is of nothing any more', async () => {
    const { world, own } = house();
    const first = await own();
    await world.run(first.depot.download('fenrir'));
    await world.run(first.depot.close());
    const { depot } = await own(Catalog.empty());
    const phases: string[] = [];
    depot.onStatus('fenrir', ({ phase }) => phases.push(phase));
    await world.run(depot.delete('fenrir'));
    await world.clock.advance(500);
    expect(phases.at(-1)).toBe('absent');
  });

  it('that is closed in the midst of a check or a cleaning touches nothing once it has let go', async () => {
    for (let turns = 0; turns < 60; turns += 3) {
      const { world, own } = house();
      const { depot, process } = await own();
      await world.run(Promise.all([depot.download('heart'), depot.download('fenrir')]));
      const deeds = [settled(depot.clean()), settled(depot.repair())];
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      // In the very moment: the next owner may begin then.
      const steps = await world.run(depot.close().then(() => process.steps));
      await world.run(Promise.all(deeds));
      await world.clock.advance(5_000);
      expect(process.steps, `${turns} turns`).toBe(steps);
    }
  });
});
