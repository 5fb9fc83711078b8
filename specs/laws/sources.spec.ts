/** What is taken from a source, and what is made of it when the next request goes to another one, or to another version of the file. */
import type { Fault } from '@lading/core';
import { urlOf } from '@lading/memory';
import { createWorld, type World } from '@lading/sim';
import { describe, expect, it } from 'vitest';
import { fc } from './chance.ts';

const SIZE = 400;
const cuts = fc.integer({ min: 1, max: SIZE - 1 });

/** The faults after which something is tried again. */
function faultsOf(world: World): readonly Fault['type'][] {
  const seen: Fault['type'][] = [];
  world.observe((seeing) => {
    if (seeing.type !== 'record') return;
    for (const event of seeing.record.events) if (event.type === 'RetryScheduled') seen.push(event.fault.type);
  });
  return seen;
}

describe('a file', () => {
  it('that no digest vouches for is never put together of two versions', async () => {
    const catalog = { cores: { bare: { f: { sizeBytes: SIZE, digest: 'none' as const } } } };
    const url = urlOf('bare', 'f');
    await fc.assert(
      fc.asyncProperty(cuts, fc.boolean(), async (cut, isTagged) => {
        const world = await createWorld({ seed: 1, catalog });
        const serve = (version: number) =>
          world.memory.network.put(url, new Uint8Array(SIZE).fill(version), { etag: isTagged ? `"${version}"` : null });
        serve(1);
        world.network.dropAfter(cut);
        const download = world.depot.download('bare');
        await world.runUntil(() => world.depot.status('bare').phase === 'backingOff');
        serve(2);
        await world.run(download);
        const [bytes] = [...world.disk.installed('bare').values()];
        expect(new Set(bytes).size, `${cut} bytes came of the first version`).toBe(1);
      }),
      { numRuns: 30 },
    );
  });

  it('that one source began is continued by another, which is not shown what the first one gave', async () => {
    const catalog = { cores: { twice: { f: { sizeBytes: SIZE, mirrors: 1 } } } };
    const [main, mirror] = [urlOf('twice', 'f'), urlOf('twice', 'f', 'https://mirror1.example.org')];
    await fc.assert(
      fc.asyncProperty(cuts, async (cut) => {
        const world = await createWorld({ seed: 1, catalog });
        const { network } = world.memory;
        const bytes = world.goods.sources.get(main)?.bytes ?? new Uint8Array(0);
        for (const url of [main, mirror]) network.put(url, bytes, { etag: `"${new URL(url).host}"` });
        world.network.dropAfter(cut, main);
        world.network.order({ trouble: 'refuse' }, main, Number.POSITIVE_INFINITY);
        await world.run(world.depot.download('twice'));
        expect(network.requestsOf(mirror)).toMatchObject([{ from: cut, ifRange: null, bytes: SIZE - cut }]);
      }),
      { numRuns: 30 },
    );
  });

  it('that drips for ever is stalled', async () => {
    const world = await createWorld({ seed: 1, catalog: { cores: { slow: { f: 60_000 } } }, stallMs: 1_000 });
    const faults = faultsOf(world);
    world.network.pacedAt(1, 900);
    void world.depot.download('slow').catch(() => undefined);
    await world.advance(60_000);
    expect(faults).toContain('stalled');
  });

  it('is not stalled because our own disk is slow', async () => {
    const world = await createWorld({
      seed: 1,
      catalog: { cores: { a: { f: 60_000 } } },
      stallMs: 1_000,
      diskMs: 3_000,
    });
    const faults = faultsOf(world);
    await world.run(world.depot.download('a'));
    expect(faults).toEqual([]);
  });
});
