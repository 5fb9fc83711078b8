// What a screen costs: a depot that hears records and live bytes as a page does, with so many who look at it.
import { setTimeout } from 'node:timers/promises';
import { imageOf } from '@lading/core';
import { joinDepot } from '@lading/runtime';
import { cpuMs, figure } from './figure.mjs';
import { catalogOf, ENGINE, fetching, packId, voiceId } from './world.mjs';

const EPOCH = 1;
const REPORTS = 300;
/** Between two reports, milliseconds: several in each of the ten frames a second that a screen gets. */
const EVERY_MS = 3;

/** A depot on the far end of a channel whose owner is this bench. */
async function joined(life) {
  let listener = () => undefined;
  const listen = (it) => {
    listener = it;
    return () => undefined;
  };
  const channel = { post: () => undefined, listen, close: () => undefined };
  const locate = (core, generation, file) => `${core}/${generation}/${file}`;
  const { depot } = joinDepot({ channel, catalog: life.catalog, name: 'bench', locate });
  const say = (word) => listener({ v: 1, epoch: EPOCH, ...word });
  say({ type: 'hello', image: imageOf(life.state), live: {} });
  return { depot: await depot, say };
}

const live = (core, life, bytes) => ({
  [core]: { ticket: life.state.cores.get(core).context.ticket, bytes, rateBytesPerSecond: 1e6 },
});

/** CPU of one report, with all that it wakes up to the screen, milliseconds. */
async function costOf(report) {
  const run = async (count) => {
    for (let i = 1; i <= count; i++) {
      report(i);
      await setTimeout(EVERY_MS);
    }
    await setTimeout(150);
  };
  await run(50);
  const bare = await cpuMs(async () => {
    for (let i = 1; i <= REPORTS; i++) await setTimeout(EVERY_MS);
    await setTimeout(150);
  });
  return ((await cpuMs(() => run(REPORTS))) - bare) / REPORTS;
}

async function watched(voices, subscribers, reportOf, slots = 3) {
  const life = fetching(catalogOf({ voices, packs: true }), voices, slots);
  life.records.length = 0;
  const { depot, say } = await joined(life);
  let told = 0;
  const watching = subscribers.map((id) => depot.status$(id).subscribe(() => told++));
  const cost = await costOf(reportOf(life, say));
  if (subscribers.length > 0 && told <= subscribers.length) throw new Error('nobody was told anything');
  for (const each of watching) each.unsubscribe();
  await depot.close();
  return cost;
}

const first = (count) => Array.from({ length: count }, (_, i) => voiceId(i));

let bytes = 0;
const liveOf = (core) => (life, say) => () => say({ type: 'live', live: live(core, life, ++bytes) });
const checkpointOf = (core) => {
  return (life, say) => () => {
    bytes += 100_000;
    life.checkpoint(core, bytes);
    say({ type: 'record', record: life.records.pop() });
  };
};

export async function streams() {
  const some = [];
  for (const count of [0, 100, 1_000, 10_000]) {
    const bar = count <= 1_000 ? 1 : null;
    const who = `of a core that 10,000 voices share, ${count.toLocaleString('en')} of them watched`;
    some.push(figure(`live bytes ${who}`, await watched(10_000, first(count), liveOf(ENGINE)), 'ms', bar));
    some.push(figure(`checkpoint ${who}`, await watched(10_000, first(count), checkpointOf(ENGINE)), 'ms', bar));
  }
  const alone = await watched(10_000, first(1), liveOf(packId(0)));
  some.push(figure('live bytes of one voice, it alone watched', alone, 'ms', 1));
  const among = await watched(10_000, first(1_000), liveOf(packId(0)));
  some.push(figure('live bytes of one voice, 1,000 voices watched', among, 'ms', 1));
  const turns = (life, say) => (i) => say({ type: 'live', live: live(packId(i % 63), life, ++bytes) });
  some.push(
    figure('live bytes, 64 downloads under way, each watched', await watched(1_000, first(64), turns, 64), 'ms', 1),
  );
  return some;
}
