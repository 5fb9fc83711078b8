import { type DepotState, imageOf } from '@lading/core';
import { MemoryChannels, MemoryWorld, openDepot, portsOf, schedulerOf, seededLuck, stock, urlOf } from '@lading/memory';
import { type Depot, joinDepot } from '@lading/runtime';
import { describe, expect, it } from 'vitest';

const SHELF = {
  cores: { shared: { 'model.onnx': 60_000 }, f: { 'f.bin': 3_000 }, m: { 'm.bin': 2_000 } },
  voices: { heart: ['shared', 'f'], fenrir: ['shared', 'm'] },
};
const MODEL = urlOf('shared', 'model.onnx');
const policy = { retryBaseMs: 100, retryCapMs: 1_000 };

const told = (state: DepotState) => JSON.stringify(imageOf(state));

/** A world in which programs come and go, with the channel that they share. */
function house() {
  const world = new MemoryWorld();
  const catalog = stock(world.network, SHELF);
  world.network.fail(MODEL, { type: 'pace', chunkBytes: 1_000, chunkMs: 50 }, Number.POSITIVE_INFINITY);
  const channels = new MemoryChannels();
  const scheduler = schedulerOf(world.clock);
  const own = async () => {
    const process = world.disk.start();
    const channel = channels.open(process);
    const opening = openDepot({ world, catalog, policy, process, channel, stallMs: 5_000 });
    return { process, depot: await world.run(opening) };
  };
  let guests = 0;
  const join = async (signal?: AbortSignal): Promise<Depot> => {
    const process = world.disk.start();
    const { store } = portsOf(world, process);
    const locate = store.locate.bind(store);
    const options = { channel: channels.open(process), catalog, name: `guest ${++guests}`, locate, scheduler };
    return await world.run(joinDepot(signal === undefined ? options : { ...options, signal }).depot);
  };
  return { world, own, join, channels, catalog };
}

describe('a guest', () => {
  it('downloads through the owner, and sees what the owner sees at every moment', async () => {
    const { world, own, join } = house();
    const { depot } = await own();
    const guest = await join();
    const seen: [number, number][] = [];
    guest.onStatus('heart', ({ bytesDone }) => seen.push([bytesDone, depot.status('heart').bytesDone]));
    const voice = await world.run(guest.download('heart'));
    expect(voice.paths).toEqual(depot.asset('heart')?.paths);
    expect(told(guest.state)).toBe(told(depot.state));
    expect(seen.length).toBeGreaterThan(10);
    expect(seen.every(([mine, his]) => mine <= his)).toBe(true);
    expect(world.network.requestsOf(MODEL)).toHaveLength(1);
  });

  it('and the owner, and another guest, that all want the same fetch it once', async () => {
    const { world, own, join } = house();
    const { depot } = await own();
    const guests = [await join(), await join()];
    await world.run(Promise.all([depot, ...guests].map((each) => each.download('heart'))));
    expect(world.network.requests).toHaveLength(2);
  });

  it('that comes late knows all that happened before, and what is flowing', async () => {
    const { world, own, join } = house();
    const { depot } = await own();
    const life = depot.download('heart');
    await world.clock.advance(1_500);
    const guest = await join();
    expect(guest.status('heart')).toEqual(depot.status('heart'));
    expect(guest.status('heart').bytesDone).toBeGreaterThan(10_000);
    await world.run(life);
  });

  it('pauses, resumes, cancels and deletes as the owner would', async () => {
    const { world, own, join } = house();
    const { depot } = await own();
    const guest = await join();
    const life = guest.download('heart');
    await world.clock.advance(1_000);
    await world.run(guest.pause('heart'));
    expect(depot.status('heart').phase).toBe('paused');
    await world.run(guest.resume('heart'));
    await world.run(life);
    await world.run(guest.delete('heart'));
    expect(depot.list().every(({ phase }) => phase === 'absent')).toBe(true);
    const gone = guest.download('fenrir').catch((error: { code: string }) => error.code);
    await world.clock.advance(500);
    await world.run(guest.cancel('fenrir'));
    expect(await world.run(gone)).toBe('cancelled');
  });

  it('is refused what the owner would be refused, in the same words', async () => {
    const { world, own, join } = house();
    const { depot } = await own();
    const guest = await join();
    await world.run(guest.download('heart'));
    const words = async (each: Depot) =>
      await world.run(each.delete('shared').catch(({ code, message, remedy }) => ({ code, message, remedy })));
    expect(await words(guest)).toEqual(await words(depot));
    expect(((await words(guest)) as { code: string }).code).toBe('inUse');
  });

  it('verifies, repairs, cleans and counts through the owner', async () => {
    const { world, own, join } = house();
    const { depot } = await own();
    const guest = await join();
    const voice = await world.run(guest.download('heart'));
    const path = voice.path('f.bin');
    world.disk.overwrite(path, new Uint8Array(3_000));
    const [inspection] = (await world.run(guest.verify('f'))).filter(({ damaged }) => damaged.length > 0);
    expect(inspection?.damaged[0]?.filename).toBe('f.bin');
    await world.run(guest.repair());
    expect((await world.run(guest.verify())).every(({ damaged }) => damaged.length === 0)).toBe(true);
    expect(await world.run(guest.clean())).toBe(3_000);
    expect(await world.run(guest.usage())).toEqual(await world.run(depot.usage()));
  });

  it('outlives its owner: what it asked for goes on under the next one, from the bytes that are there', async () => {
    const { world, own, join } = house();
    const first = await own();
    const guest = await join();
    const life = guest.download('heart');
    await world.clock.advance(2_500);
    first.process.kill();
    await world.clock.advance(1_000);
    const second = await own();
    const voice = await world.run(life);
    expect(voice.paths).toEqual(second.depot.asset('heart')?.paths);
    expect(world.network.requestsOf(MODEL).map(({ from }) => from)[1]).toBeGreaterThan(10_000);
  });

  it('asks the next owner what the last one did not answer', async () => {
    const { world, own, join } = house();
    const first = await own();
    const guest = await join();
    first.process.kill();
    const life = guest.download('heart');
    await world.clock.advance(1_000);
    expect(world.network.requests).toHaveLength(0);
    await own();
    await world.run(life);
  });

  it('is told when the owner leaves, and waits for the next', async () => {
    const { world, own, join } = house();
    const first = await own();
    const guest = await join();
    const early = guest.download('heart');
    await world.clock.advance(1_000);
    await world.run(first.depot.close());
    await world.clock.advance(0);
    const { phase, reason, rateBytesPerSecond, remedy } = guest.status('shared');
    expect({ phase, reason, rateBytesPerSecond }).toEqual({
      phase: 'downloading',
      reason: 'noOwner',
      rateBytesPerSecond: null,
    });
    expect(remedy).toContain('takes over');
    const life = guest.download('fenrir');
    const second = await own();
    await world.run(Promise.all([early, life]));
    expect(second.depot.status('fenrir').phase).toBe('ready');
    expect(guest.status('shared').reason).toBe(null);
  });

  it('does not believe an owner that was replaced', async () => {
    const { world, own, join, channels } = house();
    const first = await own();
    const guest = await join();
    const asleep = imageOf(first.depot.state);
    const life = guest.download('heart');
    await world.clock.advance(500);
    first.process.kill();
    const second = await own();
    // A tab that was frozen comes back, and still thinks that it is the owner.
    const ghost = channels.open(world.disk.start());
    for (const word of [{ type: 'hello', image: asleep, live: {} }, { type: 'bye' }])
      ghost.post({ v: 1, epoch: first.depot.state.epoch, ...word });
    await world.clock.advance(0);
    expect(told(guest.state)).toBe(told(second.depot.state));
    await world.run(life);
  });

  it('gives up waiting for an owner when its signal says so', async () => {
    const { join } = house();
    await expect(join(AbortSignal.abort(new Error('no owner')))).rejects.toThrow('no owner');
  });

  it('is told why, whenever it asks, once there can be no owner any more', async () => {
    const { channels, world, own, catalog } = house();
    await own();
    const channel = channels.open(world.disk.start());
    const joining = joinDepot({ channel, catalog, name: 'last', locate: () => '' });
    const guest = await world.run(joining.depot);
    const life = guest.download('heart').catch((error: Error) => error.message);
    joining.fail(new Error('the browser has forgotten everything'));
    expect(await world.run(life)).toBe('the browser has forgotten everything');
    await expect(guest.download('fenrir')).rejects.toThrow('forgotten');
  });

  it('is told that the owner speaks another language, and what to do', async () => {
    const { channels, world, join } = house();
    const other = channels.open(world.disk.start());
    other.listen(() => other.post({ v: 2, type: 'hello', epoch: 7 }));
    await expect(join()).rejects.toMatchObject({ code: 'otherRelease' });
  });

  it('that closes leaves the others alone; what it asks then is refused', async () => {
    const { world, own, join } = house();
    const { depot } = await own();
    const guest = await join();
    const life = depot.download('heart');
    const mine = guest.download('heart').catch((error: { code: string }) => error.code);
    await world.clock.advance(500);
    await world.run(guest.close());
    expect(await mine).toBe('closed');
    await expect(guest.verify()).rejects.toMatchObject({ code: 'closed' });
    await expect(guest.download('fenrir')).rejects.toMatchObject({ code: 'closed' });
    await world.run(life);
  });

  it('sees the same in the end, wherever its owners are killed', async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const luck = seededLuck(seed);
      const { world, own, join } = house();
      let owner = await own();
      const guest = await join();
      const lives = Promise.all([guest.download('heart'), guest.download('fenrir')]);
      for (let deaths = 0; deaths < 4; deaths++) {
        owner.process.killAfter(Math.floor(luck() * 60));
        await world.clock.advance(4_000);
        owner.process.kill();
        owner = await own();
      }
      const voices = await world.run(lives);
      expect(voices.map(({ id }) => id)).toEqual(['heart', 'fenrir']);
      expect(told(guest.state), `seed ${seed}`).toBe(told(owner.depot.state));
    }
  });
});
