/** Staged files: appended, hashed on the way, taken up again where they were left. */
import type { DigestAlgorithm } from '@lading/runtime';
import { expect } from 'vitest';
import { joined, seeded, sha1, sha256, text } from './bytes.js';
import { faultIn } from './sentence.js';
import { type StoreLacks, type StoreSentence, stagedDigest, stageWhole } from './store-bench.js';

const ALL: readonly DigestAlgorithm[] = ['sha256', 'sha1', 'md5', 'gitBlob'];

/** From `sha256sum`, `sha1sum`, `md5sum` and `git hash-object`. */
const KNOWN: readonly { readonly content: string; readonly digests: Readonly<Record<DigestAlgorithm, string>> }[] = [
  {
    content: '',
    digests: {
      sha256: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
      sha1: 'da39a3ee5e6b4b0d3255bfef95601890afd80709',
      md5: 'd41d8cd98f00b204e9800998ecf8427e',
      gitBlob: 'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391',
    },
  },
  {
    content: 'hello\n',
    digests: {
      sha256: '5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03',
      sha1: 'f572d396fae9206628714fb2ce00f72e94f2258f',
      md5: 'b1946ac92492d2347c6235b4d2611184',
      gitBlob: 'ce013625030ba8dba906f756967f9e9ca394464a',
    },
  },
];

export function staging(sentence: StoreSentence, lacks: StoreLacks): void {
  for (const { content, digests } of KNOWN) {
    sentence(undefined, `has all four digests of ${JSON.stringify(content)}`, async ({ store }) => {
      const bytes = text(content);
      const staged = await store.stage('c', 'f', { bytes: 0, sizeBytes: bytes.length, algorithms: ALL });
      await staged.write(bytes);
      expect(await staged.digests()).toEqual(digests);
      await staged.close();
    });
  }

  sentence(undefined, 'has the digests of the whole, however it was cut up', async ({ store }) => {
    const bytes = seeded(9, 70_001);
    for (const chunkBytes of [1_000, 64 * 1024, 70_001]) {
      const staged = await store.stage('c', `f${chunkBytes}`, { bytes: 0, sizeBytes: bytes.length, algorithms: ALL });
      for (let at = 0; at < bytes.length; at += chunkBytes) {
        await staged.write(bytes.subarray(at, at + chunkBytes));
        expect(staged.bytes).toBe(Math.min(bytes.length, at + chunkBytes));
      }
      await staged.sync();
      const { sha256: strong, gitBlob } = await staged.digests();
      await staged.close();
      expect(strong).toBe(await sha256(bytes));
      expect(gitBlob).toBe(await sha1(joined(text('blob 70001\0'), bytes)));
    }
  });

  sentence(undefined, 'begins a git blob with the declared size, not with what it holds', async ({ store }) => {
    const staged = await store.stage('c', 'f', { bytes: 0, sizeBytes: 100, algorithms: ['gitBlob'] });
    await staged.write(text('short'));
    expect(await staged.digests()).toEqual({ gitBlob: await sha1(text('blob 100\0short')) });
    await staged.close();
  });

  sentence(undefined, 'has the digests it was opened for, and no others', async ({ store }) => {
    const none = await store.stage('c', 'none', { bytes: 0, sizeBytes: 1, algorithms: [] });
    await none.write(text('x'));
    expect(await none.digests()).toEqual({});
    await none.close();
    const one = await store.stage('c', 'one', { bytes: 0, sizeBytes: 1, algorithms: ['md5'] });
    expect(Object.keys(await one.digests())).toEqual(['md5']);
    await one.close();
  });

  sentence(undefined, 'is written anywhere, in any order', async ({ store, reopen }) => {
    const bytes = seeded(3, 50_000);
    const parts = [40_000, 0, 20_000, 30_000, 10_000].map((from) => ({ from, to: from + 10_000 }));
    const staged = await store.stage('c', 'f', { bytes: 0, sizeBytes: bytes.length, algorithms: ALL });
    for (const { from, to } of parts) await staged.write(bytes.slice(from, to), from);
    expect(staged.bytes).toBe(bytes.length);
    expect(staged.held).toEqual([{ from: 0, to: bytes.length }]);
    expect((await staged.digests()).sha256).toBe(await sha256(bytes));
    await staged.close();
    expect((await stagedDigest(reopen(), 'c', 'f', 50_000)).digest).toBe(await sha256(bytes));
  });

  sentence(undefined, 'tells what it holds beyond a hole, and keeps it when it is opened again', async (bench) => {
    const bytes = seeded(4, 30_000);
    const options = { sizeBytes: bytes.length, algorithms: ['sha256'] } as const;
    const staged = await bench.store.stage('c', 'f', { ...options, bytes: 0 });
    await staged.write(bytes.slice(0, 5_000));
    await staged.write(bytes.slice(20_000, 25_000), 20_000);
    const held = [
      { from: 0, to: 5_000 },
      { from: 20_000, to: 25_000 },
    ];
    expect(staged.bytes).toBe(5_000);
    expect(await staged.sync()).toEqual(held);
    await staged.close();
    const again = await bench.reopen().stage('c', 'f', { ...options, bytes: 5_000, spans: held.slice(1) });
    expect(again.held).toEqual(held);
    await again.write(bytes.slice(5_000, 20_000));
    await again.write(bytes.slice(25_000));
    expect((await again.digests()).sha256).toBe(await sha256(bytes));
    await again.close();
  });

  sentence(undefined, 'does not hold a range beyond its end, whatever shall be kept', async (bench) => {
    await stageWhole(bench.store, 'c', 'f', seeded(5, 6_000));
    const spans = [
      { from: 4_000, to: 7_000 },
      { from: 8_000, to: 9_000 },
    ];
    const options = { bytes: 2_000, spans, sizeBytes: 10_000, algorithms: [] } as const;
    const staged = await bench.reopen().stage('c', 'f', options);
    expect(staged.held).toEqual([
      { from: 0, to: 2_000 },
      { from: 4_000, to: 6_000 },
    ]);
    await staged.close();
  });

  sentence(undefined, 'has the digest of each of its ranges', async ({ store }) => {
    const bytes = seeded(6, 40_000);
    const staged = await store.stage('c', 'f', { bytes: 0, sizeBytes: bytes.length, algorithms: ['sha256'] });
    await staged.write(bytes.slice(10_000, 30_000), 10_000);
    for (const [from, to] of [
      [10_000, 30_000],
      [10_001, 29_999],
      [15_000, 15_001],
    ] as const)
      expect(await staged.sha256({ from, to })).toBe(await sha256(bytes.subarray(from, to)));
    await staged.close();
  });

  sentence(undefined, 'drops a range that was wrong, and has the digest of what takes its place', async ({ store }) => {
    const bytes = seeded(7, 30_000);
    const wrong = bytes.slice();
    wrong.fill(0, 10_000, 12_000);
    const staged = await store.stage('c', 'f', { bytes: 0, sizeBytes: bytes.length, algorithms: ALL });
    await staged.write(wrong);
    await staged.drop({ from: 10_000, to: 20_000 });
    expect(staged.bytes).toBe(10_000);
    expect(staged.held).toEqual([
      { from: 0, to: 10_000 },
      { from: 20_000, to: 30_000 },
    ]);
    await staged.write(bytes.slice(10_000, 20_000));
    expect(staged.bytes).toBe(bytes.length);
    expect((await staged.digests()).sha256).toBe(await sha256(bytes));
    await staged.close();
  });

  sentence(undefined, 'has the same digests when it is asked again', async ({ store }) => {
    const staged = await store.stage('c', 'f', { bytes: 0, sizeBytes: 4_000, algorithms: ALL });
    await staged.write(seeded(8, 4_000));
    const digests = await staged.digests();
    expect(await staged.digests()).toEqual(digests);
    await staged.close();
  });

  sentence(undefined, 'takes chunks without a byte', async ({ store }) => {
    const staged = await store.stage('c', 'f', { bytes: 0, sizeBytes: 1, algorithms: ['sha256'] });
    await staged.write(new Uint8Array(0));
    await staged.write(text('x'));
    await staged.write(new Uint8Array(0));
    expect(staged.bytes).toBe(1);
    expect((await staged.digests()).sha256).toBe(await sha256(text('x')));
    await staged.close();
  });

  sentence(undefined, 'goes on from the bytes that were kept, read again', async ({ store, reopen }) => {
    const bytes = seeded(4, 50_000);
    await stageWhole(store, 'c', 'f', bytes.subarray(0, 20_000));
    const staged = await reopen().stage('c', 'f', { bytes: 20_000, sizeBytes: 50_000, algorithms: ALL });
    expect(staged.bytes).toBe(20_000);
    await staged.write(bytes.subarray(20_000));
    const { sha256: strong, gitBlob } = await staged.digests();
    expect(strong).toBe(await sha256(bytes));
    expect(gitBlob).toBe(await sha1(joined(text('blob 50000\0'), bytes)));
    await staged.close();
  });

  sentence(undefined, 'is cut to what shall be kept, on the disk too', async ({ store, reopen }) => {
    const bytes = seeded(5, 9_000);
    await stageWhole(store, 'c', 'f', bytes);
    expect(await stagedDigest(reopen(), 'c', 'f', 4_000)).toEqual({
      bytes: 4_000,
      digest: await sha256(bytes.subarray(0, 4_000)),
    });
    expect(await reopen().reclaim('c', null, ['f'])).toEqual({ f: 4_000 });
    expect((await stagedDigest(reopen(), 'c', 'f', 9_000)).bytes).toBe(4_000);
  });

  sentence(undefined, 'is begun anew where nothing shall be kept', async ({ store, reopen }) => {
    await stageWhole(store, 'c', 'f', seeded(6, 9_000));
    await stageWhole(reopen(), 'c', 'f', text('new'));
    expect(await stagedDigest(reopen(), 'c', 'f', 9_000)).toEqual({ bytes: 3, digest: await sha256(text('new')) });
  });

  sentence(
    undefined,
    'holds less than shall be kept if the disk holds less, without a hole',
    async ({ store, reopen }) => {
      await stageWhole(store, 'c', 'f', text('abc'));
      const staged = await reopen().stage('c', 'f', { bytes: 1_000, sizeBytes: 1_000, algorithms: ['sha256'] });
      expect(staged.bytes).toBe(3);
      await staged.write(text('def'));
      expect(staged.bytes).toBe(6);
      expect((await staged.digests()).sha256).toBe(await sha256(text('abcdef')));
      await staged.close();
      const nothing = await store.stage('c', 'never', { bytes: 1_000, sizeBytes: 1_000, algorithms: ['sha256'] });
      expect(nothing.bytes).toBe(0);
      await nothing.close();
    },
  );

  sentence(undefined, 'drops everything on a reset, and begins again', async ({ store, reopen }) => {
    const staged = await store.stage('c', 'f', { bytes: 0, sizeBytes: 4, algorithms: ALL });
    await staged.write(seeded(7, 8_000));
    await staged.sync();
    await staged.reset();
    expect(staged.bytes).toBe(0);
    await staged.write(text('anew'));
    await staged.sync();
    const { sha256: strong, gitBlob } = await staged.digests();
    expect(strong).toBe(await sha256(text('anew')));
    expect(gitBlob).toBe(await sha1(text('blob 4\0anew')));
    await staged.close();
    expect(await reopen().reclaim('c', null, ['f'])).toEqual({ f: 4 });
  });

  sentence(undefined, 'is one of many, each on its own', async ({ store }) => {
    const files = ['a', 'b', 'deep/a', 'deep/er/a'];
    const open = await Promise.all(
      files.map((file) => store.stage('c', file, { bytes: 0, sizeBytes: 2_000, algorithms: ['sha256'] })),
    );
    for (const half of [0, 1]) await Promise.all(open.map((staged, i) => staged.write(seeded(i + 10 * half, 1_000))));
    for (const [i, staged] of open.entries()) {
      expect((await staged.digests()).sha256).toBe(await sha256(joined(seeded(i, 1_000), seeded(i + 10, 1_000))));
      await staged.close();
    }
    expect(await store.reclaim('c', null, [])).toEqual(Object.fromEntries(files.map((file) => [file, 2_000])));
    expect(await store.reclaim('d', null, [])).toEqual({});
  });

  sentence(undefined, 'cannot lie below another file', async ({ store }) => {
    await stageWhole(store, 'c', 'f', text('x'));
    const below = store.stage('c', 'f/g', { bytes: 0, sizeBytes: 1, algorithms: [] });
    expect((await faultIn(below)).type).toBe('filePermissions');
    expect(await store.reclaim('c', null, [])).toEqual({ f: 1 });
  });

  sentence(undefined, 'is dropped with all that is staged for its core, and nothing else is', async ({ store }) => {
    await stageWhole(store, 'c', 'deep/f', text('x'));
    await stageWhole(store, 'd', 'f', text('y'));
    await store.discard('c');
    await store.discard('c');
    await store.discard('never');
    expect(await store.reclaim('c', null, ['deep/f'])).toEqual({});
    expect(await store.reclaim('d', null, ['f'])).toEqual({ f: 1 });
    expect((await stagedDigest(store, 'c', 'deep/f', 1)).bytes).toBe(0);
  });

  sentence(lacks.failure, 'holds all of a chunk that a write took only half of', async (bench) => {
    const bytes = seeded(8, 9_000);
    const staged = await bench.store.stage('c', 'f', { bytes: 0, sizeBytes: 9_000, algorithms: ['sha256'] });
    await staged.write(bytes.subarray(0, 3_000));
    await bench.halveNextWrite();
    await staged.write(bytes.subarray(3_000));
    expect(staged.bytes).toBe(9_000);
    expect((await staged.digests()).sha256).toBe(await sha256(bytes));
    await staged.close();
    expect(await stagedDigest(bench.reopen(), 'c', 'f', 9_000)).toEqual({ bytes: 9_000, digest: await sha256(bytes) });
  });

  sentence(lacks.failure, 'is poisoned by a sync that failed: it is not tried twice', async (bench) => {
    const staged = await bench.store.stage('c', 'f', { bytes: 0, sizeBytes: 3, algorithms: [] });
    await staged.write(text('abc'));
    await bench.failNextSync();
    const fault = await faultIn(staged.sync());
    expect(fault).toMatchObject({ type: 'storageError', detail: 'EIO' });
    expect(await faultIn(staged.sync())).toEqual(fault);
    await staged.close();
    await stageWhole(bench.reopen(), 'c', 'f', text('abc'));
  });
}
