/**
 * A file that comes over several connections, and one that has pieces: over real sockets to a real disk, with bounds small enough that a file
 * of some hundred kilobytes is divided. The numbers of rows are those of the HTTP rules that only a parallel download, or pieces, can meet.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Depot } from '@lading/runtime';
import { describe, expect, it } from 'vitest';
import {
  always,
  type Behaviour,
  changeTo,
  chunked,
  dropAfter,
  first,
  flipByteAt,
  fromNth,
  noRange,
  nth,
  type Rule,
  redirectTo,
  stallAfter,
  status,
  throttle,
  withHeaders,
} from '../origin/behaviour.js';
import { seededBytes, sha256Hex } from '../origin/seeded-bytes.js';
import { type DepotOptions, historyOf, startWorld, type World } from './world.js';

const SIZE = 400_000;
const PIECE = 50_000;
const SEGMENT = 60_000;
/** Of one connection: slow enough that others are added. */
const RATE = 250_000;
const bytes = seededBytes(31, SIZE);
const other = seededBytes(32, SIZE);
const path = '/model.onnx';
const mirrorPath = '/mirror/model.onnx';
/** A byte in the middle of a piece. */
const BAD = 4 * PIECE + 20_000;
const badPiece = { from: 4 * PIECE, to: 5 * PIECE };

const transfer = {
  parallelFromBytes: 2 * SEGMENT,
  segmentBytes: SEGMENT,
  checkpointBytes: 1,
  aheadBytes: SIZE,
  aheadStoredBytes: SIZE,
};
const pieces = {
  sizeBytes: PIECE,
  sha256: Array.from({ length: SIZE / PIECE }, (_, i) => sha256Hex(bytes.subarray(i * PIECE, (i + 1) * PIECE))),
};

interface Asked {
  readonly from: number;
  readonly to: number;
}

/** The ranges that were asked for, in order; without one, all of it. */
function askedOf(world: World, at = path): readonly Asked[] {
  return world.origin.requestsOf(at).map(({ range }) => {
    const [, from = '0', last = ''] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? [];
    return { from: Number(from), to: last === '' ? SIZE : Number(last) + 1 };
  });
}

const areApart = (ranges: readonly Asked[]): boolean =>
  ranges.every((a, i) => ranges.every((b, k) => i === k || a.to <= b.from || b.to <= a.from));

const bytesSent = (world: World, at = path): number =>
  world.origin.requestsOf(at).reduce((sum, request) => sum + request.bytesSent, 0);

/** A depot that is about to bring one core of one file, over connections that are slow. */
async function begin(
  world: World,
  rules: readonly (Rule | Behaviour)[],
  entry: object = {},
  options: DepotOptions = {},
): Promise<Depot> {
  const file = { ...world.serve(path, bytes), ...entry };
  world.origin.script(path, ...rules);
  return await world.open({ cores: [{ id: 'model', files: [file] }] }, { transfer, ...options });
}

async function expectRight(world: World): Promise<void> {
  const [file] = await world.final();
  expect(file?.sha256).toBe(sha256Hex(bytes));
}

describe('a file over several connections', () => {
  it('is right at once, though the memory that its bytes come through is used over and over', async () => {
    await using world = await startWorld();
    const large = seededBytes(33, 40 * 1024 * 1024);
    const file = world.serve('/large.onnx', large);
    world.origin.script('/large.onnx', throttle(40_000_000));
    const depot = await world.open({ cores: [{ id: 'model', files: [file] }] });
    await depot.download('model');
    const requests = world.origin.requestsOf('/large.onnx');
    expect((await world.final())[0]?.sha256).toBe(sha256Hex(large));
    expect(bytesSent(world, '/large.onnx')).toBe(large.length);
    expect(new Set(requests.map(({ connection }) => connection)).size).toBeGreaterThan(1);
  });

  it('asks for each byte once, and has more than one request under way', async () => {
    await using world = await startWorld();
    const depot = await begin(world, [throttle(RATE)]);
    await depot.download('model');
    await expectRight(world);
    const requests = world.origin.requestsOf(path);
    expect(areApart(askedOf(world))).toBe(true);
    expect(bytesSent(world)).toBe(SIZE);
    expect(new Set(requests.map(({ connection }) => connection)).size).toBeGreaterThan(1);
    // The first tells the tag; whatever comes after it asks for nothing else.
    const [opening, ...others] = requests;
    expect(opening?.headers['if-range']).toBe(undefined);
    for (const request of others) expect(request.headers['if-range']).toMatch(/^"/);
  });

  it('asks a small file for all of it in one plain request', async () => {
    await using world = await startWorld();
    const depot = await begin(world, [], {}, { transfer: {} });
    await depot.download('model');
    expect(world.origin.requestsOf(path).map(({ range }) => range)).toEqual([null]);
  });

  it('18: takes the whole from a server that ignores ranges, and begins with it', async () => {
    await using world = await startWorld();
    const depot = await begin(world, [noRange()]);
    await depot.download('model');
    await expectRight(world);
    expect(world.origin.requestsOf(path)).toHaveLength(1);
  });

  it('18: in mid-file too: what the others bring ends, and the whole is taken from that reply', async () => {
    await using world = await startWorld();
    const depot = await begin(world, [throttle(RATE), nth(4, noRange())]);
    await depot.download('model');
    await expectRight(world);
  });

  it('27: a tag that changes between two segments voids what is not proven', async () => {
    await using world = await startWorld();
    const { etag } = { etag: '"the-new-one"' };
    // The old content under the first tag for three requests, then for good the right one under another.
    const depot = await begin(world, [throttle(RATE), first(3, changeTo(other)), fromNth(4, changeTo(bytes, etag))]);
    await depot.download('model');
    await expectRight(world);
  });

  it('90: no two requests ever bring the same byte, of whichever source', async () => {
    await using world = await startWorld();
    const depot = await begin(world, [throttle(RATE), nth(3, dropAfter(20_000)), nth(5, dropAfter(1))]);
    await depot.download('model');
    await expectRight(world);
    const brought = world.origin.requestsOf(path).map(({ bytesSent: sent }, i) => {
      const from = askedOf(world)[i]?.from ?? 0;
      return { from, to: from + sent };
    });
    expect(areApart(brought)).toBe(true);
  });

  it('goes on with fewer where the server allows no more', async () => {
    await using world = await startWorld();
    const busy: Behaviour = { ...status(503), name: 'busy' };
    const depot = await begin(world, [throttle(RATE), nth(3, busy), nth(4, busy), nth(5, busy)]);
    const history = historyOf(depot);
    await depot.download('model');
    await expectRight(world);
    expect(history.types).not.toContain('RetryScheduled');
  });

  it('42: one that stalls leaves its part to the others', async () => {
    await using world = await startWorld();
    const depot = await begin(world, [throttle(RATE), nth(2, stallAfter(10_000))], {}, { stallMs: 700 });
    const history = historyOf(depot);
    await depot.download('model');
    await expectRight(world);
    expect(history.types).not.toContain('RetryScheduled');
    expect(bytesSent(world)).toBe(SIZE);
  });

  it('55: a signed address that expires in mid-file is renewed once for all parts, and what came is kept', async () => {
    await using world = await startWorld();
    const cdn = world.origin.put('/signed', bytes);
    world.origin.script('/signed', throttle(RATE), nth(4, status(403)), nth(5, status(403)));
    const depot = await begin(world, [redirectTo(cdn)]);
    const history = historyOf(depot);
    await depot.download('model');
    await expectRight(world);
    expect(history.types).not.toContain('RetryScheduled');
    expect(bytesSent(world, '/signed') - 2 * 3).toBeLessThanOrEqual(SIZE + 100);
  });

  it('56: one that is refused for good ends, and what came is kept', async () => {
    await using world = await startWorld();
    const cdn = world.origin.put('/signed', bytes);
    world.origin.script('/signed', throttle(RATE), fromNth(4, status(403)));
    const depot = await begin(world, [redirectTo(cdn)]);
    await depot.download('model').catch(() => undefined);
    const { fault, bytesDone } = depot.status('model');
    expect(fault?.type).toBe('unauthorized');
    expect(bytesDone).toBeGreaterThanOrEqual(SEGMENT);
    expect(bytesDone).toBeLessThan(SIZE);
  });

  it('a checkpoint has what lies behind a hole, and the next life asks only for the holes', async () => {
    await using world = await startWorld();
    // The first part comes to a stand; what is behind it is brought, until there is only the hole.
    const rules = [throttle(RATE), nth(2, stallAfter(1_000)), fromNth(SIZE / SEGMENT + 1, stallAfter(0))];
    const depot = await begin(world, rules, {}, { stallMs: 60_000 });
    const history = historyOf(depot);
    void depot.download('model').catch(() => undefined);
    const isBehindAHole = ({ spans = [] }: { spans?: readonly Asked[] }) =>
      spans.some(({ to, from }) => to - from > SEGMENT);
    await history.until((e) => e.type === 'CoreCheckpointed' && Object.values(e.files).some(isBehindAHole));
    await depot.close();
    const { durable } = depot.state.cores.get('model')?.context ?? {};
    const known = durable?.['model.onnx'];
    expect(known?.spans?.length).toBeGreaterThan(0);
    const before = world.origin.requestsOf(path).length;
    const again = await begin(world, []);
    await again.download('model');
    await expectRight(world);
    const holes = askedOf(world).slice(before);
    const held = [{ from: 0, to: known?.bytes ?? 0 }, ...(known?.spans ?? [])];
    expect(areApart([...holes, ...held])).toBe(true);
  });
});

describe('a message that tells its own digest', () => {
  const digestOf = (body: Uint8Array) => `sha-256=:${Buffer.from(sha256Hex(body), 'hex').toString('base64')}:`;
  /** As a server that knows what it sends; a cache on the way spoils it. */
  const telling: Behaviour = {
    name: 'telling',
    reply: (was) => ({ ...was, headers: { ...was.headers, 'content-digest': digestOf(was.body) } }),
  };
  const spoilt: Behaviour = {
    name: 'spoilt',
    reply: (was) => ({ ...was, body: was.body.map((byte, i) => (i === 77 ? byte ^ 1 : byte)) }),
  };

  it('70: a part whose Content-Digest is another is fetched again, and no other', async () => {
    await using world = await startWorld();
    const depot = await begin(world, [throttle(RATE), telling, nth(3, spoilt)]);
    const history = historyOf(depot);
    await depot.download('model');
    await expectRight(world);
    expect(history.types).not.toContain('RetryScheduled');
    const asked = askedOf(world);
    const again = asked.filter((a, i) => asked.some((b, k) => k !== i && a.from === b.from));
    expect(again).toHaveLength(2);
    expect(bytesSent(world)).toBe(SIZE + SEGMENT);
  });

  it('70: one that is always another is no endless circle', async () => {
    await using world = await startWorld();
    const depot = await begin(world, [telling, spoilt], {}, { transfer: {} });
    await depot.download('model').catch(() => undefined);
    expect(depot.status('model')).toMatchObject({
      phase: 'failed',
      fault: { type: 'serverError', detail: 'noProgress' },
    });
    expect(world.origin.requestsOf(path).length).toBeLessThanOrEqual(24);
  });
});

describe('a file with pieces', () => {
  it.each(['2: a piece that is wrong is fetched again, and no other', '80: one flipped bit costs one piece'])(
    '%s',
    async () => {
      await using world = await startWorld();
      const depot = await begin(world, [nth(1, flipByteAt(BAD))], { pieces }, { transfer: {} });
      const history = historyOf(depot);
      await depot.download('model');
      await expectRight(world);
      expect(askedOf(world)).toEqual([{ from: 0, to: SIZE }, badPiece]);
      expect(world.origin.requestsOf(path)[1]?.headers['cache-control']).toBe('no-cache');
      expect(history.types).not.toContain('RetryScheduled');
    },
  );

  it('a piece that stays wrong fails the core by its name, and the good ones are kept', async () => {
    await using world = await startWorld();
    const depot = await begin(world, [flipByteAt(BAD)], { pieces }, { transfer: {} });
    await depot.download('model').catch(() => undefined);
    const { fault, bytesDone } = depot.status('model');
    expect(fault).toMatchObject({ type: 'checksumMismatch', detail: 'piece' });
    expect(fault?.message).toContain('piece 4 of model.onnx');
    expect(fault?.message).toContain(pieces.sha256[4]);
    expect(bytesDone).toBe(SIZE - PIECE);
    expect(await world.final()).toEqual([]);
  });

  it('79: of two sources the one whose piece was wrong is left', async () => {
    await using world = await startWorld();
    const mirror = world.origin.put(mirrorPath, bytes);
    const rules = [flipByteAt(BAD)];
    const depot = await begin(world, rules, { pieces, mirrors: [mirror] }, { transfer: {} });
    await depot.download('model');
    await expectRight(world);
    expect(askedOf(world, mirrorPath)).toEqual([badPiece]);
    expect(bytesSent(world)).toBe(SIZE);
  });

  it('79: a source of which several pieces are wrong is left', async () => {
    await using world = await startWorld();
    const mirror = world.origin.put(mirrorPath, bytes);
    const rules = [throttle(RATE), changeTo(other)];
    const depot = await begin(world, rules, { pieces, mirrors: [mirror] }, { transfer: {} });
    await depot.download('model');
    await expectRight(world);
    expect(bytesSent(world)).toBeLessThan(SIZE);
  });

  it('14: pieces that were proven stay when the tag changes', async () => {
    await using world = await startWorld();
    const rules = [nth(1, dropAfter(3 * PIECE + 10)), fromNth(2, withHeaders({ etag: '"another"' }))];
    const depot = await begin(world, rules, { pieces }, { transfer: {} });
    await depot.download('model');
    await expectRight(world);
    expect(
      Math.min(
        ...askedOf(world)
          .slice(1)
          .map(({ from }) => from),
      ),
    ).toBeGreaterThanOrEqual(PIECE);
  });

  it('what a crash left is read again, and only a piece that is wrong is fetched', async () => {
    await using world = await startWorld();
    const depot = await begin(
      world,
      [nth(1, stallAfter(6 * PIECE))],
      { pieces },
      { stallMs: 60_000, transfer: { checkpointBytes: 1 } },
    );
    const history = historyOf(depot);
    void depot.download('model').catch(() => undefined);
    await history.until(
      (e) => e.type === 'CoreCheckpointed' && Object.values(e.files).some(({ bytes: held }) => held === 6 * PIECE),
    );
    await depot.close();
    const staged = join(world.dir, 'staging/model/model.onnx');
    const content = await readFile(staged);
    content.fill(0, BAD, BAD + 100);
    await writeFile(staged, content);
    const again = await begin(world, [], { pieces }, { transfer: {} });
    await again.download('model');
    await expectRight(world);
    expect(askedOf(world).slice(1)).toEqual([badPiece, { from: 6 * PIECE, to: SIZE }]);
  });

  it('a repair fetches only the pieces that are damaged, and sets the damaged file aside', async () => {
    await using world = await startWorld();
    const depot = await begin(world, [], { pieces }, { transfer: {} });
    const asset = await depot.download('model');
    const installed = asset.path('model.onnx');
    const content = await readFile(installed);
    content.fill(0, BAD, BAD + 100);
    const { chmod } = await import('node:fs/promises');
    await chmod(installed, 0o644);
    await writeFile(installed, content);
    const before = world.origin.requestsOf(path).length;
    await depot.repair('model');
    await expectRight(world);
    expect(askedOf(world).slice(before)).toEqual([badPiece]);
    expect((await readFile(join(world.dir, 'cores/model/.quarantine-g1/model.onnx'))).equals(content)).toBe(true);
  });

  it('another content that is accepted too is taken as a whole', async () => {
    await using world = await startWorld();
    const accepted = [{ sizeBytes: SIZE, sha256: sha256Hex(other) }];
    const depot = await begin(world, [always(changeTo(other))], { pieces, accepted }, { transfer: {} });
    await depot.download('model');
    const [file] = await world.final();
    expect(file?.sha256).toBe(sha256Hex(other));
    expect(world.origin.requestsOf(path)).toHaveLength(1);
  });
});

describe('a large file from a server that', () => {
  it('ignores ranges and tells no length is taken whole', async () => {
    await using world = await startWorld();
    const depot = await begin(world, [noRange(), chunked()]);
    await depot.download('model');
    await expectRight(world);
    expect(world.origin.requestsOf(path)).toHaveLength(1);
  });

  it('never sends a byte is asked no more often than one of a small file', async () => {
    await using world = await startWorld();
    const depot = await begin(world, [stallAfter(0)], {}, { stallMs: 200 });
    await depot.download('model').catch(() => undefined);
    expect(depot.status('model')).toMatchObject({ phase: 'failed', fault: { type: 'stalled' } });
    expect(world.origin.requestsOf(path).length).toBeLessThanOrEqual(24);
  });

  it('is cancelled in mid-file is left by every request at once', async () => {
    await using world = await startWorld();
    const depot = await begin(world, [throttle(RATE)], {}, { stallMs: 60_000 });
    const ending = depot.download('model').catch((error: { code?: string }) => error.code);
    await world.origin.arrival(path, 4);
    await depot.cancel('model');
    expect(await ending).toBe('cancelled');
    const asked = world.origin.requestsOf(path).length;
    await Promise.all(world.origin.requestsOf(path).map(({ finished }) => finished));
    await depot.close();
    expect(world.origin.requestsOf(path)).toHaveLength(asked);
  });
});
