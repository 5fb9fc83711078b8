/** Generations: published whole, inspected as they are, set aside, removed; and what all of it weighs. */
import type { Store } from '@lading/runtime';
import { expect } from 'vitest';
import { TOTAL, weight } from './accounts.js';
import { seeded, sha256, text } from './bytes.js';
import { faultIn } from './sentence.js';
import {
  bytesOf,
  install,
  LENGTHS,
  NAMES,
  type StoreSentence,
  stageAll,
  stagedDigest,
  stageWhole,
} from './store-bench.js';

export async function expectRight(store: Store, core: string, generation: string): Promise<void> {
  for (const filename of NAMES) {
    const bytes = bytesOf(filename);
    const sizeBytes = bytes.length;
    expect(await store.inspect(core, generation, filename)).toEqual({
      filename,
      sizeBytes,
      sha256: await sha256(bytes),
    });
  }
}

export function shelves(sentence: StoreSentence): void {
  sentence(undefined, 'a place where nothing was done is empty', async ({ store }) => {
    expect(await store.residents()).toEqual([]);
    expect(await store.generations('c')).toEqual([]);
    expect(await store.reclaim('c', null, NAMES)).toEqual({});
    expect(await store.inspect('c', 'g1', 'model.onnx')).toBe(null);
    expect(await store.usage()).toEqual({ cores: {}, staging: {}, otherBytes: 0 });
  });

  sentence(
    undefined,
    'publishing moves the files, makes them final, and shows nothing before',
    async ({ store, reopen }) => {
      await stageAll(store, 'c');
      expect(await store.generations('c')).toEqual([]);
      expect(await store.inspect('c', 'g1', 'model.onnx')).toBe(null);
      await store.publish('c', 'g1', NAMES);
      for (const each of [store, reopen()]) {
        expect(await each.generations('c')).toEqual(['g1']);
        await expectRight(each, 'c', 'g1');
      }
      expect(await weight(store, 'c')).toEqual([TOTAL, 0]);
      expect(await store.reclaim('c', 'g1', NAMES)).toEqual({});
      await expectRight(store, 'c', 'g1');
    },
  );

  sentence(undefined, 'an installed file is read as it is, and one that is not there is a fault', async ({ store }) => {
    await install(store, 'c', 'g1');
    for (const name of NAMES) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of store.read('c', 'g1', name)) chunks.push(chunk.slice());
      const read = new Uint8Array(chunks.flatMap((chunk) => [...chunk]));
      expect(await sha256(read)).toBe(await sha256(bytesOf(name)));
    }
    const gone = async () => {
      for await (const _ of store.read('c', 'g1', 'gone.bin')) expect.unreachable();
    };
    expect((await faultIn(gone())).type).toBe('storageError');
  });

  sentence(
    undefined,
    'an installed file is adopted by another core, and stays what it is',
    async ({ store, reopen }) => {
      await install(store, 'c', 'g1');
      const size = bytesOf('model.onnx').length;
      const from = { core: 'c', generation: 'g1', file: 'model.onnx' };
      expect(await store.adopt('d', 'deep/twin.onnx', from)).toBe(size);
      expect(await stagedDigest(reopen(), 'd', 'deep/twin.onnx', size)).toEqual({
        bytes: size,
        digest: await sha256(bytesOf('model.onnx')),
      });
      await store.publish('d', 'g7', ['deep/twin.onnx']);
      await store.remove('c');
      expect(await reopen().inspect('d', 'g7', 'deep/twin.onnx')).toMatchObject({ sizeBytes: size });
      // It is like any other now: set aside, brought back, written again.
      await store.quarantine('d', 'g7', ['deep/twin.onnx']);
      const staged = await reopen().stage('d', 'deep/twin.onnx', { bytes: 5, sizeBytes: 6, algorithms: ['sha256'] });
      expect(staged.bytes).toBe(5);
      await staged.write(text('!'));
      await staged.close();
    },
  );

  sentence(undefined, 'a staged file is adopted as well, and takes the place of what was there', async ({ store }) => {
    await stageWhole(store, 'c', 'f', text('proven'));
    await stageWhole(store, 'd', 'f', text('old and longer'));
    expect(await store.adopt('d', 'f', { core: 'c', generation: null, file: 'f' })).toBe(6);
    expect(await stagedDigest(store, 'd', 'f', 6)).toEqual({ bytes: 6, digest: await sha256(text('proven')) });
    expect(await stagedDigest(store, 'c', 'f', 6)).toEqual({ bytes: 6, digest: await sha256(text('proven')) });
  });

  sentence(undefined, 'what is not there is not adopted, and nothing has changed', async ({ store }) => {
    await stageWhole(store, 'd', 'f', text('old'));
    expect(await store.adopt('d', 'f', { core: 'c', generation: 'g1', file: 'f' })).toBe(null);
    expect(await store.adopt('d', 'f', { core: 'c', generation: null, file: 'f' })).toBe(null);
    expect((await stagedDigest(store, 'd', 'f', 3)).bytes).toBe(3);
  });

  sentence(
    undefined,
    'an adopted file that is begun anew, or cut, leaves the one it came from as it is',
    async ({ store, reopen }) => {
      await install(store, 'c', 'g1');
      const bytes = bytesOf('model.onnx').length;
      const from = { core: 'c', generation: 'g1', file: 'model.onnx' };
      for (const keep of [0, 10, bytes]) {
        await store.adopt('d', 'f', from);
        const staged = await reopen().stage('d', 'f', { bytes: keep, sizeBytes: bytes, algorithms: ['sha256'] });
        await staged.reset();
        await staged.write(text('other'));
        await staged.sync();
        await staged.close();
        expect((await stagedDigest(reopen(), 'd', 'f', 5)).digest).toBe(await sha256(text('other')));
        await expectRight(store, 'c', 'g1');
      }
    },
  );

  sentence(undefined, 'only the named files are published', async ({ store }) => {
    await stageAll(store, 'c');
    await store.publish('c', 'g1', ['voices/af.bin']);
    expect(await store.inspect('c', 'g1', 'voices/af.bin')).toMatchObject({ sizeBytes: 3_000 });
    expect(await store.inspect('c', 'g1', 'model.onnx')).toBe(null);
    expect(await weight(store, 'c')).toEqual([3_000, TOTAL - 3_000]);
  });

  sentence(undefined, 'publishing what is not staged fails, and nothing of it is final', async ({ store, reopen }) => {
    for (let count = 0; count <= NAMES.length; count++) {
      const core = `c${count}`;
      await stageAll(store, core);
      await faultIn(store.publish(core, 'g1', [...NAMES.slice(0, count), 'never-staged']));
      expect(await store.generations(core)).toEqual([]);
      expect(await reopen().reclaim(core, null, NAMES)).toEqual(LENGTHS);
      await store.publish(core, 'g1', NAMES);
      await expectRight(store, core, 'g1');
    }
    await faultIn(store.publish('c0', 'g2', null));
    expect(await store.generations('c0')).toEqual(['g1']);
  });

  sentence(undefined, 'one that is final is not replaced under its own name', async ({ store }) => {
    await install(store, 'c', 'g1');
    await stageWhole(store, 'c', 'other', text('other'));
    await faultIn(store.publish('c', 'g1', ['other']));
    expect(await store.generations('c')).toEqual(['g1']);
    await expectRight(store, 'c', 'g1');
  });

  sentence(undefined, 'several stand side by side until the others are swept', async ({ store }) => {
    await install(store, 'c', 'g1');
    await install(store, 'c', 'g2');
    await install(store, 'c', 'g3');
    await install(store, 'd', 'g1');
    expect([...(await store.generations('c'))].sort()).toEqual(['g1', 'g2', 'g3']);
    await stageWhole(store, 'c', 'left-over', text('x'));
    await store.sweep('c', 'g2');
    expect(await store.generations('c')).toEqual(['g2']);
    await expectRight(store, 'c', 'g2');
    expect(await store.inspect('c', 'g1', 'model.onnx')).toBe(null);
    expect(await weight(store, 'c')).toEqual([TOTAL, 0]);
    await expectRight(store, 'd', 'g1');
    await store.sweep('c', 'g2');
    await expectRight(store, 'c', 'g2');
  });

  sentence(
    undefined,
    'reclaiming brings the files of what nobody names back, and keeps what is named',
    async ({ store }) => {
      await install(store, 'c', 'g1');
      await install(store, 'c', 'g2');
      expect(await store.reclaim('c', 'g1', NAMES)).toEqual(LENGTHS);
      expect(await store.generations('c')).toEqual(['g1']);
      await expectRight(store, 'c', 'g1');
      for (const file of NAMES) {
        expect(await stagedDigest(store, 'c', file, bytesOf(file).length)).toEqual({
          bytes: bytesOf(file).length,
          digest: await sha256(bytesOf(file)),
        });
      }
      await store.publish('c', 'g3', NAMES);
      await expectRight(store, 'c', 'g3');
    },
  );

  sentence(undefined, 'reclaiming drops the files that are not named', async ({ store }) => {
    await install(store, 'c', 'g1');
    expect(await store.reclaim('c', null, ['voices/af.bin'])).toEqual({ 'voices/af.bin': 3_000 });
    expect(await store.generations('c')).toEqual([]);
    expect(await weight(store, 'c')).toEqual([0, 3_000]);
  });

  sentence(undefined, 'what was brought back can be written on', async ({ store }) => {
    await install(store, 'c', 'g1');
    await store.reclaim('c', null, NAMES);
    const staged = await store.stage('c', 'voices/af.bin', { bytes: 1_000, sizeBytes: 1_001, algorithms: ['sha256'] });
    await staged.write(text('!'));
    await staged.sync();
    const expected = new Uint8Array([...seeded(2, 1_000), 33]);
    expect((await staged.digests()).sha256).toBe(await sha256(expected));
    await staged.close();
  });

  sentence(undefined, 'removing a core leaves nothing of it, and all of the others', async ({ store }) => {
    await install(store, 'c', 'g1');
    await install(store, 'c', 'g2');
    await stageAll(store, 'c');
    await install(store, 'd', 'g1');
    expect(await store.residents()).toEqual(['c', 'd']);
    await store.remove('c');
    await store.remove('c');
    await store.remove('never');
    expect(await store.residents()).toEqual(['d']);
    expect(await store.generations('c')).toEqual([]);
    expect(await store.usage()).toMatchObject({ cores: { d: TOTAL }, otherBytes: 0 });
    expect(await weight(store, 'c')).toEqual([0, 0]);
    await expectRight(store, 'd', 'g1');
  });

  sentence(undefined, 'a core resides from its first staged byte', async ({ store }) => {
    await stageWhole(store, 'c', 'f', text('x'));
    expect(await store.residents()).toEqual(['c']);
    await store.remove('c');
    expect(await store.residents()).toEqual([]);
  });

  sentence(undefined, 'inspecting tells what is on the disk, not what was installed', async ({ store, spoil }) => {
    await install(store, 'c', 'g1');
    for (const bytes of [seeded(1, 100_000).fill(0, 0, 1), seeded(1, 99_999), new Uint8Array(0)]) {
      await spoil('c', 'g1', 'model.onnx', bytes);
      expect(await store.inspect('c', 'g1', 'model.onnx')).toEqual({
        filename: 'model.onnx',
        sizeBytes: bytes.length,
        sha256: await sha256(bytes),
      });
    }
    await spoil('c', 'g1', 'espeak/voices/v/f1', null);
    expect(await store.inspect('c', 'g1', 'espeak/voices/v/f1')).toBe(null);
    expect(await store.inspect('c', 'g1', 'never')).toBe(null);
    expect(await store.inspect('c', 'never', 'model.onnx')).toBe(null);
    expect(await store.inspect('never', 'g1', 'model.onnx')).toBe(null);
  });

  sentence(
    undefined,
    'quarantine takes one out of use: good files are staged again, the rest is set aside',
    async (bench) => {
      const { store } = bench;
      await install(store, 'c', 'g1');
      await bench.spoil('c', 'g1', 'voices/af.bin', seeded(8, 3_000));
      const good = NAMES.filter((file) => file !== 'voices/af.bin');
      await store.quarantine('c', 'g1', good);
      expect(await store.generations('c')).toEqual([]);
      expect(await store.inspect('c', 'g1', 'voices/af.bin')).toBe(null);
      const { 'voices/af.bin': bad, ...kept } = LENGTHS;
      expect(await bench.reopen().reclaim('c', null, NAMES)).toEqual(kept);
      expect(await weight(store, 'c')).toEqual([bad, TOTAL - (bad ?? 0)]);
      const file = 'voices/af.bin';
      await stageWhole(store, 'c', file, bytesOf(file));
      await store.publish('c', 'g2', NAMES);
      await expectRight(store, 'c', 'g2');
      await store.sweep('c', 'g2');
      expect(await weight(store, 'c')).toEqual([TOTAL + (bad ?? 0), 0]);
      await store.sweep('c', 'g2', 'drop');
      expect(await weight(store, 'c')).toEqual([TOTAL, 0]);
      await expectRight(store, 'c', 'g2');
    },
  );

  sentence(
    undefined,
    'of a file that is good in parts a copy is staged, and what was installed is set aside',
    async (bench) => {
      const { store } = bench;
      const file = 'voices/af.bin';
      await install(store, 'c', 'g1');
      const spoilt = bytesOf(file).slice();
      spoilt.fill(0, 1_000, 2_000);
      await bench.spoil('c', 'g1', file, spoilt);
      const first = { from: 0, to: 1_000 };
      const { sha256: found } = (await store.inspect('c', 'g1', file, first)) ?? {};
      expect(found).toBe(await sha256(bytesOf(file).subarray(0, 1_000)));
      await store.quarantine('c', 'g1', [], [file]);
      expect(await bench.reopen().reclaim('c', null, [file])).toEqual({ [file]: spoilt.length });
      expect(await weight(store, 'c')).toEqual([TOTAL, spoilt.length]);
      const spans = [{ from: 2_000, to: spoilt.length }];
      const options = { bytes: 1_000, spans, sizeBytes: spoilt.length, algorithms: ['sha256'] } as const;
      const staged = await bench.reopen().stage('c', file, options);
      await staged.write(bytesOf(file).slice(1_000, 2_000));
      expect((await staged.digests()).sha256).toBe(await sha256(bytesOf(file)));
      await staged.close();
      expect(await weight(store, 'c')).toEqual([TOTAL, spoilt.length]);
    },
  );

  sentence(undefined, 'what was set aside goes with its core, and not before', async ({ store }) => {
    await install(store, 'c', 'g1');
    await store.quarantine('c', 'g1', []);
    await store.sweep('c', null);
    expect(await weight(store, 'c')).toEqual([TOTAL, 0]);
    expect(await store.residents()).toEqual(['c']);
    await store.remove('c');
    expect(await store.residents()).toEqual([]);
  });
}
