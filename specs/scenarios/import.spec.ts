/** Files that somebody has already: brought into a depot, and taken from one machine to another. Real files; the origin counts who asks it. */
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileSources, readDepot, writeExport } from '@lading/node';
import type { Depot, ImportSource } from '@lading/runtime';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { first, holdAfter } from '../origin/behaviour.js';
import { closedGate } from '../origin/gate.js';
import { seededBytes, sha256Hex } from '../origin/seeded-bytes.js';
import { type Shelf, startWorld, type World } from './world.js';

const model = seededBytes(1, 3_000_000);
const older = seededBytes(2, 2_000_000);
const tokens = seededBytes(3, 20_000);

let world: World;
let shelf: Shelf;
let stick: string;

const onStick = (name: string): Promise<readonly ImportSource[]> => fileSources(join(stick, name));
const requests = (): number => world.origin.requests.length;
const staged = (): Promise<readonly string[]> => readdir(join(world.dir, 'staging')).catch(() => []);

beforeEach(async () => {
  world = await startWorld();
  stick = await mkdtemp(join(tmpdir(), 'lading-stick-'));
  const accepted = [{ sizeBytes: older.length, sha256: sha256Hex(older) }];
  shelf = {
    cores: [
      { id: 'model', files: [{ ...world.serve('/model.onnx', model), accepted }, world.serve('/tokens.txt', tokens)] },
      { id: 'other', files: [world.serve('/other.bin', seededBytes(4, 9_000))] },
    ],
    voices: [{ id: 'aria', engineId: 'test', displayName: 'Aria', coreRequirements: ['model'] }],
  };
  await writeFile(join(stick, 'model.onnx'), model);
  await writeFile(join(stick, 'called-otherwise'), tokens);
});

afterEach(async () => {
  await world[Symbol.asyncDispose]();
  await rm(stick, { recursive: true, force: true });
});

describe('files that are here already', () => {
  it('are installed without a request, whatever they are called, and stay what they were', async () => {
    const depot = await world.open(shelf);
    const imported = await depot.import(await onStick('.'), { id: 'aria' });
    expect(imported.files.map(({ filename, proof }) => [filename, proof])).toEqual([
      ['tokens.txt', 'strong'],
      ['model.onnx', 'strong'],
    ]);
    expect(imported.missing).toEqual([]);
    const aria = await depot.download('aria');
    expect(requests()).toBe(0);
    expect(sha256Hex(await readFile(aria.path('model.onnx')))).toBe(sha256Hex(model));
    // Copies, not links: who goes on to write to his file must not change ours.
    const { nlink, mode } = await stat(join(stick, 'model.onnx'));
    expect([nlink, mode & 0o200]).toEqual([1, 0o200]);
    expect(await staged()).toEqual([]);
  });

  it('may be only some: the rest is fetched, also after the depot was closed', async () => {
    const first = await world.open(shelf);
    const { missing } = await first.import(await onStick('model.onnx'), { id: 'aria' });
    expect(missing).toEqual([{ core: 'model', filename: 'tokens.txt', sizeBytes: tokens.length }]);
    expect(requests()).toBe(0);
    await first.close();
    const second = await world.open(shelf);
    expect(second.plan('aria').bytesToFetch).toBe(tokens.length);
    await second.download('aria');
    expect([world.origin.requestsOf('/model.onnx').length, world.origin.requestsOf('/tokens.txt').length]).toEqual([
      0, 1,
    ]);
  });

  it('may be another content that the catalog accepts', async () => {
    await writeFile(join(stick, 'model.onnx'), older);
    const depot = await world.open(shelf);
    await depot.import(await onStick('.'), { id: 'aria' });
    const aria = await depot.download('aria');
    expect([requests(), (await stat(aria.path('model.onnx'))).size]).toEqual([0, older.length]);
  });

  it.each([
    ['of another size', seededBytes(5, 2_999_999)],
    [
      'of the right size, one bit of which is another',
      Uint8Array.from(model, (byte, i) => (i === 5 ? byte ^ 1 : byte)),
    ],
  ])('and are %s are refused with what was expected and found, and nothing changes', async (_, bytes) => {
    await writeFile(join(stick, 'model.onnx'), bytes);
    const depot = await world.open(shelf);
    const before = depot.state;
    const refused = depot.import(await onStick('model.onnx'), { id: 'aria' });
    await expect(refused).rejects.toMatchObject({
      name: 'ChecksumError',
      code: 'checksumMismatch',
      message: expect.stringMatching(
        new RegExp(
          `model.onnx with 3000000 or 2000000 bytes and sha256 ${sha256Hex(model)}.*found ${bytes.length} bytes`,
        ),
      ),
    });
    expect(depot.state).toBe(before);
    expect(await staged()).toEqual([]);
  });

  it('take the place of a part that was fetched, and of one that waits', async () => {
    const gate = closedGate();
    world.origin.script('/model.onnx', first(1, holdAfter(1_500_000, gate)));
    const depot = await world.open(shelf);
    const download = depot.download('aria');
    await gate.reached;
    await expect(depot.import(await onStick('.'), { id: 'aria' })).rejects.toMatchObject({ code: 'coreBusy' });
    await depot.pause('aria');
    await depot.import(await onStick('.'), { id: 'aria' });
    const asked = requests();
    gate.open();
    await depot.resume('aria');
    await download;
    expect(requests()).toBe(asked);
  });

  it('that change while they are read are refused', async () => {
    const depot = await world.open(shelf);
    const other = (sizeBytes: number): ImportSource => ({
      name: 'model.onnx',
      sizeBytes: model.length,
      async *read() {
        for (let at = 0; at < sizeBytes; at += 65_536)
          yield await Promise.resolve(model.subarray(at, Math.min(at + 65_536, sizeBytes)));
      },
    });
    await expect(depot.import([other(model.length - 1)], { id: 'aria' })).rejects.toMatchObject({
      code: 'interrupted',
    });
    const endless: ImportSource = {
      ...other(0),
      async *read() {
        for (;;) yield await Promise.resolve(model);
      },
    };
    await expect(depot.import([endless], { id: 'aria' })).rejects.toMatchObject({ code: 'interrupted' });
    expect([depot.state.cores.size, await staged()]).toEqual([0, []]);
  });

  it('that are there already change nothing', async () => {
    const depot = await world.open(shelf);
    await depot.download('aria');
    const { position } = depot.state;
    const { files, missing } = await depot.import(await onStick('.'), { id: 'aria' });
    expect([files.length, missing, depot.state.position]).toEqual([2, [], position]);
  });
});

describe('an exported archive', () => {
  const exportedFrom = async (depot: Depot, name: string): Promise<string> => {
    const file = join(stick, name);
    await writeExport(await depot.export('aria'), file);
    return file;
  };

  it('is the same to the byte for the same files, and brings all it holds to another machine', async () => {
    const depot = await world.open(shelf);
    await depot.download('aria');
    const file = await exportedFrom(depot, 'one.tar');
    const reader = await readDepot({ dir: world.dir, catalog: world.catalog(shelf) });
    await writeExport(await reader.export('aria'), join(stick, 'two.tar'));
    expect(sha256Hex(await readFile(join(stick, 'two.tar')))).toBe(sha256Hex(await readFile(file)));
    const asked = requests();
    await using elsewhere = await startWorld();
    const there = await elsewhere.open(shelf);
    const { ids, missing } = await there.import(await fileSources(file));
    expect([ids, missing]).toEqual([['aria'], []]);
    await there.download('aria');
    expect(requests()).toBe(asked);
    expect((await elsewhere.installed()).toSorted()).toEqual(['model/model.onnx', 'model/tokens.txt']);
  });

  it('is judged by the catalog of who imports, not by what it says of itself', async () => {
    const depot = await world.open(shelf);
    await depot.download('aria');
    const file = await exportedFrom(depot, 'one.tar');
    await using elsewhere = await startWorld();
    const named = {
      filename: 'model.onnx',
      url: `${elsewhere.origin.url}/x`,
      sizeBytes: 3_000_000,
      sha256: 'a'.repeat(64),
    };
    const there = await elsewhere.open({ ...shelf, cores: [{ id: 'model', files: [named] }] });
    await expect(there.import(await fileSources(file))).rejects.toMatchObject({ code: 'checksumMismatch' });
    expect(there.state.cores.size).toBe(0);
    await using third = await startWorld();
    const without = await third.open({ cores: [shelf.cores[1] ?? {}] });
    await expect(without.import(await fileSources(file))).rejects.toMatchObject({
      code: 'unknownId',
      message: 'the archive holds model, which no catalog here names',
    });
  });

  it('never holds what is damaged, or not there', async () => {
    const depot = await world.open(shelf);
    await expect(depot.export('aria')).rejects.toMatchObject({ code: 'notReady' });
    const aria = await depot.download('aria');
    const path = aria.path('model.onnx');
    await rm(path);
    await writeFile(path, seededBytes(9, model.length));
    await expect(depot.export('aria')).rejects.toMatchObject({ name: 'ChecksumError', code: 'damaged' });
    expect(await readdir(stick)).toEqual(['called-otherwise', 'model.onnx']);
  });
});
