/** Manifests of a stranger on a real disk: whatever they call their cores and files, nothing outside the depot is ever touched. */
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve, sep } from 'node:path';
import { LIMITS, readManifest } from '@lading/core';
import { DiskStore } from '@lading/node';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { sha256Hex } from '../origin/seeded-bytes.js';

const bytes = new TextEncoder().encode('hello');

/** Pieces of ill will among ordinary ones, so that enough names are good to be written. */
const piece = fc.constantFrom(
  ...['a', 'b2', 'model', 'v1.0', 'en_US-x', 'x@y', 'k=v', 'Z+', 'data', 'file.bin', '/', '/', '/', '/'],
  ...[
    '.',
    '..',
    '../',
    '/..',
    '\\',
    '..\\',
    '//',
    '/./',
    '~',
    '~root',
    'C:',
    '\\\\?\\',
    '%2e%2e%2f',
    '\u2025',
    '\uff0e\uff0e',
  ],
  ...[
    '\0',
    '\n',
    '\u202e',
    '\ud800',
    ' ',
    '.',
    '::$DATA',
    'con',
    'NUL.txt',
    'com\u00b9',
    'conin$',
    '__proto__',
    'constructor',
  ],
  ...[
    '.git',
    '.removed-g1',
    '.quarantine-g1',
    '.import',
    'g1',
    'staging',
    'cores',
    'journal',
    'lease',
    'K',
    '\u212a',
    'x'.repeat(180),
  ],
);
const name = fc.oneof(
  fc.array(piece, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.constantFrom(
    '../../canary',
    '/tmp/x',
    '..',
    '.',
    '',
    'link/x',
    'a/../../b',
    'n'.repeat(201),
    Array(17).fill('a').join('/'),
  ),
);

let root: string;
let depot: string;

const tree = async (folder: string): Promise<readonly string[]> =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !path.startsWith(depot + sep))
    .sort();

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lading-names-'));
  depot = join(root, 'deep', 'depot');
  await mkdir(depot, { recursive: true });
  await writeFile(join(root, 'canary'), 'sings');
});

afterEach(() => rm(root, { recursive: true, force: true }));

it('whatever a manifest calls its cores and files, what is written lies below the depot', {
  timeout: 120_000,
}, async () => {
  const store = new DiskStore(depot);
  const before = await tree(root);
  let written = 0;
  let refused = 0;
  const one = async (id: string, filename: string) => {
    const file = { filename, url: 'https://stranger.example/x', sizeBytes: 5, sha256: sha256Hex(bytes) };
    const text = JSON.stringify({ version: 3, id: 'stranger', cores: [{ id, files: [file] }] });
    const reading = readManifest(text, { base: null, allowHttp: false });
    if (!reading.ok) {
      refused++;
      expect(reading.defects[0]?.path).toMatch(/^\$\.cores\[0\]/);
      return;
    }
    const [core] = reading.manifest.cores;
    const [spec] = core?.files ?? [];
    if (core === undefined || spec === undefined) throw new Error('a manifest with a core lost it');
    const place = resolve(store.locate(core.id, 'g1', spec.filename));
    expect(place.startsWith(join(depot, 'cores', core.id, 'g1') + sep)).toBe(true);
    const staged = await store.stage(core.id, spec.filename, { bytes: 0, sizeBytes: 5, algorithms: ['sha256'] });
    await staged.write(bytes);
    await staged.close();
    await store.publish(core.id, 'g1', [spec.filename]);
    expect((await store.inspect(core.id, 'g1', spec.filename))?.sizeBytes).toBe(5);
    await store.remove(core.id);
    written++;
  };
  await fc.assert(fc.asyncProperty(fc.oneof(fc.constant('core'), name), name, one), { numRuns: 400 });
  for (const filename of ['a/b/c.onnx', 'x@y+z=1', 'A.b-c_d']) await one('g1', filename);
  expect(written).toBeGreaterThan(10);
  expect(refused).toBeGreaterThan(150);
  expect(await tree(root)).toEqual(before);
  expect(await readFile(join(root, 'canary'), 'utf8')).toBe('sings');
  // And nothing is left of what was removed.
  expect(await store.residents()).toEqual([]);
});

it('nobody else may look into what is staged or installed, and nobody writes to what is installed', async () => {
  const store = new DiskStore(depot);
  const staged = await store.stage('core', 'a/model.onnx', { bytes: 0, sizeBytes: 5, algorithms: [] });
  await staged.close();
  const modeOf = async (...path: readonly string[]) => ((await stat(join(depot, ...path))).mode & 0o777).toString(8);
  expect(await modeOf('staging')).toBe('700');
  expect(await modeOf('staging', 'core', 'a')).toBe('700');
  expect(await modeOf('staging', 'core', 'a', 'model.onnx')).toBe('600');
  await store.publish('core', 'g1', ['a/model.onnx']);
  expect(await modeOf('cores', 'core', 'g1', 'a')).toBe('700');
  expect(await modeOf('cores', 'core', 'g1', 'a', 'model.onnx')).toBe('444');
});

it('a link that somebody laid where a file is to be staged is not written through', async () => {
  const store = new DiskStore(depot);
  await mkdir(join(depot, 'staging', 'core'), { recursive: true });
  await symlink(join(root, 'canary'), join(depot, 'staging', 'core', 'model.onnx'));
  const stage = store.stage('core', 'model.onnx', { bytes: 0, sizeBytes: 5, algorithms: ['sha256'] });
  await expect(stage).rejects.toMatchObject({ fault: { type: 'filePermissions', detail: 'ELOOP' } });
  expect(await readFile(join(root, 'canary'), 'utf8')).toBe('sings');
});

it.each([
  ['a size below nothing', { sizeBytes: -1 }],
  ['a size that is no whole number', { sizeBytes: 1.5 }],
  ['a size beyond any disk', { sizeBytes: LIMITS.fileBytes + 1 }],
  ['a size that JSON would round', { sizeBytes: '9007199254740993' }],
  ['a size that is infinite', { sizeBytes: '1e400' }],
  ['an empty digest', { sha256: '' }],
  ['a digest in capitals', { sha256: 'A'.repeat(64) }],
  ['a digest that is shorter', { sha256: 'a'.repeat(63) }],
  ['a digest of another algorithm', { sha256: 'a'.repeat(40) }],
])('%s is refused with its place', (_, wrong) => {
  const file = { filename: 'f', url: 'https://x.example/f', sizeBytes: 5, sha256: 'a'.repeat(64), ...wrong };
  // Numbers that no JSON text of ours would hold are written as they stand.
  const text = JSON.stringify({ version: 3, id: 'm', cores: [{ id: 'c', files: [file] }] }).replace(
    /"sizeBytes":"([^"]+)"/,
    '"sizeBytes":$1',
  );
  const reading = readManifest(text, { base: null, allowHttp: false });
  expect(reading.ok ? null : reading.defects[0]?.path).toBe(`$.cores[0].files[0].${Object.keys(wrong)[0]}`);
});

it.each([
  ...[
    'file',
    'data',
    'javascript',
    'blob',
    'about',
    'ftp',
    'ftps',
    'sftp',
    'ssh',
    'scp',
    'git',
    'svn',
    'ws',
    'wss',
    'gopher',
    'ldap',
    'ldaps',
  ],
  ...[
    'dict',
    'tftp',
    'smb',
    'nfs',
    'jar',
    'view-source',
    'chrome',
    'chrome-extension',
    'filesystem',
    'mailto',
    'tel',
    'urn',
    'magnet',
  ],
  ...['ipfs', 'unix', 'http+unix', 'node', 'npm', 's3', 'gs', 'httpss', 'x', 'res'],
])('an address of the scheme %s is refused, and causes no request', (scheme) => {
  for (const rest of ['//127.0.0.1/x', 'x', '///etc/passwd']) {
    const file = { filename: 'f', url: `${scheme}:${rest}`, sizeBytes: 5, sha256: 'a'.repeat(64) };
    const text = JSON.stringify({ version: 3, id: 'm', cores: [{ id: 'c', files: [file] }] });
    const reading = readManifest(text, { base: 'https://stranger.example/m.json', allowHttp: true });
    expect(reading.ok ? null : reading.defects[0]?.path).toBe('$.cores[0].files[0].url');
  }
});
