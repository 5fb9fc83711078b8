/** `lading import` and `lading export` as scripts meet them: the built command, a catalog whose addresses nobody answers, real files. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { seededBytes, sha256Hex } from './origin/seeded-bytes.js';

const MAIN = fileURLToPath(new URL('../packages/cli/dist/main.js', import.meta.url));

interface JsonRecord {
  readonly type: string;
  readonly [key: string]: unknown;
}

let root: string;
const model = seededBytes(1, 700_000);
const tokens = seededBytes(2, 9_000);
const foreign = seededBytes(3, 9_000);

/** Nobody listens there: whatever asks the network fails at once. */
const fileOf = (filename: string, bytes: Uint8Array): object => ({
  filename,
  url: `http://127.0.0.1:9/${filename}`,
  sizeBytes: bytes.length,
  sha256: sha256Hex(bytes),
});

function lading(args: readonly string[], dir = 'depot'): { code: number | null; records: readonly JsonRecord[] } {
  const { status, stdout } = spawnSync(process.execPath, [MAIN, ...args, '--json'], {
    cwd: root,
    encoding: 'utf8',
    env: {
      PATH: process.env['PATH'],
      HOME: root,
      LADING_DIR: join(root, dir),
      LADING_CATALOG: join(root, 'catalog.json'),
      LADING_RETRY_BASE_MS: '1',
    },
  });
  const lines = stdout.split('\n').filter((line) => line !== '');
  return { code: status, records: lines.map((line) => JSON.parse(line) as JsonRecord) };
}

const ofType = ({ records }: ReturnType<typeof lading>, type: string) => records.filter((each) => each.type === type);

beforeAll(() => {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is not there: run the build first`);
});

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lading-import-'));
  await mkdir(join(root, 'stick', 'sub'), { recursive: true });
  await writeFile(join(root, 'stick', 'model.onnx'), model);
  await writeFile(join(root, 'stick', 'sub', 'tokens.txt'), tokens);
  await writeFile(join(root, 'stick', 'README'), 'how to use this stick');
  const catalog = {
    version: 3,
    id: 'test',
    cores: [
      { id: 'model', files: [fileOf('model.onnx', model)] },
      { id: 'tokens', files: [fileOf('tokens.txt', tokens)] },
    ],
    voices: [
      { id: 'aria', engineId: 'test', displayName: 'Aria', coreRequirements: ['model', 'tokens'] },
      { id: 'basil', engineId: 'test', displayName: 'Basil', coreRequirements: ['model'] },
    ],
  };
  await writeFile(join(root, 'catalog.json'), JSON.stringify(catalog));
});

afterEach(() => rm(root, { recursive: true, force: true }));

describe('lading import', () => {
  it('installs from a folder without any network, and passes over what is none of the files', async () => {
    const done = lading(['import', 'aria', 'stick']);
    expect(done.code).toBe(0);
    expect(ofType(done, 'imported')).toMatchObject([
      {
        ids: ['aria'],
        files: [{ core: 'model', proof: 'strong' }, { core: 'tokens' }],
        missing: [],
        passedOver: ['stick/README'],
      },
    ]);
    expect(ofType(done, 'ready').map(({ id }) => id)).toEqual(['aria']);
    expect(lading(['verify', 'aria']).code).toBe(0);
    // Again: nothing to do is no mistake.
    expect(lading(['import', 'aria', 'stick']).code).toBe(0);
  });

  it('takes a part and says what is missing; the next import brings the rest', () => {
    const part = lading(['import', 'aria', 'stick/model.onnx']);
    expect([part.code, ofType(part, 'ready').length]).toEqual([0, 0]);
    expect(ofType(part, 'imported')[0]?.['missing']).toEqual([
      { core: 'tokens', filename: 'tokens.txt', sizeBytes: 9_000 },
    ]);
    expect(ofType(lading(['plan', 'aria']), 'plan')[0]).toMatchObject({ bytesToFetch: 9_000 });
    const rest = lading(['import', 'aria', 'stick/sub/tokens.txt']);
    expect(ofType(rest, 'ready').map(({ id }) => id)).toEqual(['aria']);
  });

  it('takes over a download that cannot go on', () => {
    expect(lading(['download', 'aria']).code).toBe(6);
    const done = lading(['import', 'aria', 'stick']);
    expect([done.code, ofType(done, 'ready').length]).toEqual([0, 1]);
  });

  it('answers wrong bytes with 4, an unknown id with 3, a missing file with 2, and changes nothing', async () => {
    await writeFile(join(root, 'tokens.txt'), foreign);
    const wrong = lading(['import', 'aria', 'stick/model.onnx', 'tokens.txt']);
    expect(wrong.code).toBe(4);
    expect(ofType(wrong, 'error')).toMatchObject([{ code: 'checksumMismatch' }]);
    expect(String(ofType(wrong, 'error')[0]?.['message'])).toContain(
      `found 9000 bytes with sha256 ${sha256Hex(foreign)}`,
    );
    expect(lading(['import', 'dora', 'stick']).code).toBe(3);
    expect(lading(['import', 'aria', 'nowhere']).code).toBe(2);
    expect(lading(['import', 'stick/model.onnx']).code).toBe(2);
    expect(lading(['import']).code).toBe(2);
    expect(await readdir(join(root, 'depot', 'staging')).catch(() => [])).toEqual([]);
    expect(await readdir(join(root, 'depot', 'cores')).catch(() => [])).toEqual([]);
  });

  it('refuses a folder in which nothing fits, or a file of ours does not', async () => {
    await mkdir(join(root, 'empty'));
    expect(lading(['import', 'aria', 'empty']).code).toBe(4);
    await writeFile(join(root, 'stick', 'model.onnx'), foreign);
    expect(lading(['import', 'aria', 'stick']).code).toBe(4);
  });
});

describe('lading export', () => {
  it('writes an archive that another depot imports, and the same one again', async () => {
    expect(lading(['import', 'aria', 'stick']).code).toBe(0);
    const done = lading(['export', 'aria', '--out', 'aria.tar']);
    expect(ofType(done, 'exported')).toMatchObject([{ ids: ['aria'], cores: ['model', 'tokens'], leftOut: [] }]);
    const bytes = await readFile(join(root, 'aria.tar'));
    expect(ofType(done, 'exported')[0]).toMatchObject({ sizeBytes: bytes.length, sha256: sha256Hex(bytes) });
    const there = lading(['import', 'aria.tar'], 'elsewhere');
    expect(there.code).toBe(0);
    expect(ofType(there, 'ready').map(({ id }) => id)).toEqual(['aria']);
    expect(lading(['export', 'aria', '--out', 'again.tar'], 'elsewhere').code).toBe(0);
    expect(sha256Hex(await readFile(join(root, 'again.tar')))).toBe(sha256Hex(bytes));
    // What it holds beyond the id that was named comes too.
    const more = lading(['import', 'basil', 'aria.tar'], 'third');
    expect(ofType(more, 'imported')[0]?.['files']).toHaveLength(2);
  });

  it('never leaves half a file: damaged, cut and full are told, and nothing is written', async () => {
    expect(lading(['export', 'aria', '--out', 'x.tar']).code).toBe(1);
    expect(lading(['import', 'aria', 'stick']).code).toBe(0);
    expect(lading(['export', 'aria', '--out', 'nowhere/x.tar']).code).toBe(1);
    expect(lading(['export', 'dora', '--out', 'x.tar']).code).toBe(3);
    expect(lading(['export', 'aria']).code).toBe(2);
    expect(lading(['export', 'aria', '--out', 'x.tar']).code).toBe(0);
    const bytes = await readFile(join(root, 'x.tar'));
    await writeFile(join(root, 'cut.tar'), bytes.subarray(0, bytes.length - 600));
    const cut = lading(['import', 'cut.tar'], 'elsewhere');
    expect([cut.code, ofType(cut, 'error')[0]?.['code']]).toEqual([4, 'exportInvalid']);
    const path = String(ofType(lading(['path', 'aria', 'model.onnx']), 'path')[0]?.['path']);
    await rm(path);
    await writeFile(path, seededBytes(9, model.length));
    expect(lading(['export', 'aria', '--out', 'y.tar']).code).toBe(4);
    expect((await readdir(root)).filter((name) => /y\.tar|nowhere/.test(name))).toEqual([]);
  });
});
