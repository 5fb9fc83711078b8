/** The bugs of others about progress (family E), each shown not to be ours: what every stream says, at every instant. */
import { bytesIn, readManifestValue, type Status } from '@lading/core';
import { createWorld, type World } from '@lading/sim';
import { describe, expect, it } from 'vitest';
import { begin, downloadTo, endOf, ledgerOf, wrongFiles } from './ledger.js';

const MODEL_BYTES = 400_000;
const catalog = {
  cores: { kokoro: { 'model.onnx': MODEL_BYTES }, piper: { 'voice.onnx': 50_000, 'voice.json': 900 } },
  voices: { heart: ['kokoro'], amy: ['piper'], both: ['kokoro', 'piper'] },
};
/** Of the simulated network: 4 KiB each 40 ms. */
const WIRE_BYTES_PER_SECOND = 102_400;

/** Every status of an id, at every instant from now on, and those that its stream gave. */
function statusesOf(
  world: World,
  id: string,
): { readonly polled: readonly Status[]; readonly streamed: readonly Status[] } {
  const polled: Status[] = [];
  const streamed: Status[] = [];
  world.observe(() => {
    if (world.isOpen) polled.push(world.depot.status(id));
  });
  world.depot.onStatus(id, (status) => streamed.push(status));
  return { polled, streamed };
}

function expectHonest(statuses: readonly Status[]): void {
  expect(statuses.length).toBeGreaterThan(10);
  for (const { bytesDone, bytesTotal, rateBytesPerSecond: rate, etaMs } of statuses) {
    expect(bytesDone).toBeGreaterThanOrEqual(0);
    expect(bytesDone).toBeLessThanOrEqual(bytesTotal);
    if (rate !== null) expect(rate).toBeGreaterThan(0);
    if (etaMs !== null) expect(Number.isSafeInteger(etaMs)).toBe(true);
    if (etaMs !== null && bytesDone < bytesTotal) expect(etaMs).toBeGreaterThan(0);
  }
}

function expectNoFall(statuses: readonly Status[]): void {
  let last = 0;
  for (const { bytesDone } of statuses) {
    expect(bytesDone).toBeGreaterThanOrEqual(last);
    last = bytesDone;
  }
}

describe('progress', () => {
  it('E1: never falls when connections break, stall and are refused', async () => {
    const world = await createWorld({ seed: 1, catalog, stallMs: 3_000 });
    const { polled, streamed } = statusesOf(world, 'both');
    const ledger = ledgerOf(world);
    for (const bytes of [90_000, 3, 120_000]) world.network.dropAfter(bytes, 'kokoro');
    world.network.stallAfter(20_000, 'kokoro');
    world.network.stallAfter(10_000, 'piper/voice.onnx');
    begin(world, 'both');
    await world.runUntil(() => world.depot.status('both').bytesDone > 200_000);
    await world.run(world.depot.pause('both'));
    await world.run(world.depot.resume('both'));
    await world.run();
    expect(ledger.types.filter((type) => type === 'RetryScheduled').length).toBeGreaterThanOrEqual(3);
    for (const statuses of [polled, streamed]) {
      expectHonest(statuses);
      expectNoFall(statuses);
      expect(statuses.at(-1)).toMatchObject({ phase: 'ready', bytesDone: 450_900, bytesTotal: 450_900 });
    }
  });

  it.each(['a pause', 'a restart'])(
    'E2: after %s the time to go counts from the bytes that still come',
    async (how) => {
      const world = await createWorld({ seed: 2, catalog });
      await downloadTo(world, 'heart', 200_000);
      if (how === 'a pause') await world.run(world.depot.pause('heart'));
      else await world.close();
      await world.advance(3_600_000);
      if (how === 'a pause') await world.run(world.depot.resume('heart'));
      else await world.reopen();
      const { polled } = statusesOf(world, 'heart');
      await world.runUntil(() => world.depot.status('heart').rateBytesPerSecond !== null);
      const beganMs = world.elapsedMs;
      const { etaMs } = world.depot.status('heart');
      await world.runUntil(() => world.depot.status('heart').bytesDone === MODEL_BYTES);
      const tookMs = world.elapsedMs - beganMs;
      expect(tookMs).toBeGreaterThan(100);
      expect(etaMs).toBeGreaterThan(0);
      // The connecting counts too, so the first guess may be too long; it is never as if the old bytes had come just now.
      expect(etaMs).toBeGreaterThan(tookMs * 0.8);
      expect(etaMs).toBeLessThan(tookMs * 4);
      expectHonest(polled);
    },
  );

  it('E3: no bytes that were there already are ever speed', async () => {
    const world = await createWorld({ seed: 3, catalog });
    const { polled } = statusesOf(world, 'heart');
    await downloadTo(world, 'heart', 300_000);
    for (const how of ['pause', 'crash'] as const) {
      if (how === 'pause') await world.run(world.depot.pause('heart'));
      else world.crash();
      if (how === 'pause') await world.run(world.depot.resume('heart'));
      else await world.reopen();
      await world.advance(700);
    }
    // A server that sends everything anew: the part that we had is not speed either when it comes a second time.
    world.network.dropAfter(10_000);
    world.network.order({ trouble: 'plainAnswer' });
    await world.run();
    const rates = polled.flatMap(({ rateBytesPerSecond }) => rateBytesPerSecond ?? []);
    expect(rates.length).toBeGreaterThan(50);
    expect(Math.max(...rates)).toBeLessThanOrEqual(WIRE_BYTES_PER_SECOND * 1.1);
    expect(world.depot.status('heart').phase).toBe('ready');
  });

  it('E4: there is no rate before it means something, and none while nothing comes', async () => {
    const world = await createWorld({ seed: 4, catalog, stallMs: 30_000 });
    const { streamed } = statusesOf(world, 'heart');
    world.network.stallAfter(200_000);
    begin(world, 'heart');
    await world.runUntil(() => world.depot.status('heart').bytesDone > 0);
    expect(world.depot.status('heart')).toMatchObject({ rateBytesPerSecond: null, etaMs: null });
    await world.runUntil(() => world.depot.status('heart').bytesDone === 200_000);
    expect(world.depot.status('heart').rateBytesPerSecond).toBeGreaterThan(WIRE_BYTES_PER_SECOND * 0.8);
    await world.advance(5_000);
    expect(world.depot.status('heart')).toMatchObject({ rateBytesPerSecond: null, etaMs: null });
    expect(streamed.at(-1), 'whoever only listens is told').toMatchObject({ rateBytesPerSecond: null, etaMs: null });
    await world.advance(20_000);
    expect(world.depot.status('kokoro').phase).toBe('downloading');
    await world.run();
    expect(world.depot.status('heart').phase).toBe('ready');
    const rates = streamed.flatMap(({ rateBytesPerSecond }) => rateBytesPerSecond ?? []);
    expect(Math.min(...rates)).toBeGreaterThan(WIRE_BYTES_PER_SECOND * 0.2);
    expect(Math.max(...streamed.map(({ etaMs }) => etaMs ?? 0))).toBeLessThan(60_000);
  });

  it.each([
    ['says no length', { 'content-length': '' }],
    ['says another length each time', { 'content-length': '17' }],
  ])('E5: the total is the catalog’s from the first instant, also if the server %s', async (_, headers) => {
    const world = await createWorld({ seed: 5, catalog });
    const { polled, streamed } = statusesOf(world, 'both');
    world.network.memory.fail(world.network.urlsOf('kokoro')[0] ?? '', { type: 'headers', headers });
    expect(world.depot.status('both')).toMatchObject({ phase: 'absent', bytesDone: 0, bytesTotal: 450_900 });
    await world.run(world.depot.download('both'));
    for (const statuses of [polled, streamed]) {
      expectHonest(statuses);
      expect(new Set(statuses.map(({ bytesTotal }) => bytesTotal))).toEqual(new Set([450_900]));
    }
  });

  it('E5: a catalog that does not say how large a file is, is refused at that place', () => {
    const file = { filename: 'm', url: 'https://e.org/m', sha256: '0'.repeat(64) };
    const manifest = { version: 3, cores: [{ id: 'c', files: [file] }] };
    const reading = readManifestValue(manifest, { base: null, allowHttp: false });
    expect(reading).toMatchObject({ ok: false, defects: [{ path: '$.cores[0].files[0].sizeBytes' }] });
  });

  it('E6: what is complete is told by the digest, whether it is less than declared or wrong', async () => {
    const shelf = {
      cores: { kokoro: { 'model.onnx': { sizeBytes: 300_000, acceptedBytes: 297_900 } } },
      voices: { heart: ['kokoro'] },
    };
    const known = await createWorld({ seed: 6, catalog: shelf });
    await known.run(known.depot.download('heart'));
    expect(known.depot.status('heart')).toMatchObject({ phase: 'ready', bytesDone: 300_000, bytesTotal: 300_000 });
    expect([...known.disk.installed('kokoro').values()].map(({ length }) => length)).toEqual([297_900]);

    const world = await createWorld({ seed: 6, catalog });
    const { polled } = statusesOf(world, 'heart');
    world.network.replace(world.network.urlsOf('kokoro')[0] ?? '', -2_800);
    expect(await world.run(endOf(world.depot.download('heart')))).not.toBe(null);
    await world.run();
    expect(polled.some(({ phase }) => phase === 'ready')).toBe(false);
    expect(world.depot.status('heart')).toMatchObject({ phase: 'failed', reason: 'upstreamChanged' });
    expect(world.disk.installed('kokoro').size).toBe(0);
  });

  it.each([
    ['the server begins anew', (world: World) => world.network.order({ trouble: 'plainAnswer' }, '*', 2)],
    ['it sends too much', (world: World) => world.network.order({ trouble: 'excess', bytes: 9_000 }, '*', 2)],
    ['it sends wrong bytes', (world: World) => world.network.corrupt(3)],
  ])('E7: no attempt is counted twice when %s', async (_, disturb) => {
    const world = await createWorld({ seed: 7, catalog });
    const { polled, streamed } = statusesOf(world, 'heart');
    const ledger = ledgerOf(world);
    // What is told and what the file holds, each time that it grew.
    const told: (readonly [done: number, held: number])[] = [];
    world.observe((each) => {
      if (each.type === 'written') told.push([world.depot.status('heart').bytesDone, bytesIn(each.held)]);
    });
    world.network.dropAfter(130_000);
    disturb(world);
    world.network.dropAfter(60_000);
    await world.run(world.depot.download('heart'));
    await world.run();
    expect(ledger.requests().length).toBeGreaterThanOrEqual(2);
    expectHonest(polled);
    expect(told.length).toBeGreaterThan(50);
    for (const [done, held] of told) expect(done).toBeLessThanOrEqual(held);
    for (const { bytesDone } of streamed) expect(bytesDone).toBeLessThanOrEqual(MODEL_BYTES);
    expect(streamed.at(-1)).toMatchObject({ phase: 'ready', bytesDone: MODEL_BYTES });
    expect(wrongFiles(world, 'kokoro')).toEqual([]);
  });

  it('E8: what is done after the last byte has come is seen as it is done', async () => {
    const shelf = {
      cores: {},
      archives: { espeak: { phontab: 20_000, 'voices/de': 300, 'voices/en': 400 } },
      voices: { heart: ['espeak'] },
    };
    const world = await createWorld({ seed: 8, catalog: shelf, diskMs: 250 });
    const phases: Status['phase'][] = [];
    const reasons: (string | null)[] = [];
    const note = <T>(list: T[], value: T): void => {
      if (list.at(-1) !== value) list.push(value);
    };
    world.depot.onStatus('espeak', ({ phase }) => note(phases, phase));
    world.depot.onStatus('heart', ({ reason }) => note(reasons, reason));
    const polled: Status['phase'][] = [];
    world.observe(() => {
      if (world.isOpen) note(polled, world.depot.status('espeak').phase);
    });
    await world.run(world.depot.download('heart'));
    await world.run();
    const way = ['preparing', 'downloading', 'verifying', 'extracting', 'installing', 'ready'];
    expect(polled.slice(-way.length)).toEqual(way);
    // At most ten times a second a screen is told: every phase that lasts longer than that is on it.
    expect(phases.slice(-5)).toEqual(way.filter((phase) => phase !== 'preparing'));
    expect(reasons).toEqual(expect.arrayContaining(['downloading', 'extracting', 'installing']));
  });
});
