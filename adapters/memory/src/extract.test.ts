import { Catalog, readManifestValue } from '@lading/core';
import { describe, expect, it } from 'vitest';
import { hexDigest } from './digest.js';
import { openDepot } from './open.js';
import { MemoryWorld } from './world.js';

interface Member {
  readonly name: string;
  readonly type?: string;
  readonly bytes?: Uint8Array;
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** A plain ustar archive. */
function tarOf(members: readonly Member[]): Uint8Array {
  const blocks = members.flatMap(({ name, type = '0', bytes = new Uint8Array(0) }) => {
    const header = new Uint8Array(512);
    const put = (value: string, at: number) => header.set(text(value), at);
    put(name, 0);
    put(bytes.length.toString(8).padStart(11, '0'), 124);
    put('        ', 148);
    put(type, 156);
    put('ustar\0', 257);
    const sum = header.reduce((total, byte) => total + byte, 0);
    put(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    const body = new Uint8Array(Math.ceil(bytes.length / 512) * 512);
    body.set(bytes);
    return [...header, ...body];
  });
  return Uint8Array.from([...blocks, ...new Uint8Array(1024)]);
}

async function unpack(archive: Uint8Array, more: Readonly<Record<string, unknown>> = {}) {
  const world = new MemoryWorld();
  const url = 'https://example.org/x.tar';
  world.network.put(url, archive);
  const core = {
    id: 'c',
    url,
    sizeBytes: archive.length,
    sha256: hexDigest('sha256', archive),
    extractType: 'tar',
    ...more,
  };
  const reading = readManifestValue({ version: 3, cores: [core] }, { base: null, allowHttp: false });
  if (!reading.ok) throw new Error(JSON.stringify(reading.defects));
  const depot = await openDepot({ world, catalog: Catalog.of([reading.manifest], 'any').catalog });
  const asset = await world.run(depot.download('c')).catch((error: unknown) => error);
  return {
    asset,
    names: [...world.disk.files('/depot/cores').keys()],
    staged: world.disk.files('/depot/staging').size,
    world,
  };
}

const good: readonly Member[] = [
  { name: 'top/', type: '5' },
  { name: 'top/a.txt', bytes: text('alpha') },
  { name: './top/lang/!v/b', bytes: new Uint8Array(700).fill(7) },
];

describe('an archive on the simulated disk', () => {
  it('is unpacked into its generation, without the components that are stripped, and survives a power cut', async () => {
    const { names, staged, world } = await unpack(tarOf(good), { stripComponents: 1 });
    expect(names).toEqual(['/depot/cores/c/g1/a.txt', '/depot/cores/c/g1/lang/!v/b']);
    expect(staged).toBe(0);
    world.cutPower();
    expect([...world.disk.files('/depot/cores').keys()]).toEqual(names);
    expect(world.disk.files('/depot/cores').get('/depot/cores/c/g1/a.txt')).toEqual(text('alpha'));
  });

  it.each<readonly [string, readonly Member[], Readonly<Record<string, unknown>>]>([
    ['climbs', [{ name: 'a/../../b', bytes: text('x') }], {}],
    ['is absolute', [{ name: '/etc/x', bytes: text('x') }], {}],
    ['is hidden', [{ name: '.x', bytes: text('x') }], {}],
    ['is a link', [{ name: 'x', type: '2' }], {}],
    ['is there twice', [{ name: 'x' }, { name: 'X' }], {}],
    ['is too large', [{ name: 'x', bytes: new Uint8Array(600) }], { unpackedBytes: 599 }],
    ['is of another kind', good, { extractType: 'zip' }],
  ])('is refused as a whole if a member %s', async (_, members, more) => {
    const { asset, names } = await unpack(tarOf([...members]), more);
    expect(asset).toMatchObject({ name: 'DownloadError', code: 'archiveInvalid' });
    expect(names).toEqual([]);
  });

  it('that is cut off or changed is refused', async () => {
    const archive = tarOf(good);
    for (const broken of [
      archive.subarray(0, 1_100),
      archive.subarray(0, 1_536),
      Uint8Array.from(archive).fill(65, 0, 1),
    ]) {
      expect((await unpack(broken)).asset).toMatchObject({ code: 'archiveInvalid' });
    }
  });
});
