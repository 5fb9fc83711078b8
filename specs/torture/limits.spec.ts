/** The built command where the system gives it little: few descriptors, short files, a small disk, a folder that is not its own. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lackOfSmallDisks } from '../conformance/node-disk.js';
import { type Origin, startOrigin } from '../origin/origin.js';
import { seededBytes, sha256Hex } from '../origin/seeded-bytes.js';
import { finalFiles } from '../scenarios/world.js';

const main = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url));
const MIB = 1024 * 1024;

let root: string;
let origin: Origin;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lading-limits-'));
  origin = await startOrigin();
});
afterEach(async () => {
  await origin.close();
  await rm(root, { recursive: true, force: true });
});

/** Serves cores of so many files each, and a voice `v` that needs them all. */
function serve(cores: number, files: number, sizeBytes: number): void {
  const shelf = Array.from({ length: cores }, (_, c) => ({
    id: `c${c}`,
    type: 'engine_core',
    files: Array.from({ length: files }, (__, f) => {
      const bytes = seededBytes(100 * c + f, sizeBytes);
      return { filename: `f${f}`, url: origin.put(`/${c}/${f}`, bytes), sizeBytes, sha256: sha256Hex(bytes) };
    }),
  }));
  const voices = [{ id: 'v', coreRequirements: shelf.map(({ id }) => id) }];
  origin.put('/catalog.json', Buffer.from(JSON.stringify({ version: 3, id: 'limits', cores: shelf, voices })));
}

interface Told {
  readonly type: string;
  readonly code?: string;
  readonly message?: string;
  readonly neededBytes?: number;
  readonly freeBytes?: number;
}

/** `lading download v`, after what a shell does first; as another user if one is named. */
async function download(first = 'true', words: readonly string[] = [], uid?: number) {
  const all = ['download', 'v', '--json', '--dir', join(root, 'depot'), '--catalog', `${origin.url}/catalog.json`];
  const child = spawn('bash', ['-c', `${first}; exec "$@"`, 'bash', process.execPath, main, ...all, ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'], HOME: root, LADING_RETRY_BASE_MS: '10' },
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  let stdout = '';
  child.stdout.on('data', (bytes: Buffer) => {
    stdout += bytes.toString();
  });
  const [code] = (await once(child, 'close')) as [number | null];
  const records = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Told);
  return { code, faults: records.filter(({ type }) => type === 'failed' || type === 'error') };
}

const journal = (): Promise<string> => readFile(join(root, 'depot', 'journal', '000001.jsonl'), 'utf8');

/** What failed is told with a status and an event: nobody had to try again. */
const expectNoFault = async (): Promise<void> =>
  expect(await journal()).not.toMatch(/"type":"(RetryScheduled|CoreFailed)"/);

const full = await lackOfSmallDisks();
const isRoot = process.getuid?.() === 0;
if (full !== undefined) process.stderr.write(`skipped: small disks: ${full}\n`);
if (!isRoot) process.stderr.write('skipped: another user can be taken on by root only\n');

describe('with few descriptors', () => {
  it('fs errors: six cores of many files come with 40 descriptors (EMFILE), and nothing of it is told as a fault', async () => {
    serve(6, 20, 20_000);
    const { code, faults } = await download('ulimit -n 40', ['--concurrency', '6']);
    expect(faults).toEqual([]);
    expect(code).toBe(0);
    await expectNoFault();
    expect(await finalFiles(join(root, 'depot'))).toHaveLength(120);
  });
});

describe('with a limit on the length of files', () => {
  it('fs errors: EFBIG is no space, and what is there goes on without the limit', async () => {
    serve(1, 1, 3 * MIB);
    // In blocks of 1 KiB. The signal that comes with it would end the process before it learns of the error.
    const { code, faults } = await download('trap "" XFSZ; ulimit -f 1024');
    expect(faults).toMatchObject([{ code: 'noSpace' }]);
    expect(code).toBe(5);
    expect((await download()).code).toBe(0);
    expect(await finalFiles(join(root, 'depot'))).toHaveLength(1);
  });
});

describe.skipIf(full !== undefined)('on a disk of 2 MiB', () => {
  beforeEach(() => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', root]);
  });
  afterEach(() => {
    execFileSync('umount', [root]);
  });

  it('fs space: a download that fills it pauses, says what is needed and free, and goes on when there is room', async () => {
    // The plan believes that there is room; somebody else takes it meanwhile.
    serve(1, 3, 400_000);
    const filler = join(root, 'filler');
    await writeFile(filler, seededBytes(1, 1_100_000));
    const { code, faults } = await download();
    expect(code).toBe(5);
    expect(faults).toMatchObject([{ code: 'noSpace', message: expect.stringContaining('space') }]);
    expect(faults[0]?.neededBytes).toBeGreaterThan(0);
    expect(faults[0]?.freeBytes).toBeGreaterThanOrEqual(0);
    await rm(filler);
    expect((await download()).code).toBe(0);
    expect(await finalFiles(join(root, 'depot'))).toHaveLength(3);
  });

  it('fs 1.3: a disk that is full in the midst of a write is told, and no file is final that is short', async () => {
    serve(1, 1, 900_000);
    // Room for the plan's eye, not for the file: sparse, and filled up once the first bytes are there.
    await mkdir(join(root, 'depot'), { mode: 0o700 });
    await writeFile(join(root, 'filler'), seededBytes(1, 1_500_000));
    const { code, faults } = await download();
    expect([code, faults[0]?.code]).toEqual([5, 'noSpace']);
    expect(await finalFiles(join(root, 'depot'))).toEqual([]);
  });
});

describe.skipIf(!isRoot)('in a folder that is not its own', () => {
  const NOBODY = 65_534;

  it('fs errors: EACCES is told at the start, before any file is asked for, and nothing is written', async () => {
    serve(1, 1, 1_000);
    await mkdir(join(root, 'depot'), { mode: 0o755 });
    await chmod(root, 0o755);
    const { code, faults } = await download('true', [], NOBODY);
    expect([code, faults[0]?.code]).toEqual([1, 'filePermissions']);
    expect(origin.requests.filter(({ path }) => path !== '/catalog.json')).toEqual([]);
  });

  it('fs errors: who is not root installs as well, read-only files and all', async () => {
    serve(2, 2, 1_000);
    await chmod(root, 0o777);
    expect((await download('true', [], NOBODY)).code).toBe(0);
    const { code } = await download('true', [], NOBODY);
    expect(code).toBe(0);
    expect((await stat(join(root, 'depot', 'cores', 'c0', 'g1', 'f0'))).mode & 0o777).toBe(0o444);
  });
});

describe.skipIf(full !== undefined)('on a disk that is mounted read-only', () => {
  it('fs errors: EROFS is told at the start, before any file is asked for', async () => {
    serve(1, 1, 1_000);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro,size=1m', 'tmpfs', root]);
    try {
      const { code, faults } = await download();
      expect([code, faults[0]?.code]).toEqual([1, 'filePermissions']);
      expect(origin.requests.filter(({ path }) => path !== '/catalog.json')).toEqual([]);
    } finally {
      execFileSync('umount', [root]);
    }
  });
});
