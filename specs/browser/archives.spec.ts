/** Archives as real tools make them, unpacked in a page's storage: what Node unpacks with node-tar and yauzl, a browser must read by itself. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startOrigin } from '../origin/origin.js';
import { seededBytes } from '../origin/seeded-bytes.js';
import { startChromium } from './chromium.js';
import { type DepotPage, openPage, startSite } from './depot-page.js';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Longer than the 100 characters that a plain header holds, so that each tool must use its own way. */
const LONG = `espeak-ng-data/${'a-rather-long-name/'.repeat(6)}f1`;
const FILES: Readonly<Record<string, Uint8Array>> = {
  'model.onnx': seededBytes(1, 300_000),
  'lang/Mr serious': new TextEncoder().encode('name Mr serious\n'.repeat(500)),
  'empty.txt': new Uint8Array(0),
  [LONG]: seededBytes(2, 1_000),
};

/** A zip file, made by hand: every other entry is stored, the rest deflated. */
function zipOf(files: Readonly<Record<string, Uint8Array>>, countError = 0): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [i, [name, bytes]] of Object.entries(files).entries()) {
    const packed = i % 2 === 0 ? deflateRawSync(bytes) : Buffer.from(bytes);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(i % 2 === 0 ? 8 : 0, 4);
    common.writeUInt32LE(crc32(bytes), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(bytes.length, 18);
    common.writeUInt16LE(Buffer.byteLength(name), 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, Buffer.from(name), packed]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    central.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x03'), common, tail, Buffer.from(name)]));
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(central.length + countError, 8);
  end.writeUInt16LE(central.length + countError, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end]);
}

function flipped(bytes: Uint8Array, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt8(copy.readUInt8(at) ^ 1, at);
  return copy;
}

async function tarOf(...options: readonly string[]): Promise<Buffer> {
  const dir = await mkdtemp(join(tmpdir(), 'lading-tar-'));
  try {
    for (const [name, bytes] of Object.entries(FILES)) {
      await mkdir(join(dir, 'top', name, '..'), { recursive: true });
      await writeFile(join(dir, 'top', name), bytes);
    }
    return execFileSync('tar', ['-C', dir, ...options, '-cf', '-', 'top'], { maxBuffer: 2 ** 26 });
  } finally {
    await rm(dir, { recursive: true });
  }
}

const inTop = Object.fromEntries(Object.entries(FILES).map(([name, bytes]) => [`top/${name}`, bytes]));
const GOOD: Readonly<Record<string, { readonly extractType: string; readonly bytes: Buffer }>> = {
  gnu: { extractType: 'tar', bytes: await tarOf('--format=gnu') },
  pax: { extractType: 'tar', bytes: await tarOf('--format=pax') },
  gzip: { extractType: 'tar.gz', bytes: await tarOf('-z') },
  bzip2: { extractType: 'tar.bz2', bytes: await tarOf('-j') },
  zip: { extractType: 'zip', bytes: zipOf(inTop) },
};
const bytesOf = (id: string): Buffer => GOOD[id]?.bytes ?? Buffer.alloc(0);
const BAD: typeof GOOD = {
  'gzip-cut': { extractType: 'tar.gz', bytes: bytesOf('gzip').subarray(0, -200) },
  'gzip-more': { extractType: 'tar.gz', bytes: Buffer.concat([bytesOf('gzip'), Buffer.from('more')]) },
  'bzip2-flipped': { extractType: 'tar.bz2', bytes: flipped(bytesOf('bzip2'), 100_000) },
  'zip-flipped': { extractType: 'zip', bytes: flipped(bytesOf('zip'), 500) },
  'zip-count': { extractType: 'zip', bytes: zipOf(inTop, -1) },
  'zip-cut': { extractType: 'zip', bytes: bytesOf('zip').subarray(0, -10) },
  'tar-of-gzip': { extractType: 'tar', bytes: bytesOf('gzip') },
};

const browser = await startChromium();
const site = await startSite();
const files = await startOrigin({ headers: { 'access-control-allow-origin': '*' } });
let tab: DepotPage;
beforeAll(async () => {
  const cores = Object.entries({ ...GOOD, ...BAD }).map(([id, { extractType, bytes }]) => ({
    id,
    url: files.put(`/${id}`, bytes),
    sizeBytes: bytes.length,
    sha256: sha256(bytes),
    extractType,
    stripComponents: 1,
  }));
  const catalog = JSON.stringify({ version: 3, cores, voices: [] });
  site.put('/catalog.json', new TextEncoder().encode(catalog), { contentType: 'application/json' });
  tab = await openPage(browser, `${site.url}/`);
  await tab.call('open', { retryBaseMs: 10 });
});
afterAll(async () => {
  await browser.close();
  await Promise.all([site.close(), files.close()]);
});

describe('an archive in a page', () => {
  it.each(Object.keys(GOOD))('is unpacked to what was packed: %s', async (id) => {
    expect((await tab.call('download', id)).paths).toHaveLength(Object.keys(FILES).length);
    for (const [file, bytes] of Object.entries(FILES))
      expect(await tab.call('digest', { id, file })).toMatchObject({ size: bytes.length, sha256: sha256(bytes) });
  });

  it.each(Object.keys(BAD))('that is not what its format says is refused, and nothing of it stays: %s', async (id) => {
    expect((await tab.failure('download', id)).code).toBe('archiveInvalid');
    expect((await tab.call('status', id)).fault?.detail).toBe('archiveCorrupt');
    expect((await tab.call('usage')).cores[id] ?? 0).toBe(0);
  });
});
