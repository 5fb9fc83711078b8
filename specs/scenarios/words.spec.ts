/** Words between an owner and its guests that are lost on the way, or come late, or from somebody who is no owner any more. */
import { type DepotState, imageOf } from '@lading/core';
import { MemoryChannels, MemoryWorld, openDepot, portsOf, schedulerOf, stock, urlOf } from '@lading/memory';
import { type Channel, type Depot, joinDepot } from '@lading/runtime';
import { expect, it } from 'vitest';

const SHELF = { cores: { a: { f: 30_000 }, b: { f: 2_000 } }, voices: { one: ['a'], two: ['b'] } };

interface Heard {
  readonly type: string;
  readonly epoch?: number;
  readonly record?: unknown;
}

/** What becomes of a word on its way to the guest: it may be passed on now, later, or never. */
type Way = (word: Heard, pass: (word: Heard) => void) => void;

const told = (state: DepotState) => JSON.stringify(imageOf(state));

/** An owner, and a way to join it over a line that does what it likes with words. */
async function house() {
  const world = new MemoryWorld();
  const catalog = stock(world.network, SHELF);
  world.network.fail(urlOf('a', 'f'), { type: 'pace', chunkBytes: 1_000, chunkMs: 50 }, Number.POSITIVE_INFINITY);
  const channels = new MemoryChannels();
  const own = async () => {
    const process = world.disk.start();
    const depot = await world.run(openDepot({ world, catalog, process, channel: channels.open(process) }));
    return { process, depot };
  };
  const owner = await own();
  const join = async (way: Way): Promise<Depot> => {
    const process = world.disk.start();
    const { store } = portsOf(world, process);
    const end = channels.open(process);
    const channel: Channel = {
      post: (word) => end.post(word),
      listen: (listener) => end.listen((word) => way(word as Heard, listener)),
      close: () => end.close(),
    };
    const locate = store.locate.bind(store);
    return await world.run(
      joinDepot({ channel, catalog, name: 'guest', locate, scheduler: schedulerOf(world.clock) }).depot,
    );
  };
  return { world, owner, own, join, channels };
}

it('a guest that has missed a record asks for the whole again', async () => {
  const { world, owner, join } = await house();
  let lost = 0;
  const guest = await join((word, pass) => {
    const isLost = /"(CoreStarted|CoreVerified|CoreDeletionStarted)"/.test(JSON.stringify(word.record ?? null));
    if (isLost) lost++;
    else pass(word);
  });
  for (const id of ['one', 'two']) {
    await world.run(guest.download(id));
    await world.run(guest.delete(id));
  }
  expect(lost).toBe(6);
  expect(told(guest.state)).toBe(told(owner.depot.state));
});

it('a guest that hears a record twice, or once more after all of it was told, takes it once', async () => {
  const { world, owner, join } = await house();
  const guest = await join((word, pass) => {
    pass(word);
    if (word.type === 'record') pass(word);
  });
  const events: number[] = [];
  guest.events$.subscribe(({ position }) => events.push(position));
  await world.run(guest.download('one'));
  expect(told(guest.state)).toBe(told(owner.depot.state));
  expect(new Set(events).size).toBe(events.length);
  expect(events.length).toBeGreaterThan(5);
});

it('an answer that overtakes the records it rests on is believed when they are here', async () => {
  const { world, join } = await house();
  const guest = await join((word, pass) => {
    if (word.type === 'record') world.clock.after(700, () => pass(word));
    else pass(word);
  });
  await world.run(guest.download('two'));
  await world.run(guest.delete('two'));
  expect(guest.status('two').phase).toBe('absent');
  const life = guest.download('one').catch(() => undefined);
  await world.clock.advance(1_000);
  await world.run(guest.pause('one'));
  expect(guest.status('one').phase).toBe('paused');
  await world.run(guest.cancel('one'));
  await life;
});

it('an owner that has closed answers nothing, also if the guest has not heard that it went', async () => {
  const { world, owner, own, join } = await house();
  const guest = await join((word, pass) => {
    if (word.type !== 'bye') pass(word);
  });
  await world.run(guest.download('two'));
  const positions = owner.depot.state.position;
  await world.run(owner.depot.close());
  const deletion = guest.delete('two');
  await world.clock.advance(1_000);
  const next = await own();
  await world.run(deletion);
  expect(next.depot.status('two').phase).toBe('absent');
  expect(owner.depot.state.position).toBe(positions);
});

it('what an owner has done and not lived to say is not an error to the guest who asked', async () => {
  const { world, owner, own, join } = await house();
  let isDeaf = false;
  const guest = await join((word, pass) => {
    if (!isDeaf || word.type !== 'answer') pass(word);
  });
  await world.run(guest.download('two'));
  isDeaf = true;
  const deletion = guest.delete('two');
  await world.clock.advance(5_000);
  expect(owner.depot.status('two').phase).toBe('absent');
  owner.process.kill();
  isDeaf = false;
  await own();
  await world.run(deletion);
  expect(guest.status('two').phase).toBe('absent');
});

it('what a guest has asked and nobody has answered is refused when the guest leaves', async () => {
  const { world, owner, join } = await house();
  const guest = await join((word, pass) => pass(word));
  await world.run(guest.download('two'));
  owner.process.kill();
  const asked = guest.verify('two').catch((error: { code: string }) => error.code);
  await world.clock.advance(1_000);
  await world.run(guest.close());
  expect(await world.run(asked)).toBe('closed');
});

it('words of an owner who has not introduced itself make a guest ask who it is', async () => {
  const { world, owner, own, join } = await house();
  let isFirst = true;
  const guest = await join((word, pass) => {
    const isNew = (word.epoch ?? 0) > owner.depot.state.epoch;
    if (word.type === 'hello' && isNew && isFirst) isFirst = false;
    else pass(word);
  });
  await world.run(owner.depot.close());
  const next = await own();
  await world.run(next.depot.download('two'));
  await world.clock.advance(1_000);
  expect(isFirst).toBe(false);
  expect(told(guest.state)).toBe(told(next.depot.state));
});
