/** What a transfer does with bytes: nothing is counted, kept or dropped but in the order that a crash at any moment can bear. */
import { bytesIn } from '@lading/core';
import { urlOf } from '@lading/memory';
import type { FetchRequest, FetchResponse } from '@lading/runtime';
import { createWorld, type Observation, type World } from '@lading/sim';
import { describe, expect, it } from 'vitest';
import { fc } from './chance.ts';

const SIZE = 400;
const URL_OF_FILE = urlOf('a', 'f');
const catalog = { cores: { a: { f: SIZE } } };
const policy = { retryBaseMs: 100, retryCapMs: 1_000 };
const cuts = fc.integer({ min: 1, max: SIZE - 1 });

/** Bytes of the file that the journal counts on. */
const recorded = (world: World): number => world.state.cores.get('a')?.context.durable['f']?.bytes ?? 0;
/** Bytes of the file that are staged. */
const staged = (world: World): number => world.disk.files('/depot/staging').get('/depot/staging/a/f')?.length ?? 0;

function seenBy(world: World): readonly Observation[] {
  const seen: Observation[] = [];
  world.observe((observation) => seen.push(observation));
  return seen;
}

/** Looks each time after something of this type has happened. */
function at(world: World, type: Observation['type'], look: (observation: Observation) => void): void {
  world.observe((observation) => {
    if (observation.type === type) look(observation);
  });
}

const isRetry = (observation: Observation): boolean =>
  observation.type === 'record' && observation.record.events.some(({ type }) => type === 'RetryScheduled');

describe('bytes', () => {
  it('that come while others are being synced are not counted with them', async () => {
    let counted = 0;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 40 }), async (diskMs, chunkMs) => {
        const world = await createWorld({ seed: 1, catalog, diskMs });
        world.network.pacedAt(5, chunkMs);
        let syncedBytes = 0;
        let early = 0;
        at(world, 'synced', (seeing) => {
          if (seeing.type === 'synced') syncedBytes = bytesIn(seeing.held);
        });
        at(world, 'append', (seeing) => {
          for (const event of seeing.type === 'append' ? seeing.records.flatMap(({ events }) => events) : []) {
            if (event.type !== 'CoreCheckpointed') continue;
            counted++;
            early = Math.max(early, (event.files['f']?.bytes ?? 0) - syncedBytes);
          }
        });
        await world.run(world.depot.download('a'));
        expect(early).toBe(0);
      }),
      { numRuns: 30 },
    );
    expect(counted).toBeGreaterThan(60);
  });

  it('that came before a break are kept', async () => {
    await fc.assert(
      fc.asyncProperty(cuts, async (cut) => {
        const world = await createWorld({ seed: 1, catalog, policy });
        world.network.dropAfter(cut);
        await world.run(world.depot.download('a'));
        const { requests } = world.memory.network;
        expect(requests.map(({ from, bytes }) => [from, bytes])).toEqual([
          [null, cut],
          [cut, SIZE - cut],
        ]);
      }),
      { numRuns: 30 },
    );
  });

  it('are recorded as dropped before they are, when others shall come in their place', async () => {
    await fc.assert(
      fc.asyncProperty(cuts, async (cut) => {
        const world = await createWorld({ seed: 1, catalog, policy });
        const recordedAtDrop: number[] = [];
        at(world, 'reset', () => {
          if (staged(world) > 0) recordedAtDrop.push(recorded(world));
        });
        world.network.dropAfter(cut);
        const download = world.depot.download('a');
        await world.runUntil(() => recorded(world) === cut && world.depot.status('a').phase === 'backingOff');
        world.network.order({ trouble: 'plainAnswer' });
        await world.run(download);
        expect(recordedAtDrop).toEqual([0]);
      }),
      { numRuns: 30 },
    );
  });

  it('that turned out wrong have left the disk before anybody is told', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: SIZE - 1 }), async (place) => {
        const world = await createWorld({ seed: 1, catalog, policy });
        const left: number[] = [];
        at(world, 'record', (seeing) => {
          if (isRetry(seeing)) left.push(staged(world));
        });
        world.network.corrupt(place);
        await world.run(world.depot.download('a'));
        expect(left).toEqual([0]);
      }),
      { numRuns: 20 },
    );
  });

  it('beyond what was announced are not even written, and those before are not recorded once they are void', async () => {
    let during = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 50 }),
        fc.constantFrom(0, 40, 300),
        fc.integer({ min: 10, max: 90 }),
        async (excess, diskMs, chunkBytes) => {
          const world = await createWorld({ seed: 1, catalog, policy, diskMs });
          const seen = seenBy(world);
          world.memory.network.fail('*', [
            { type: 'excess', bytes: new Uint8Array(excess) },
            { type: 'pace', chunkBytes, chunkMs: 250 },
          ]);
          await world.run(world.depot.download('a'));
          for (const each of seen) if (each.type === 'written') expect(bytesIn(each.held)).toBeLessThanOrEqual(SIZE);
          const told = seen.findIndex(isRetry);
          const reset = seen.slice(0, told).findLastIndex(({ type }) => type === 'reset');
          expect(reset).toBeGreaterThan(0);
          const between = seen.slice(reset, told).map(({ type }) => type);
          expect(between).not.toContain('synced');
          if (seen.slice(0, reset).some(({ type }) => type === 'synced')) during++;
        },
      ),
      { numRuns: 60 },
    );
    expect(during).toBeGreaterThan(5);
  });

  it('that are void are not recorded with what other files have to record', async () => {
    const pair = { cores: { a: { f: 540, g: 100 } } };
    const world = await createWorld({ seed: 1, catalog: pair, policy });
    const seen = seenBy(world);
    // While the first bytes of `f` wait to be recorded, because `g` was just recorded, more comes than was announced.
    world.memory.network.fail(URL_OF_FILE, [
      { type: 'excess', bytes: new Uint8Array(30) },
      { type: 'pace', chunkBytes: 10, chunkMs: 20 },
    ]);
    world.memory.network.fail(urlOf('a', 'g'), { type: 'pace', chunkBytes: 100, chunkMs: 950 });
    await world.run(world.depot.download('a'));
    const told = seen.findIndex(isRetry);
    const before = seen.slice(0, told);
    expect(before.some((each) => each.type === 'synced' && each.file === 'f')).toBe(true);
    const recordedFiles = before.flatMap((each) =>
      each.type === 'record'
        ? each.record.events.flatMap((event) => (event.type === 'CoreCheckpointed' ? Object.keys(event.files) : []))
        : [],
    );
    expect(recordedFiles).toEqual(['g']);
  });

  it('that end before what was announced are a break', async () => {
    await fc.assert(
      fc.asyncProperty(cuts, async (cut) => {
        const world = await createWorld({ seed: 1, catalog, policy });
        const seen = seenBy(world);
        world.network.order({ trouble: 'cut', afterBytes: cut });
        await world.run(world.depot.download('a'));
        expect(seen.filter(isRetry)).toHaveLength(1);
      }),
      { numRuns: 20 },
    );
  });

  it('of other files are not waited for when one file has failed', async () => {
    const world = await createWorld({ seed: 1, catalog: { cores: { a: { f: SIZE, g: 60_000 } } }, policy });
    world.network.answer(404, { on: 'a/f' });
    world.network.pacedAt(100, 100, 'a/g');
    await world.run(world.depot.download('a').catch(() => undefined));
    expect(world.depot.status('a').phase).toBe('failed');
    expect(world.elapsedMs).toBeLessThan(1_000);
  });

  it('of a network that does not hear the end of a job are not written any more', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 50, max: 1_500 }), async (afterMs) => {
        const world = await createWorld({ seed: 1, catalog });
        const { network } = world.memory;
        const fetch = network.fetch.bind(network);
        network.fetch = (request) => fetch(request, new AbortController().signal);
        world.network.pacedAt(10, 50);
        void world.depot.download('a').catch(() => undefined);
        await world.advance(afterMs);
        await world.run(world.depot.pause('a'));
        const seen = seenBy(world);
        await world.advance(60_000);
        expect(seen.filter(({ type }) => type === 'write')).toEqual([]);
      }),
      { numRuns: 30 },
    );
  });
});

/** A server that gives so many bytes of what was asked for, and calls that all. */
function miser(bytes: Uint8Array, give: number): (request: FetchRequest) => Promise<FetchResponse> {
  return ({ from }) => {
    const first = from ?? 0;
    const part = bytes.slice(first, first + give);
    const range = `bytes ${first}-${first + part.length - 1}/${bytes.length}`;
    const headers = { 'content-range': range, 'content-length': String(part.length), etag: '"1"' };
    async function* body() {
      yield part;
    }
    return Promise.resolve({ status: 206, headers, body: body(), requests: 1 });
  };
}

it('a source that gives next to nothing at a time is asked a bounded number of times in one attempt', async () => {
  for (const give of [1, 2, 3]) {
    const world = await createWorld({ seed: 1, catalog, policy: { ...policy, maxAttempts: 3 } });
    const { network } = world.memory;
    network.isRangeFirst = true;
    await world.reopen();
    network.fetch = miser(world.goods.sources.get(URL_OF_FILE)?.bytes ?? new Uint8Array(0), give);
    let asked = 0;
    let most = 0;
    world.observe((seeing) => {
      if (seeing.type === 'request') most = Math.max(most, ++asked);
      if (isRetry(seeing)) asked = 0;
    });
    await world.run(world.depot.download('a').catch(() => undefined));
    expect(most, `${give} bytes at a time`).toBe(3);
  }
});
