/**
 * The whole way, with nothing of ours at either end: a real nginx serves Debian's espeak-ng data, the built command downloads it,
 * dies by SIGKILL half-way and goes on, and the real espeak-ng speaks with what was installed. In three shapes: single files, a
 * tar.gz and a tar.bz2.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { fileNameDefect } from '@lading/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Nginx, startNginx } from './nginx/nginx.js';
import { sha256Hex } from './origin/seeded-bytes.js';
import { filesBelow } from './scenarios/world.js';

const main = fileURLToPath(new URL('../packages/cli/dist/main.js', import.meta.url));
const run = promisify(execFile);
const sentence = 'The lading is on board, and every crate is accounted for.';
/** So slow that a half-way exists. */
const limitRate = '1M';

interface JsonRecord {
  readonly type: string;
  readonly id?: string;
  readonly bytesDone?: number;
  readonly paths?: readonly string[];
}

/** What of the programs that this needs is not there. */
async function missing(): Promise<readonly string[]> {
  const tests: readonly (readonly [string, readonly string[]])[] = [
    ['nginx', ['-v']],
    ['espeak-ng', ['--version']],
    ['dpkg', ['-L', 'espeak-ng-data']],
    ['tar', ['--version']],
    ['bzip2', ['--help']],
  ];
  const found = await Promise.all(
    tests.map(([name, words]) =>
      run(name, words).then(
        () => [],
        () => [name],
      ),
    ),
  );
  return found.flat();
}

const absent = await missing();
const isSkipped = absent.length > 0 && process.env['CI'] !== 'true';
if (isSkipped) {
  process.stderr.write(
    `espeak.spec.ts is skipped, for want of ${absent.join(', ')}: apt-get install nginx espeak-ng espeak-ng-data bzip2\n`,
  );
}

/** Where Debian keeps the data: the folder of the package that holds the phoneme table. */
async function dataFolder(): Promise<string> {
  const { stdout } = await run('dpkg', ['-L', 'espeak-ng-data']);
  const table = stdout.split('\n').find((path) => path.endsWith('/espeak-ng-data/phontab'));
  if (table === undefined) throw new Error('the package espeak-ng-data holds no phontab');
  return dirname(table);
}

/** Speaks into a WAV and gives its bytes; rejects if espeak-ng fails. */
async function speak(dir: string, path: string | null): Promise<Buffer> {
  const wav = join(dir, 'spoken.wav');
  await rm(wav, { force: true });
  // Without the variables by which espeak-ng could find other data.
  const env = { PATH: process.env['PATH'] };
  await run('espeak-ng', [...(path === null ? [] : [`--path=${path}`]), '-v', 'en-us', '-w', wav, sentence], { env });
  return await readFile(wav);
}

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly records: readonly JsonRecord[];
  readonly stderr: string;
}

/** Runs the command; kills it as soon as a record says that half-way is reached. */
async function lading(words: readonly string[], isHalfway?: (record: JsonRecord) => boolean): Promise<Ended> {
  const env = { PATH: process.env['PATH'], HOME: tmpdir(), LADING_RETRY_BASE_MS: '50' };
  const child = spawn(process.execPath, [main, ...words, '--json'], { stdio: ['ignore', 'pipe', 'pipe'], env });
  const closed = once(child, 'close');
  let stderr = '';
  child.stderr.on('data', (bytes: Buffer) => {
    stderr += bytes.toString();
  });
  const records: JsonRecord[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const record = JSON.parse(line) as JsonRecord;
    records.push(record);
    if (isHalfway?.(record) === true) child.kill('SIGKILL');
  }
  const [code, signal] = (await closed) as [number | null, string | null];
  return { code, signal, records, stderr };
}

/** The test is failed, not skipped, where the programs must be there. */
describe.skipIf(isSkipped)('the data of espeak-ng, downloaded from a real nginx', () => {
  let root = '';
  let nginx: Nginx;
  let folder = '';
  let expected: Buffer;

  beforeAll(async () => {
    expect(absent, 'programs that CI must have').toEqual([]);
    root = await mkdtemp(join(tmpdir(), 'lading-espeak-'));
    folder = await dataFolder();
    await mkdir(join(root, 'www'), { recursive: true });
    await cp(folder, join(root, 'www', 'espeak-ng-data'), { recursive: true, dereference: true });
    for (const [flag, type] of [
      ['z', 'tar.gz'],
      ['j', 'tar.bz2'],
    ]) {
      await run('tar', [
        `-c${flag}f`,
        join(root, 'www', `espeak-ng-data.${type}`),
        '-C',
        join(root, 'www'),
        'espeak-ng-data',
      ]);
    }
    nginx = await startNginx(join(root, 'nginx'), join(root, 'www'));
    expected = await speak(root, null);
  }, 120_000);

  afterAll(async () => {
    await nginx?.[Symbol.asyncDispose]();
    if (root !== '') await rm(root, { recursive: true, force: true });
  });

  it('cannot speak without data: espeak-ng has no other to fall back on', async () => {
    const empty = join(root, 'empty');
    await mkdir(empty);
    await expect(speak(root, empty)).rejects.toMatchObject({ code: expect.any(Number) });
    expect(expected.length).toBeGreaterThan(50_000);
  });

  async function archiveCore(type: string): Promise<{ core: object; bytes: number }> {
    const bytes = await readFile(join(root, 'www', `espeak-ng-data.${type}`));
    const names = await filesBelow(folder);
    const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
    const unpackedBytes = sizes.reduce((sum, size) => sum + size, 0);
    const url = `${nginx.url}/espeak-ng-data.${type}`;
    const core = { url, sizeBytes: bytes.length, sha256: sha256Hex(bytes), extractType: type, unpackedBytes };
    return { core, bytes: bytes.length };
  }

  /** All but what the grammar of manifests refuses: `!` is allowed inside archives only, and no language needs the variants there. */
  async function fileCore(): Promise<{ core: object; bytes: number; left: readonly string[] }> {
    const names = (await filesBelow(folder)).map((name) => `espeak-ng-data/${name}`);
    const left = names.filter((name) => fileNameDefect(name) !== null);
    const files = await Promise.all(
      names
        .filter((name) => !left.includes(name))
        .map(async (filename) => {
          const bytes = await readFile(join(root, 'www', filename));
          return { filename, url: `${nginx.url}/${filename}`, sizeBytes: bytes.length, sha256: sha256Hex(bytes) };
        }),
    );
    return { core: { files }, bytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0), left };
  }

  /** Downloads it, dies half-way, goes on; gives the folder that holds `espeak-ng-data`, and what was asked of nginx. */
  async function bring(name: string, core: object, bytes: number) {
    const catalog = join(root, `${name}.json`);
    const dir = join(root, `depot-${name}`);
    const whole = {
      id: 'espeak_ng',
      type: 'engine_dependency',
      engineType: 'espeak-ng',
      license: 'GPL-3.0-or-later',
      ...core,
    };
    await writeFile(catalog, JSON.stringify({ version: 3, id: name, revision: 1, cores: [whole] }));
    const words = ['download', 'espeak_ng', '--dir', dir, '--catalog', catalog];
    const before = (await nginx.served()).length;

    // Half of the bytes are there, and of some the journal says that they are durable.
    const journal = join(dir, 'journal', '000001.jsonl');
    const isHalfway = ({ bytesDone = 0 }: JsonRecord) =>
      bytesDone >= bytes / 2 && readFileSync(journal, 'utf8').includes('"CoreCheckpointed"');
    const killed = await lading([...words, '--limit-rate', limitRate], isHalfway);
    expect(killed.signal, `it was under way: ${killed.stderr}`).toBe('SIGKILL');
    expect(killed.records.map(({ type }) => type)).not.toContain('ready');
    expect(await filesBelow(join(dir, 'cores')), 'nothing is final half-way').toEqual([]);

    const done = await lading(words);
    expect(done.code, done.stderr).toBe(0);
    expect(done.records.at(-1)?.type).toBe('result');
    const ready = done.records.find(({ type, id }) => type === 'ready' && id === 'espeak_ng');
    const table = ready?.paths?.find((path) => path.endsWith('/espeak-ng-data/phontab'));
    if (table === undefined) throw new Error(`no phontab among the paths that are ready: ${JSON.stringify(ready)}`);
    expect(table.startsWith(dir)).toBe(true);
    const served = (await nginx.served()).slice(before);
    return { installed: dirname(dirname(table)), served, paths: ready?.paths ?? [] };
  }

  async function expectToSpeak(installed: string): Promise<void> {
    const wav = await speak(root, installed);
    expect(wav.length, 'bytes of the WAV').toBe(expected.length);
    // Moved away from the depot it still speaks, so it needs nothing that lies beside it.
    const alone = join(root, `alone-${basename(dirname(dirname(dirname(installed))))}`);
    await cp(installed, alone, { recursive: true });
    expect((await speak(root, alone)).length).toBe(expected.length);
  }

  it.each(['tar.gz', 'tar.bz2'])('as one %s, speaks as long as the system does', { timeout: 120_000 }, async (type) => {
    const { core, bytes } = await archiveCore(type);
    const { installed, served, paths } = await bring(type, core, bytes);
    expect(paths).toHaveLength((await filesBelow(folder)).length);
    for (const name of ['phondata', 'en_dict', 'voices/!v/f1']) {
      expect(await readFile(join(installed, 'espeak-ng-data', name))).toEqual(await readFile(join(folder, name)));
    }
    await expectToSpeak(installed);
    const [, again] = served;
    expect(served.map(({ status }) => status)).toEqual([200, 206]);
    expect(Number(/^bytes=(\d+)-$/.exec(again?.range ?? '')?.[1]), 'it went on behind the beginning').toBeGreaterThan(
      0,
    );
  });

  it('as single files, speaks as long as the system does', { timeout: 120_000 }, async () => {
    const { core, bytes, left } = await fileCore();
    expect(
      left.filter((name) => !name.startsWith('espeak-ng-data/voices/!v/')),
      'only variants are left out',
    ).toEqual([]);
    const { installed, served, paths } = await bring('files', core, bytes);
    expect(paths).toHaveLength((await filesBelow(folder)).length - left.length);
    await expectToSpeak(installed);
    const asked = new Map<string, number>();
    for (const { path } of served) asked.set(path, (asked.get(path) ?? 0) + 1);
    expect(asked.size, 'every file was asked for').toBe(paths.length);
    // What was whole and noted before the kill is not asked for again.
    const twice = [...asked.values()].filter((count) => count > 1).length;
    expect(twice, 'files that were asked for twice').toBeLessThan(paths.length / 2);
  });
});
