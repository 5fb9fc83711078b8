/** A disk without room: the fault says so, what is there stays, and with room again the work goes on. */
import type { StagedFile } from '@lading/runtime';
import { expect } from 'vitest';
import { seeded, sha256, tarOf } from './bytes.js';
import { faultIn, rejection } from './sentence.js';
import { expectRight } from './shelves.js';
import { install, type StoreLacks, type StoreSentence, stagedDigest, stageWhole } from './store-bench.js';

const CHUNK_BYTES = 64 * 1024;
const BYTES = seeded(6, 16 * CHUNK_BYTES);

/** Writes until the disk is full; the bytes that are held then, and the fault that told it: of a write, or of the digest at the latest. */
async function fill(staged: StagedFile) {
  try {
    for (let at = 0; at < BYTES.length; at += CHUNK_BYTES) await staged.write(BYTES.slice(at, at + CHUNK_BYTES));
    await staged.digests();
  } catch (thrown) {
    return { written: staged.bytes, fault: await faultIn(Promise.reject(thrown)) };
  }
  throw new Error('the disk was never full');
}

export function storeSpace(sentence: StoreSentence, lacks: StoreLacks): void {
  const options = { bytes: 0, sizeBytes: BYTES.length, algorithms: ['sha256'] } as const;

  sentence(lacks.full, 'a write says that there is no room, and the file holds what it held', async (bench) => {
    await bench.leaveFree(5 * CHUNK_BYTES + 1_000);
    const staged = await bench.store.stage('c', 'f', options);
    const { written, fault } = await fill(staged);
    expect(fault.type).toBe('noSpace');
    expect(written).toBeGreaterThan(0);
    expect(await staged.sync()).toEqual([{ from: 0, to: written }]);
    await staged.close();
    expect(await stagedDigest(bench.reopen(), 'c', 'f', written)).toEqual({
      bytes: written,
      digest: await sha256(BYTES.subarray(0, written)),
    });
  });

  sentence(
    lacks.full,
    'a digest after a failed write is of the bytes held, or refused, never another',
    async (bench) => {
      await bench.leaveFree(5 * CHUNK_BYTES + 1_000);
      const staged = await bench.store.stage('c', 'f', options);
      const { written } = await fill(staged);
      const digests = await staged.digests().catch(() => ({ sha256: null }));
      await staged.close();
      expect([null, await sha256(BYTES.subarray(0, written))]).toContain(digests.sha256);
    },
  );

  sentence(lacks.full, 'with room again, staging goes on from what there is', async (bench) => {
    await bench.leaveFree(5 * CHUNK_BYTES + 1_000);
    const full = await bench.store.stage('c', 'f', options);
    const { written } = await fill(full);
    await full.close();
    await bench.leaveFree(null);
    const staged = await bench.reopen().stage('c', 'f', { ...options, bytes: written });
    expect(staged.bytes).toBe(written);
    await staged.write(BYTES.slice(written));
    expect((await staged.digests()).sha256).toBe(await sha256(BYTES));
    await staged.close();
  });

  sentence(lacks.full, 'unpacking says that there is no room, and leaves nothing', async (bench) => {
    const archive = tarOf([
      { name: 'a', bytes: seeded(1, 100_000) },
      { name: 'b', bytes: seeded(2, 300_000) },
    ]);
    await stageWhole(bench.store, 'c', 'x.tar', archive);
    const extract = { file: 'x.tar', generation: 'g1', extractType: 'tar', stripComponents: 0 } as const;
    const attempt = () =>
      bench.store.extract('c', { ...extract, maxBytes: 1e6, maxFiles: 10 }, new AbortController().signal);
    await bench.leaveFree(200_000);
    expect((await faultIn(attempt())).type).toBe('noSpace');
    expect(await bench.store.generations('c')).toEqual([]);
    expect((await bench.store.usage()).cores['c'] ?? 0).toBe(0);
    await bench.leaveFree(null);
    expect(await attempt()).toHaveLength(2);
  });

  sentence(lacks.full, 'what is installed stays right, and can be removed', async (bench) => {
    await install(bench.store, 'c', 'g1');
    await bench.leaveFree(0);
    const tooMuch = async () => {
      const staged = await bench.store.stage('d', 'f', options);
      try {
        await staged.write(BYTES.slice());
        await staged.digests();
      } finally {
        await staged.close();
      }
    };
    expect(await rejection(tooMuch())).toMatchObject({ fault: { type: 'noSpace' } });
    await expectRight(bench.store, 'c', 'g1');
    await bench.store.remove('c');
    expect(await bench.store.generations('c')).toEqual([]);
  });

  sentence(lacks.full, 'free space, where it is told, shrinks by what is written', async (bench) => {
    const before = await bench.store.freeBytes();
    await stageWhole(bench.store, 'c', 'f', BYTES);
    const after = await bench.store.freeBytes();
    expect(before === null).toBe(after === null);
    if (before === null || after === null) return;
    expect(before - after).toBeGreaterThanOrEqual(BYTES.length);
    await bench.leaveFree(0);
    expect(await bench.store.freeBytes()).toBeLessThan(CHUNK_BYTES);
  });
}
