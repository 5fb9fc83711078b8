/**
 * Wrong bytes never become ready: a byte that flipped on the way, a file that was replaced under its URL while we were fetching
 * it, a server that cannot send parts. Looked at from the disk: what stands under a final name is what the manifest says.
 */
import { describe, expect, it } from 'vitest';
import {
  always,
  type Behaviour,
  changeTo,
  chunked,
  closeDelimited,
  dropAfter,
  first,
  flipByteAt,
  fromNth,
  noEtag,
  noRange,
  nth,
  truncatedChunked,
  withHeaders,
} from '../origin/behaviour.js';
import { seededBytes, sha256Hex } from '../origin/seeded-bytes.js';
import { tarGz } from './tar.js';
import { checkManners, historyOf, type NamedFile, refusalOf, startWorld, type World } from './world.js';

const size = 200_000;
const cutAt = 120_000;
const good = seededBytes(11, size);
/** Another version of the same file: as long, and alike nowhere. */
const other = seededBytes(12, size);
const path = '/model.onnx';

const archive = tarGz({ 'kit/model.onnx': good, 'kit/tokens.txt': seededBytes(13, 2_000) });

/** The first, the last, those on both sides of borders that software likes, where the transfer is cut, and a few by lot. */
function placesIn(length: number): readonly number[] {
  const borders = [4_096, 16_384, 65_536, 131_072, cutAt].flatMap((border) => [border - 1, border]);
  const lots = [...new Uint32Array(seededBytes(14, 24).buffer)].map((lot) => lot % length);
  return [...new Set([0, 1, length - 2, length - 1, ...borders, ...lots])]
    .filter((at) => at < length)
    .sort((a, b) => a - b);
}

function modelOf(file: NamedFile, more: object = {}): object {
  return { id: 'model', files: [{ ...file, ...more }] };
}

function kitOf({ url, sizeBytes, sha256 }: NamedFile): object {
  return { id: 'kit', url, sizeBytes, sha256, extractType: 'tar.gz', stripComponents: 1 };
}

async function expectNothingFinal(world: World): Promise<void> {
  expect(await world.final()).toEqual([]);
}

/** Never ready, named as what it is, nothing final, and given up in time. */
async function expectRefused(world: World, id: 'model' | 'kit', core: object): Promise<void> {
  const depot = await world.open({ cores: [core] });
  const history = historyOf(depot);
  const refusal = await refusalOf(depot.download(id));
  expect(refusal).toMatchObject({ name: 'ChecksumError', code: 'checksumMismatch' });
  expect(depot.status(id)).toMatchObject({ phase: 'failed', reason: 'checksumMismatch' });
  for (const type of ['CoreDownloaded', 'CoreVerified', 'CoreInstalled', 'VoiceReady']) {
    expect(history.types).not.toContain(type);
  }
  expect(depot.asset(id)).toBeNull();
  await expectNothingFinal(world);
  expect(world.origin.requests.length).toBeLessThanOrEqual(24);
  checkManners(world.origin.requests);
}

describe('a flipped byte never becomes ready', () => {
  it.each(placesIn(size))('at %i of a file that comes in one go', async (at) => {
    await using world = await startWorld();
    const file = world.serve(path, good);
    world.origin.script(path, flipByteAt(at));
    await expectRefused(world, 'model', modelOf(file));
  });

  it.each(placesIn(size))('at %i of a file that comes in two goes', async (at) => {
    await using world = await startWorld();
    const file = world.serve(path, good);
    // Every whole try is cut once, and the flipped byte comes in whichever part it lies.
    world.origin.script(path, always(flipByteAt(at)), nth(1, dropAfter(cutAt)));
    await expectRefused(world, 'model', modelOf(file));
  });

  it.each(placesIn(archive.length))('at %i of an archive, nothing of which is unpacked', async (at) => {
    await using world = await startWorld();
    const file = world.serve('/kit.tar.gz', archive);
    world.origin.script('/kit.tar.gz', flipByteAt(at));
    await expectRefused(world, 'kit', kitOf(file));
  });

  it.each([
    ['in the first reply', first(1, flipByteAt(50_000))],
    ['in the part that was kept', first(1, flipByteAt(50_000), dropAfter(cutAt))],
    ['at the very end of the part that was kept', first(1, flipByteAt(cutAt - 1), dropAfter(cutAt))],
  ])('%s, and once the server is well again, the file is whole', async (_, rule) => {
    await using world = await startWorld();
    const file = world.serve(path, good);
    world.origin.script(path, rule);
    const depot = await world.open({ cores: [modelOf(file)] });
    await depot.download('model');
    expect((await world.final()).map(({ sha256 }) => sha256)).toEqual([sha256Hex(good)]);
    checkManners(world.origin.requests);
  });

  it('in the part that was asked for again, and once the server is well again, the file is whole', async () => {
    await using world = await startWorld();
    const file = world.serve(path, good);
    world.origin.script(path, nth(1, dropAfter(cutAt)), nth(2, flipByteAt(cutAt + 5)));
    const depot = await world.open({ cores: [modelOf(file)] });
    await depot.download('model');
    expect((await world.final()).map(({ sha256 }) => sha256)).toEqual([sha256Hex(good)]);
    // What was wrong somewhere is not built upon: the last request is for the whole, past every cache.
    const last = world.origin.requests.at(-1);
    expect(last?.range).toBeNull();
    expect(last?.headers['cache-control']).toBe('no-cache');
  });

  it('after a depot was closed and opened again in between', async () => {
    await using world = await startWorld();
    const file = world.serve(path, good);
    world.origin.script(path, flipByteAt(7));
    const before = await world.open({ cores: [modelOf(file)] });
    await refusalOf(before.download('model'));
    await before.close();
    const depot = await world.open({ cores: [modelOf(file)] });
    expect(depot.status('model').phase).toBe('failed');
    world.origin.script(path);
    await depot.download('model');
    expect((await world.final()).map(({ sha256 }) => sha256)).toEqual([sha256Hex(good)]);
  });
});

describe('a file that was replaced under its URL', () => {
  /** Each way in which an origin may say, or hide, that it has other bytes now. */
  const changes: readonly (readonly [string, readonly Behaviour[]])[] = [
    ['under a new tag', [changeTo(other)]],
    ['under the old tag', [changeTo(other, '"old"')]],
    ['with no tag at all', [changeTo(other, null)]],
    ['with a weak tag', [changeTo(other, 'W/"new"')]],
    ['with neither tag nor date', [changeTo(other, null), withHeaders({ 'last-modified': null })]],
  ];

  it.each(changes)('%s, is not spliced to the bytes of the old one', async (_, change) => {
    await using world = await startWorld();
    const file = world.serve(path, good, { etag: '"old"' });
    world.origin.script(path, nth(1, dropAfter(cutAt)), fromNth(2, ...change));
    const depot = await world.open({ cores: [modelOf(file)] });
    const refusal = await refusalOf(depot.download('model'));
    expect(refusal.name).toBe('ChecksumError');
    await expectNothingFinal(world);
    expect(world.origin.requests.length).toBeLessThanOrEqual(24);
    checkManners(world.origin.requests);
  });

  it.each(changes)('%s, is taken whole where the catalog accepts the new version', async (_, change) => {
    await using world = await startWorld();
    const file = world.serve(path, good, { etag: '"old"' });
    world.origin.script(path, nth(1, dropAfter(cutAt)), fromNth(2, ...change));
    const accepted = [{ sizeBytes: size, sha256: sha256Hex(other) }];
    const depot = await world.open({ cores: [modelOf(file, { accepted })] });
    await depot.download('model');
    expect((await world.final()).map(({ sha256 }) => sha256)).toEqual([sha256Hex(other)]);
  });

  it.each([changes[0], changes[2], changes[3], changes[4]].map((change) => change ?? (['', []] as const)))(
    '%s, is not spliced where the catalog names no digest and nothing but the server could tell',
    async (_, change) => {
      await using world = await startWorld();
      const { sha256: _digest, ...file } = world.serve(path, good, { etag: '"old"' });
      world.origin.script(path, nth(1, dropAfter(cutAt)), fromNth(2, ...change));
      const depot = await world.open({ cores: [{ id: 'model', files: [file] }] });
      const voice = await depot.download('model');
      expect((await world.final()).map(({ sha256 }) => sha256)).toEqual([sha256Hex(other)]);
      expect(voice.warnings, 'that nothing vouches for it is said').toEqual(['model/model.onnx']);
    },
  );

  it.each([
    ['no tag and no date', { etag: null, lastModified: null }],
    ['a weak tag', { etag: 'W/"old"' }],
  ])(
    'is not spliced where there was %s from the beginning, and no digest either: the whole is fetched anew',
    async (_, options) => {
      await using world = await startWorld();
      const { sha256: _digest, ...file } = world.serve(path, good, options);
      world.origin.script(path, nth(1, dropAfter(cutAt)), fromNth(2, changeTo(other, options.etag)));
      const depot = await world.open({ cores: [{ id: 'model', files: [file] }] });
      await depot.download('model');
      expect(world.origin.requests.map(({ range }) => range)).toEqual([null, null]);
      expect((await world.final()).map(({ sha256 }) => sha256)).toEqual([sha256Hex(other)]);
    },
  );

  it('by a longer one is told as what it is: the publisher changed it', async () => {
    await using world = await startWorld();
    const file = world.serve(path, good);
    world.origin.script(path, nth(1, dropAfter(cutAt)), fromNth(2, changeTo(seededBytes(12, size + 1_000))));
    const depot = await world.open({ cores: [modelOf(file)] });
    expect((await refusalOf(depot.download('model'))).code).toBe('upstreamChanged');
    await expectNothingFinal(world);
  });

  it('in every single reply, between all resumes, never gives a mixture', async () => {
    await using world = await startWorld();
    const file = world.serve(path, good);
    const versions = [1, 2, 3, 4, 5, 6, 7, 8].map((n) =>
      nth(n, changeTo(seededBytes(100 + n, size)), dropAfter(30_000 * n)),
    );
    world.origin.script(path, ...versions, fromNth(9, changeTo(seededBytes(109, size))));
    const depot = await world.open({ cores: [modelOf(file)] });
    expect((await refusalOf(depot.download('model'))).name).toBe('ChecksumError');
    await expectNothingFinal(world);
    expect(world.origin.requests.length).toBeLessThanOrEqual(24);
  });
});

describe('a server that cannot send parts', () => {
  it.each([
    ['cuts the connection', dropAfter(cutAt)],
    ['ends in the middle of a chunk', truncatedChunked(cutAt)],
  ])('and %s still works: the whole is taken from its beginning', async (_, cut) => {
    await using world = await startWorld();
    const file = world.serve(path, good);
    world.origin.script(path, always(noRange()), first(2, cut));
    const depot = await world.open({ cores: [modelOf(file)] });
    await depot.download('model');
    expect((await world.final()).map(({ sha256 }) => sha256)).toEqual([sha256Hex(good)]);
    expect(world.origin.requests.map(({ status }) => status)).toEqual([200, 200, 200]);
    checkManners(world.origin.requests);
  });

  it.each([
    ['no length, but chunks', [noRange(), chunked()]],
    ['no length of any kind', [noRange(), closeDelimited()]],
    ['no validator either', [noRange(), noEtag(), withHeaders({ 'last-modified': null })]],
  ])('and sends %s still works', async (_, behaviours) => {
    await using world = await startWorld();
    const file = world.serve(path, good);
    world.origin.script(path, always(...behaviours), nth(1, dropAfter(cutAt)));
    const depot = await world.open({ cores: [modelOf(file)] });
    await depot.download('model');
    expect((await world.final()).map(({ sha256 }) => sha256)).toEqual([sha256Hex(good)]);
    expect(world.origin.requests).toHaveLength(2);
  });

  it('delivers archives as well', async () => {
    await using world = await startWorld();
    const file = world.serve('/kit.tar.gz', archive);
    world.origin.script('/kit.tar.gz', always(noRange()), nth(1, dropAfter(archive.length - 1)));
    const depot = await world.open({ cores: [kitOf(file)] });
    await depot.download('kit');
    expect((await world.final()).map(({ file: name, sha256 }) => [name, sha256])).toEqual([
      ['model.onnx', sha256Hex(good)],
      ['tokens.txt', sha256Hex(seededBytes(13, 2_000))],
    ]);
  });
});
