/**
 * Where a download is cut does not matter: at every boundary of segments, pieces and checkpoints, one byte before and behind it, and anywhere
 * else, what was recorded is never fetched again, and what becomes ready is right.
 */
import { bytesIn, covers, overlaps, type Ranges, rangesOf } from '@lading/core';
import { seededLuck, urlOf } from '@lading/memory';
import { createWorld, type World } from '@lading/sim';
import { describe, expect, it } from 'vitest';

const SIZE = 30_000;
const SEGMENT = 5_000;
const PIECE = 3_500;
const CHECKPOINT = 2_500;
const URL_OF_FILE = urlOf('a', 'f');
const CONNECTIONS = 3;
/** Cuts of each kind; four kinds make five thousand. */
const POINTS = 1_250;

const catalog = { cores: { a: { f: { sizeBytes: SIZE, pieceBytes: PIECE } } } };
const transfer = {
  parallelFromBytes: 2 * SEGMENT,
  segmentBytes: SEGMENT,
  checkpointBytes: CHECKPOINT,
  aheadBytes: 2 * CHECKPOINT,
  aheadStoredBytes: 5 * CHECKPOINT,
};
const pace = { chunkBytes: 701, chunkMs: 120, latencyMs: 5 };

function pointsOf(seed: number): readonly number[] {
  const boundaries = [SEGMENT, PIECE, CHECKPOINT].flatMap((unit) =>
    Array.from({ length: Math.ceil(SIZE / unit) + 1 }, (_, i) => Math.min(i * unit, SIZE)),
  );
  const near = [...new Set(boundaries.flatMap((at) => [at - 1, at, at + 1]))].filter((at) => at > 0 && at < SIZE);
  const luck = seededLuck(seed);
  const random = Array.from({ length: POINTS - near.length }, () => 1 + Math.floor(luck() * (SIZE - 1)));
  return [...near, ...random];
}

const servedSince = (world: World, first: number): Ranges =>
  world.memory.network.requests
    .slice(first)
    .map(({ from, bytes }) => ({ from: from ?? 0, to: (from ?? 0) + bytes }))
    .filter(({ from, to }) => from < to);

const recorded = (world: World): Ranges => {
  const checkpoint = world.state.cores.get('a')?.context.durable['f'];
  return checkpoint === undefined ? [] : rangesOf(checkpoint);
};

/** What a killed process leaves to be counted on: once anything is recorded, all that it had stored. */
const left = (world: World): Ranges => {
  const before = recorded(world);
  return before.length === 0 ? before : (world.memory.disk.written.get('/depot/staging/a/f')?.held ?? before);
};

async function expectRight(world: World): Promise<void> {
  const [content] = [...world.disk.files('/depot/cores').values()];
  expect(content?.length).toBe(SIZE);
  expect(world.depot.status('a').phase).toBe('ready');
  const source = world.goods.sources.get(URL_OF_FILE);
  expect(Buffer.from(content ?? []).equals(Buffer.from(source?.bytes ?? []))).toBe(true);
}

/** How it ends, and whether the disk holds all that was stored: a power cut takes what was not synced, and of so small a file perhaps the name. */
const ENDS = [
  ['is killed', 1, (world: World) => world.crash(), true],
  ['is killed, elsewhere', 3, (world: World) => world.crash(), true],
  ['loses its power', 4, (world: World) => world.cutPower(true), false],
] as const;

describe('a download over several connections', () => {
  it.each(ENDS)(
    'that %s after any number of bytes fetches nothing again that is there',
    async (_, seed, end, isKept) => {
      let resumed = 0;
      let islands = 0;
      for (const [i, point] of pointsOf(seed).entries()) {
        const world = await createWorld({ seed: i, catalog, transfer, pace, connections: CONNECTIONS });
        void world.depot.download('a').catch(() => undefined);
        await world.runUntil(() => world.depot.status('a').bytesDone >= point);
        const before = left(world);
        end(world);
        const first = world.memory.network.requests.length;
        await world.reopen();
        const known = isKept ? before : recorded(world);
        if (known.length > 0) resumed++;
        if (known.length > 1) islands++;
        await world.run(world.depot.download('a'));
        await expectRight(world);
        for (const range of servedSince(world, first)) expect(overlaps(known, range), `cut at ${point}`).toBe(false);
      }
      // Or nothing was ever there to be fetched twice.
      expect(resumed).toBeGreaterThan(isKept ? POINTS / 2 : 10);
      expect(islands).toBeGreaterThan(isKept ? POINTS / 20 : 0);
    },
  );

  it('that is killed when all was stored, and little of it recorded, survives a power cut once it is installed', async () => {
    let found = 0;
    for (let seed = 0; seed < 40; seed++) {
      const world = await createWorld({ seed, catalog, transfer, pace, connections: CONNECTIONS, diskMs: 40 });
      void world.depot.download('a').catch(() => undefined);
      await world.runUntil(() => bytesIn(left(world)) === SIZE || world.depot.status('a').phase === 'ready');
      if (bytesIn(left(world)) === SIZE && bytesIn(recorded(world)) < SIZE) found++;
      world.crash();
      const first = world.memory.network.requests.length;
      await world.reopen();
      await world.run(world.depot.download('a'));
      expect(bytesIn(servedSince(world, first)), 'bytes that were fetched again').toBe(0);
      world.cutPower(true);
      await world.reopen();
      await expectRight(world);
    }
    expect(found).toBeGreaterThan(20);
  });

  it('whose connection breaks after any number of bytes fetches nothing twice', async () => {
    let parallel = 0;
    for (const [i, point] of pointsOf(2).entries()) {
      const world = await createWorld({ seed: i, catalog, transfer, pace, connections: CONNECTIONS });
      // Of whichever request has so many bytes: each has at most a segment's.
      world.memory.network.fail(URL_OF_FILE, { type: 'pace', chunkBytes: 701, chunkMs: 120 }, i % 5);
      world.memory.network.fail(URL_OF_FILE, { type: 'drop', afterBytes: point % SEGMENT });
      await world.run(world.depot.download('a'));
      await expectRight(world);
      const served = servedSince(world, 0);
      if (served.length > Math.ceil(SIZE / SEGMENT)) parallel++;
      for (const [k, range] of served.entries())
        expect(overlaps(served.slice(0, k), range), `cut at ${point}`).toBe(false);
      expect(covers([{ from: 0, to: SIZE }], { from: 0, to: Math.max(...served.map(({ to }) => to)) })).toBe(true);
    }
    expect(parallel).toBeGreaterThan(POINTS / 2);
  });
});
