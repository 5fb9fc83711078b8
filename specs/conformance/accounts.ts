/** What a store tells of itself: the weight of its files, their places, the room that is left. */
import type { Store } from '@lading/runtime';
import { expect } from 'vitest';
import { seeded } from './bytes.js';
import { install, LENGTHS, NAMES, type StoreSentence, stageAll, stageWhole } from './store-bench.js';

/** Bytes of all files of this suite. */
export const TOTAL = Object.values(LENGTHS).reduce((sum, bytes) => sum + bytes, 0);

/** Bytes of a core on the disk. */
export async function weight(store: Store, core: string): Promise<readonly [installed: number, staged: number]> {
  const { cores, staging } = await store.usage();
  return [cores[core] ?? 0, staging[core] ?? 0];
}

export function accounts(sentence: StoreSentence): void {
  sentence(
    undefined,
    'of the lengths of a final generation, as they are, and of no other',
    async ({ store, spoil }) => {
      expect(await store.sizes('c', 'g1', NAMES)).toEqual({});
      await stageAll(store, 'c');
      expect(await store.sizes('c', 'g1', NAMES)).toEqual({});
      await store.publish('c', 'g1', NAMES);
      expect(await store.sizes('c', 'g1', NAMES)).toEqual(LENGTHS);
      expect(await store.sizes('c', 'g1', ['model.onnx', 'other'])).toEqual({ 'model.onnx': LENGTHS['model.onnx'] });
      expect(await store.sizes('c', 'g2', NAMES)).toEqual({});
      expect(await store.sizes('d', 'g1', NAMES)).toEqual({});
      await spoil('c', 'g1', 'model.onnx', seeded(1, 5));
      await spoil('c', 'g1', 'voices/af.bin', null);
      const { 'voices/af.bin': _, ...rest } = LENGTHS;
      expect(await store.sizes('c', 'g1', NAMES)).toEqual({ ...rest, 'model.onnx': 5 });
      await store.quarantine('c', 'g1', []);
      expect(await store.sizes('c', 'g1', NAMES)).toEqual({});
    },
  );

  sentence(undefined, 'of the weight of what is there', async ({ store }) => {
    await install(store, 'c', 'g1');
    await stageWhole(store, 'c', 'f', seeded(1, 1_234));
    await stageWhole(store, 'd', 'deep/f', seeded(1, 4_321));
    expect(await weight(store, 'c')).toEqual([TOTAL, 1_234]);
    expect(await weight(store, 'd')).toEqual([0, 4_321]);
    expect((await store.usage()).otherBytes).toBe(0);
    await store.discard('d');
    expect(await weight(store, 'd')).toEqual([0, 0]);
  });

  sentence(undefined, 'of places: one is where it was, and every file has its own', async ({ store, reopen }) => {
    await install(store, 'c', 'g1');
    const places = NAMES.map((file) => store.locate('c', 'g1', file));
    expect(new Set([...places, store.locate('c', 'g2', 'model.onnx')]).size).toBe(NAMES.length + 1);
    await install(store, 'c', 'g2');
    await store.sweep('c', 'g1');
    expect(NAMES.map((file) => reopen().locate('c', 'g1', file))).toEqual(places);
  });

  sentence(undefined, 'of free space: a count of bytes, or nothing', async ({ store }) => {
    const free = await store.freeBytes();
    if (free !== null) expect(free).toBeGreaterThanOrEqual(0);
    expect(free === null || Number.isFinite(free)).toBe(true);
  });
}
