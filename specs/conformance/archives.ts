/** Archives: unpacked whole, or refused by name with nothing left. Plain tar is what every platform reads. */
import type { ExtractOptions, Store } from '@lading/runtime';
import { expect } from 'vitest';
import { END_MARK_BYTES, joined, type Member, seeded, sha256, tarOf, text } from './bytes.js';
import { faultIn, rejection } from './sentence.js';
import { type StoreSentence, stageWhole } from './store-bench.js';

const OPTIONS: ExtractOptions = {
  file: 'x.tar',
  generation: 'g1',
  extractType: 'tar',
  stripComponents: 0,
  maxBytes: 1_000_000,
  maxFiles: 10,
};
const MODEL = seeded(1, 40_000);
const GOOD: readonly Member[] = [
  { name: 'top/', type: '5' },
  { name: 'top/model.onnx', bytes: MODEL },
  { name: 'top/voices/!v/f1', bytes: text('variant') },
  { name: 'top/voices/!v/Mr serious', bytes: text('spaced') },
  { name: 'top/empty', bytes: new Uint8Array(0) },
];
const fine: Member = { name: 'fine', bytes: text('fine') };

const UNSAFE: readonly (readonly [why: string, members: readonly Member[], stripComponents?: number])[] = [
  ['a name that climbs', [fine, { name: '../evil', bytes: text('x') }]],
  ['a name that climbs from inside', [fine, { name: 'a/../../evil', bytes: text('x') }]],
  [
    'a name that climbs in what is stripped',
    [
      { name: 'a/b/fine', bytes: text('fine') },
      { name: 'a/../evil', bytes: text('x') },
    ],
    2,
  ],
  ['an absolute name', [fine, { name: '/evil', bytes: text('x') }]],
  ['a name with a backslash', [fine, { name: 'a\\evil', bytes: text('x') }]],
  ['a hidden name', [fine, { name: '.bashrc', bytes: text('x') }]],
  ['a hidden folder', [fine, { name: '.ssh/', type: '5' }]],
  ['a symbolic link', [fine, { name: 'link', type: '2', target: '/etc/passwd' }]],
  ['a hard link', [fine, { name: 'link', type: '1', target: 'fine' }]],
  ['a device', [fine, { name: 'null', type: '3' }]],
  ['a fifo', [fine, { name: 'pipe', type: '6' }]],
  ['the same name twice', [fine, fine]],
  ['two names that differ in case only', [fine, { name: 'FINE', bytes: text('x') }]],
  [
    'two folders that differ in case only',
    [
      { name: 'a/x', bytes: text('x') },
      { name: 'A/y', bytes: text('x') },
    ],
  ],
  ['a file that is a folder too', [fine, { name: 'fine/below', bytes: text('x') }]],
  [
    'a folder that is a file too',
    [
      { name: 'a/x', bytes: text('x') },
      { name: 'a', bytes: text('x') },
    ],
  ],
  ['a file above what is stripped', [{ name: 'top/a', bytes: text('x') }, fine], 1],
];

const CORRUPT: readonly (readonly [why: string, bytes: Uint8Array])[] = [
  ['text', text('<!doctype html>'.repeat(100))],
  ['nothing', new Uint8Array(0)],
  ['an archive of nothing', tarOf([])],
  ['an archive of folders only', tarOf([{ name: 'a/', type: '5' }])],
  ['an archive without its end mark', tarOf(GOOD).subarray(0, -END_MARK_BYTES)],
  ['an archive cut off in a file', tarOf(GOOD).subarray(0, 20_000)],
  ['an archive cut off in a header', tarOf(GOOD).subarray(0, 700)],
  ['an archive with more behind its end', joined(tarOf(GOOD), text('more'.repeat(200)))],
  ['a header whose checksum is wrong', tarOf(GOOD).fill(0x37, 640, 641)],
];

async function expectNothing(store: Store): Promise<void> {
  expect(await store.generations('c')).toEqual([]);
  expect((await store.usage()).cores['c'] ?? 0).toBe(0);
  await faultIn(store.publish('c', 'g1', null));
  expect(await store.generations('c')).toEqual([]);
}

export function archives(sentence: StoreSentence): void {
  const never = new AbortController().signal;

  for (const [stripComponents, below] of [[0, 'top/'] as const, [1, ''] as const]) {
    sentence(
      undefined,
      `with ${stripComponents} components stripped, and publishes what it held`,
      async ({ store, reopen }) => {
        await stageWhole(store, 'c', 'x.tar', tarOf(GOOD));
        const files = await store.extract('c', { ...OPTIONS, stripComponents }, never);
        const expected = await Promise.all(
          GOOD.flatMap(({ name, bytes }) =>
            bytes === undefined ? [] : [{ filename: name.replace('top/', below), bytes }],
          ).map(async ({ filename, bytes }) => ({ filename, sizeBytes: bytes.length, sha256: await sha256(bytes) })),
        );
        expect([...files].sort(byName)).toEqual(expected.sort(byName));
        expect(await store.generations('c')).toEqual([]);
        await store.publish('c', 'g1', null);
        expect(await reopen().generations('c')).toEqual(['g1']);
        for (const file of expected) expect(await reopen().inspect('c', 'g1', file.filename)).toEqual(file);
      },
    );
  }

  sentence(undefined, 'again, over what an earlier attempt has left', async ({ store }) => {
    await stageWhole(store, 'c', 'x.tar', tarOf(GOOD));
    await store.extract('c', OPTIONS, never);
    await stageWhole(store, 'c', 'x.tar', tarOf([fine]));
    expect(await store.extract('c', OPTIONS, never)).toMatchObject([{ filename: 'fine', sizeBytes: 4 }]);
    await store.publish('c', 'g1', null);
    expect(await store.inspect('c', 'g1', 'top/model.onnx')).toBe(null);
    expect(await store.inspect('c', 'g1', 'fine')).toMatchObject({ sizeBytes: 4 });
  });

  sentence(undefined, 'that was not published, and forgets it when it is reclaimed', async ({ store, reopen }) => {
    await stageWhole(store, 'c', 'x.tar', tarOf(GOOD));
    await store.extract('c', OPTIONS, never);
    expect(await reopen().reclaim('c', null, ['x.tar'])).toEqual({ 'x.tar': tarOf(GOOD).length });
    await expectNothing(store);
  });

  for (const [why, members, stripComponents = 0] of UNSAFE) {
    sentence(undefined, `with ${why} not at all`, async ({ store }) => {
      await stageWhole(store, 'c', 'x.tar', tarOf(members));
      const fault = await faultIn(store.extract('c', { ...OPTIONS, stripComponents }, never));
      expect(fault).toMatchObject({ type: 'archiveInvalid', detail: 'archiveUnsafe' });
      await expectNothing(store);
    });
  }

  for (const [why, bytes] of CORRUPT) {
    sentence(undefined, `not at all that is ${why}`, async ({ store }) => {
      await stageWhole(store, 'c', 'x.tar', bytes);
      const fault = await faultIn(store.extract('c', OPTIONS, never));
      expect(fault).toMatchObject({ type: 'archiveInvalid', detail: 'archiveCorrupt' });
      await expectNothing(store);
    });
  }

  for (const [bound, value] of [['maxBytes', MODEL.length + 12] as const, ['maxFiles', 3] as const]) {
    sentence(undefined, `not at all that passes ${bound}, and one that only reaches it`, async ({ store }) => {
      await stageWhole(store, 'c', 'x.tar', tarOf(GOOD));
      const fault = await faultIn(store.extract('c', { ...OPTIONS, [bound]: value }, never));
      expect(fault).toMatchObject({ type: 'archiveInvalid', detail: 'archiveTooLarge' });
      await expectNothing(store);
      expect(await store.extract('c', { ...OPTIONS, [bound]: value + 1 }, never)).toHaveLength(4);
    });
  }

  const tooMany: readonly (readonly [what: string, maxFiles: number, members: readonly Member[]])[] = [
    ['folders than any sane tree has', 10, Array.from({ length: 300 }, (_, i) => ({ name: `d${i}/`, type: '5' }))],
    [
      'names than fit beside its files',
      10_000,
      Array.from({ length: 5_000 }, (_, i) => ({ name: `d${i % 60}/${'n'.repeat(90)}${i}/`, type: '5' })),
    ],
  ];
  for (const [what, maxFiles, members] of tooMany) {
    sentence(undefined, `not at all that has more ${what}`, async ({ store }) => {
      await stageWhole(store, 'c', 'x.tar', tarOf([fine, ...members]));
      const fault = await faultIn(store.extract('c', { ...OPTIONS, maxFiles, maxBytes: 4 }, never));
      expect(fault).toMatchObject({ type: 'archiveInvalid', detail: 'archiveTooLarge' });
      await expectNothing(store);
    });
  }

  sentence(undefined, 'only until the signal says so, and leaves nothing', async ({ store }) => {
    await stageWhole(store, 'c', 'x.tar', tarOf(GOOD));
    const reason = new Error('enough');
    expect(await rejection(store.extract('c', OPTIONS, AbortSignal.abort(reason)))).toBe(reason);
    await expectNothing(store);
    const stop = new AbortController();
    const outcome = rejection(store.extract('c', OPTIONS, stop.signal));
    stop.abort(reason);
    expect(await outcome).toBe(reason);
    await expectNothing(store);
    await store.extract('c', OPTIONS, never);
  });

  sentence(undefined, 'that is not staged not at all', async ({ store }) => {
    await faultIn(store.extract('c', OPTIONS, never));
    await expectNothing(store);
  });
}

function byName(a: { readonly filename: string }, b: { readonly filename: string }): number {
  return a.filename < b.filename ? -1 : 1;
}
