/**
 * The command as people and scripts meet it: the built bundle in a process of its own, against an origin on loopback. Waits for records, for
 * requests and for gates; never for time.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { dropAfter, first, flipByteAt, holdAfter, nth, stallAfter, status } from './origin/behaviour.js';
import { closedGate } from './origin/gate.js';
import { type Origin, startOrigin } from './origin/origin.js';
import { seededBytes, sha256Hex } from './origin/seeded-bytes.js';

const MAIN = fileURLToPath(new URL('../packages/cli/dist/main.js', import.meta.url));
const FILE_BYTES = 600_000;
const ESCAPE = '\u001b';

interface JsonRecord {
  readonly type: string;
  readonly [key: string]: unknown;
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly records: readonly JsonRecord[];
}

interface Run {
  readonly child: ChildProcess;
  /** Resolves with the first record that fits, as soon as it is written. */
  record(fits: (record: JsonRecord) => boolean): Promise<JsonRecord>;
  readonly ended: Promise<Ended>;
}

let root: string;
let origin: Origin;

const model = seededBytes(1, FILE_BYTES);
const voices = seededBytes(2, 20_000);
const own = seededBytes(3, 10_000);

const environment = (more: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'],
  HOME: root,
  LADING_DIR: join(root, 'depot'),
  LADING_CATALOG: join(root, 'catalog.json'),
  LADING_RETRY_BASE_MS: '5',
  LADING_STALL_TIMEOUT_MS: '5000',
  ...more,
});

function start(args: readonly string[], env: NodeJS.ProcessEnv = {}): Run {
  const child = spawn(process.execPath, [MAIN, ...args], { env: environment(env), stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  const records: JsonRecord[] = [];
  const waiting = new Set<() => void>();
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const isJson = args.includes('--json');
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => {
    lines.push(line);
    // With --json every line must be a record: a line that is none fails the test here.
    if (isJson) records.push(JSON.parse(line) as JsonRecord);
    for (const look of [...waiting]) look();
  });
  const ended = Promise.all([once(child, 'close'), once(reader, 'close')]).then(
    ([[code]]): Ended => ({ code: code as number | null, stdout: lines.join('\n'), stderr, records }),
  );
  return {
    child,
    ended,
    record: (fits) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = records.find(fits);
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
        void ended.then(() => reject(new Error(`no such record in:\n${lines.join('\n')}\n${stderr}`)));
      }),
  };
}

const lading = (args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> => start(args, env).ended;
const json = (...args: string[]): Promise<Ended> => lading([...args, '--json']);
const ofType = ({ records }: Ended, type: string): readonly JsonRecord[] =>
  records.filter((record) => record.type === type);
const last = ({ records }: Ended): JsonRecord | undefined => records.at(-1);

function fileOf(path: string, bytes: Uint8Array): object {
  return { filename: path.slice(1), url: origin.put(path, bytes), sizeBytes: bytes.length, sha256: sha256Hex(bytes) };
}

const coreOf = (id: string, ...files: readonly object[]): object => ({
  id,
  type: 'engine_core',
  engineType: 'test',
  displayName: id,
  files,
});
const voiceOf = (id: string, ...coreRequirements: readonly string[]): object => ({
  id,
  kind: 'voice',
  engineId: 'test',
  displayName: `${ESCAPE}]0;evil\u0007Voice ${id}`,
  language: 'en-US',
  coreRequirements,
});

beforeAll(() => {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is not there: run the build first`);
});

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lading-cli-'));
  origin = await startOrigin();
  const catalog = {
    version: 3,
    id: 'test',
    revision: 1,
    cores: [
      coreOf('model', fileOf('/model.onnx', model)),
      coreOf('tables', fileOf('/tables.bin', voices)),
      coreOf('own', fileOf('/own.onnx', own)),
    ],
    voices: [voiceOf('aria', 'model', 'tables'), voiceOf('basil', 'model', 'tables'), voiceOf('cleo', 'own')],
    bundles: [{ id: 'all', requires: ['aria', 'basil', 'cleo'] }],
  };
  await writeFile(join(root, 'catalog.json'), JSON.stringify(catalog));
});

afterEach(async () => {
  await origin.close();
  await rm(root, { recursive: true, force: true });
});

describe('download', () => {
  it('tells the plan first, each change of phase, the last progress, where the files are, and the result last', async () => {
    const ended = await json('download', 'aria');
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.records[0]).toMatchObject({
      type: 'plan',
      id: 'aria',
      bytesTotal: FILE_BYTES + 20_000,
      bytesToFetch: FILE_BYTES + 20_000,
      cores: [{ id: 'model', files: [{ state: 'missing' }] }, { id: 'tables' }],
    });
    const phasesOf = (id: string) =>
      ofType(ended, 'status').flatMap((each) => (each['id'] === id ? [each['phase']] : []));
    expect(phasesOf('model').slice(-4)).toEqual(['downloading', 'verifying', 'installing', 'ready']);
    expect(phasesOf('aria').at(-1)).toBe('ready');
    expect(ofType(ended, 'progress').at(-1)).toMatchObject({
      id: 'aria',
      bytesDone: FILE_BYTES + 20_000,
      phase: 'ready',
    });
    const [ready] = ofType(ended, 'ready');
    expect(ready).toMatchObject({ id: 'aria', warnings: [] });
    const paths = ready?.['paths'] as string[];
    expect(sha256Hex(await readFile(paths[0] ?? ''))).toBe(sha256Hex(model));
    expect(ended.records.slice(-2).map(({ type }) => type)).toEqual(['ready', 'result']);
    expect(last(ended)).toMatchObject({ ok: true, exitCode: 0, ready: 1, failed: 0 });
  });

  it('fetches nothing twice, for a second voice of the same cores neither', async () => {
    await json('download', 'aria');
    const asked = origin.requests.length;
    const ended = await json('pull', 'basil', 'aria');
    expect(ended.code).toBe(0);
    expect(ended.records[0]).toMatchObject({
      type: 'plan',
      ids: ['basil', 'aria'],
      bytesToFetch: 0,
      sharingSavesBytes: FILE_BYTES + 20_000,
    });
    expect(origin.requests.length).toBe(asked);
  });

  it('says why it waits when a connection breaks, and goes on from there', async () => {
    origin.script('/model.onnx', nth(1, dropAfter(300_000)));
    const ended = await json('download', 'aria');
    expect(ended.code).toBe(0);
    const waits = ofType(ended, 'status').filter(({ phase }) => phase === 'backingOff');
    expect(waits[0]).toMatchObject({
      id: 'model',
      kind: 'core',
      reason: 'interrupted',
      fault: { type: 'interrupted' },
    });
    expect(origin.requestsOf('/model.onnx')[1]?.range).toMatch(/^bytes=[1-9]/);
  });

  it('is plain lines in a pipe: no escape code, results on stdout, the rest on stderr', async () => {
    origin.script('/model.onnx', nth(1, dropAfter(300_000)));
    const ended = await lading(['download', 'aria']);
    expect(ended.code).toBe(0);
    expect(ended.stdout + ended.stderr).not.toContain(ESCAPE);
    expect(ended.stderr).toContain('model: retrying');
    expect(ended.stdout).toContain('ready aria');
    expect(ended.stdout).not.toContain('downloading');
    const quiet = await lading(['download', 'aria', '--quiet']);
    expect(quiet).toMatchObject({ code: 0, stderr: '' });
    expect(quiet.stdout).toContain('ready aria');
  });

  it('ends with 4 for wrong bytes of the right size', async () => {
    origin.script('/model.onnx', first(99, flipByteAt(77)));
    const ended = await json('download', 'aria');
    expect(ended.code).toBe(4);
    expect(ofType(ended, 'failed')[0]).toMatchObject({ id: 'aria', code: 'checksumMismatch' });
    expect(last(ended)).toMatchObject({ type: 'result', ok: false, exitCode: 4 });
    expect(await readdir(join(root, 'depot/cores/model')).catch(() => [])).toEqual([]);
  });

  it('ends with 6 where nobody listens, and for a file that is gone', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    server.close();
    await once(server, 'close');
    const text = await readFile(join(root, 'catalog.json'), 'utf8');
    await writeFile(join(root, 'dead.json'), text.replaceAll(origin.url, `http://127.0.0.1:${port}`));
    const dead = await json('download', 'cleo', '--catalog', join(root, 'dead.json'));
    expect(dead.code).toBe(6);
    expect(ofType(dead, 'failed')[0]).toMatchObject({ code: 'networkUnreachable' });

    origin.script('/own.onnx', status(404));
    const gone = await lading(['download', 'cleo', '--json'], { LADING_DIR: join(root, 'other') });
    expect(gone.code).toBe(6);
    expect(ofType(gone, 'failed')[0]).toMatchObject({ id: 'cleo', code: 'notFound' });
  });

  it('ends with the code of the first that failed, and brings the others', async () => {
    origin.script('/own.onnx', status(404));
    const ended = await json('download', 'cleo', 'aria');
    expect(ended.code).toBe(6);
    expect(ofType(ended, 'ready').map(({ id }) => id)).toEqual(['aria']);
    expect(last(ended)).toMatchObject({ ready: 1, failed: 1 });
  });

  it('ends with 5 and what is needed and free, for what no disk can hold', async () => {
    const huge = { filename: 'huge.bin', url: `${origin.url}/huge.bin`, sizeBytes: 2 ** 40, sha256: '0'.repeat(64) };
    const catalog = {
      version: 3,
      id: 'huge',
      revision: 1,
      cores: [coreOf('huge_core', huge)],
      voices: [voiceOf('huge', 'huge_core')],
    };
    await writeFile(join(root, 'huge.json'), JSON.stringify(catalog));
    const ended = await json('download', 'huge', '--catalog', join(root, 'huge.json'));
    expect(ended.code).toBe(5);
    expect(ofType(ended, 'failed')[0]).toMatchObject({
      code: 'noSpace',
      neededBytes: 2 ** 40,
      freeBytes: expect.any(Number) as number,
    });
    expect(origin.requests).toHaveLength(0);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    'stopped by %s keeps what it has, ends with %i, and the next run goes on from there',
    async (signal, code) => {
      const gate = closedGate();
      origin.script('/model.onnx', nth(1, holdAfter(400_000, gate)));
      const run = start(['download', 'aria', '--json']);
      await run.record(({ type, bytesDone }) => type === 'progress' && Number(bytesDone) > 300_000);
      run.child.kill(signal);
      const ended = await run.ended;
      expect(ended.code).toBe(code);
      expect(last(ended)).toMatchObject({ type: 'result', ok: false, exitCode: code, signal });
      expect(Number(last(ended)?.['bytesKept'])).toBeGreaterThan(300_000);
      expect(existsSync(join(root, 'depot/lease'))).toBe(false);
      gate.open();
      expect((await json('status', 'aria')).records[0]).toMatchObject({ phase: 'waiting' });
      expect((await json('download', 'aria')).code).toBe(0);
      expect(Number(/\d+/.exec(origin.requestsOf('/model.onnx')[1]?.range ?? '')?.[0])).toBeGreaterThan(300_000);
    },
  );

  it('tells a second process who owns the depot, with 7, while readers still read', async () => {
    const gate = closedGate();
    origin.script('/model.onnx', nth(1, holdAfter(1, gate)));
    const run = start(['download', 'aria', '--json']);
    await gate.reached;
    const second = await json('download', 'cleo');
    expect(second.code).toBe(7);
    expect(second.records[0]).toMatchObject({ type: 'error', code: 'leaseHeld', owner: { pid: run.child.pid } });
    expect((await json('status', 'aria')).records[0]).toMatchObject({ type: 'status', id: 'aria', phase: 'waiting' });
    gate.open();
    expect((await run.ended).code).toBe(0);
  });

  it('waits for the other process if it is told to, says for whom, and then does its work', async () => {
    const gate = closedGate();
    origin.script('/model.onnx', nth(1, holdAfter(1, gate)));
    const run = start(['download', 'aria', '--json']);
    await gate.reached;
    const second = start(['download', 'cleo', '--json', '--wait']);
    await second.record(({ type }) => type === 'waiting');
    gate.open();
    expect((await run.ended).code).toBe(0);
    const ended = await second.ended;
    expect(ended.code).toBe(0);
    expect(ofType(ended, 'waiting')).toEqual([
      expect.objectContaining({ code: 'leaseHeld', owner: expect.objectContaining({ pid: run.child.pid }) }),
    ]);
    expect(ofType(ended, 'ready')[0]).toMatchObject({ id: 'cleo' });
  });

  it('is stalled after so long without a byte, as the environment says', async () => {
    origin.script('/own.onnx', first(99, stallAfter(10)));
    const ended = await lading(['download', 'cleo', '--json'], { LADING_STALL_TIMEOUT_MS: '60' });
    expect(ended.code).toBe(6);
    expect(ofType(ended, 'failed')[0]).toMatchObject({ code: 'stalled' });
  });

  it('cannot write below a file, and says so', async () => {
    const ended = await lading(['download', 'cleo', '--json'], { LADING_DIR: join(root, 'catalog.json/depot') });
    expect(ended.code).toBe(1);
    expect(ended.records[0]).toMatchObject({ type: 'error', code: 'filePermissions' });
    expect(origin.requests).toHaveLength(0);
  });

  it('never shows a secret, nor writes it anywhere', async () => {
    origin.script('/own.onnx', status(403));
    const headers = JSON.stringify({ [`${origin.url}/x`]: { 'x-key': 'canary-one' } });
    const ended = await lading(['download', 'cleo', '--json'], {
      LADING_HEADERS: headers,
      HF_TOKEN: 'canary-two',
      HF_ENDPOINT: origin.url,
    });
    expect(ended.code).toBe(6);
    expect(origin.requests[0]?.headers).toMatchObject({ 'x-key': 'canary-one', authorization: 'Bearer canary-two' });
    const log = await json('log');
    expect(ended.stdout + ended.stderr + log.stdout).not.toContain('canary');
  });
});

describe('ids', () => {
  it('that are unknown end with 3 before any request, with the nearest names, and nothing is started', async () => {
    const ended = await json('download', 'cleo', 'arai');
    expect(ended.code).toBe(3);
    expect(ended.records.map(({ type }) => type)).toEqual(['error', 'result']);
    expect(ended.records[0]).toMatchObject({
      code: 'unknownId',
      ids: ['aria'],
      remedy: expect.stringContaining('aria') as string,
    });
    expect(origin.requests).toHaveLength(0);
    expect(existsSync(join(root, 'depot'))).toBe(false);
    for (const command of ['plan', 'status', 'path', 'delete', 'cancel', 'verify'])
      expect((await json(command, 'nobody')).code).toBe(3);
  });

  it('may be bundles and cores', async () => {
    expect((await json('download', 'own')).code).toBe(0);
    const ended = await json('download', 'all');
    expect(ended.code).toBe(0);
    expect(ofType(ended, 'ready')[0]?.['paths']).toHaveLength(3);
    expect((await lading(['path', 'all'])).stdout.split('\n')).toHaveLength(3);
  });
});

describe('usage mistakes', () => {
  it.each([
    [['downlaod', 'x'], 'download'],
    [['list', '--jsno'], '--json'],
    [['download'], "'id'"],
    [['list', '--concurrency', 'x'], '--concurrency'],
    [['list', '--limit-rate', 'x'], '--limit-rate'],
    [['catalog', 'import', 'nobody', 'x', '--out', 'y'], 'piper'],
  ])('%j end with 2 and say %s', async (args, hint) => {
    const plain = await lading(args);
    expect(plain).toMatchObject({ code: 2, stdout: '' });
    expect(plain.stderr).toContain(hint);
    const record = await lading([...args, '--json']);
    expect(record).toMatchObject({ code: 2, stderr: '' });
    expect(record.records.map(({ type }) => type)).toEqual(['error', 'result']);
    expect(record.records[0]).toMatchObject({ code: 'usage' });
  });

  it('in the environment end with 2 and name the variable', async () => {
    for (const name of ['LADING_STALL_TIMEOUT_MS', 'LADING_RETRY_BASE_MS', 'LADING_HEADERS']) {
      const ended = await lading(['list'], { [name]: 'canary' });
      expect(ended.code).toBe(2);
      expect(ended.stderr).toContain(name);
    }
  });

  it('are none: help and version, which with --json leave stdout to records', async () => {
    expect((await lading(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+$/);
    expect((await lading(['help', 'plan'])).stdout).toContain('$ lading plan kokoro_af_heart');
    expect((await json('plan', '--help')).records).toEqual([{ type: 'result', ok: true, exitCode: 0 }]);
  });
});

describe('readers', () => {
  it('list one status for each voice and core, and show no escape of a display name', async () => {
    const records = await json('list');
    expect(ofType(records, 'status').map(({ id, kind }) => `${String(id)} ${String(kind)}`)).toEqual([
      ...['aria', 'basil', 'cleo'].map((id) => `${id} voice`),
      ...['model', 'tables', 'own'].map((id) => `${id} core`),
    ]);
    const text = await lading(['list']);
    expect(text.stdout).toMatch(/aria {3}Voice aria {3}en-US {3}620 kB {2}not here/);
    expect(text.stdout).not.toContain(ESCAPE);
  });

  it('plan what is cached and what is missing', async () => {
    await json('download', 'cleo');
    const { records } = await json('plan', 'cleo', 'aria');
    expect(records[0]).toMatchObject({
      bytesToFetch: 620_000,
      neededBytes: 620_000,
      freeBytes: expect.any(Number) as number,
    });
    const cores = records[0]?.['cores'] as { id: string; files: { state: string }[] }[];
    expect(cores.map(({ id, files }) => [id, files[0]?.state])).toEqual([
      ['own', 'cached'],
      ['model', 'missing'],
      ['tables', 'missing'],
    ]);
  });

  it('tell the status of a voice and its cores, and of all that is here', async () => {
    await json('download', 'aria');
    expect(ofType(await json('status', 'aria'), 'status').map(({ id, phase }) => [id, phase])).toEqual([
      ['aria', 'ready'],
      ['model', 'ready'],
      ['tables', 'ready'],
    ]);
    expect(ofType(await json('status'), 'status').map(({ id }) => id)).toEqual(
      expect.arrayContaining(['aria', 'model', 'tables']),
    );
    expect(ofType(await json('status'), 'status')).toHaveLength(3);
    expect((await json('status', 'cleo')).records[0]).toMatchObject({ id: 'cleo', phase: 'absent' });
  });

  it('give paths of what is ready, and say what to do about the rest', async () => {
    const absent = await json('path', 'aria');
    expect(absent.code).toBe(1);
    expect(absent.records[0]).toMatchObject({
      code: 'notReady',
      remedy: expect.stringContaining('lading download aria') as string,
    });
    await json('download', 'aria');
    const { stdout } = await lading(['path', 'aria', 'model.onnx']);
    expect(sha256Hex(await readFile(stdout))).toBe(sha256Hex(model));
    expect((await json('path', 'basil')).code).toBe(1);
  });

  it('account for the disk', async () => {
    await json('download', 'aria');
    expect((await json('usage')).records[0]).toMatchObject({
      type: 'usage',
      cores: { model: FILE_BYTES, tables: 20_000 },
    });
  });
});

describe('delete and cancel', () => {
  it('delete frees what nobody else needs, and a core in use only by force', async () => {
    await json('download', 'aria', 'basil');
    expect((await json('rm', 'aria')).records[0]).toEqual({ type: 'deleted', id: 'aria', freedBytes: 0 });
    const refused = await json('delete', 'model');
    expect(refused.code).toBe(1);
    expect(refused.records[0]).toMatchObject({ type: 'error', code: 'inUse', ids: ['basil'] });
    expect((await json('delete', 'model', '--force')).records[0]).toEqual({
      type: 'deleted',
      id: 'model',
      freedBytes: FILE_BYTES,
    });
    expect((await json('status', 'basil')).records[0]).toMatchObject({ phase: 'unavailable', reason: 'coreLost' });
    expect((await json('delete', 'basil')).records[0]).toEqual({ type: 'deleted', id: 'basil', freedBytes: 20_000 });
    expect((await json('delete', 'basil')).records[0]).toMatchObject({ type: 'error', code: 'notInstalled' });
  });

  it('cancel takes away what a stopped download left', async () => {
    const gate = closedGate();
    origin.script('/model.onnx', nth(1, holdAfter(400_000, gate)));
    const run = start(['download', 'aria', '--json']);
    await run.record(({ type, bytesDone }) => type === 'progress' && Number(bytesDone) > 300_000);
    run.child.kill('SIGINT');
    await run.ended;
    gate.open();
    const ended = await json('cancel', 'aria');
    expect(ended.code).toBe(0);
    expect(ended.records[0]).toMatchObject({ type: 'cancelled', id: 'aria' });
    expect(ofType(await json('status'), 'status')).toEqual([]);
    expect(origin.requestsOf('/model.onnx')).toHaveLength(1);
  });
});

describe('verify', () => {
  it('finds damage with 4 and both digests, and repairs it file by file', async () => {
    await json('download', 'aria');
    const { stdout: path } = await lading(['path', 'aria', 'model.onnx']);
    await chmod(path, 0o644);
    await writeFile(path, own);
    const found = await json('verify', 'aria');
    expect(found.code).toBe(4);
    expect(ofType(found, 'verified').find(({ core }) => core === 'model')).toMatchObject({
      damaged: [{ filename: 'model.onnx', expected: sha256Hex(model), found: sha256Hex(own) }],
    });
    expect(last(found)).toMatchObject({ ok: false, exitCode: 4, damaged: 1 });
    const repaired = await json('verify', '--repair');
    expect(repaired.code).toBe(0);
    expect(origin.requestsOf('/tables.bin')).toHaveLength(1);
    expect((await json('verify')).code).toBe(0);
    expect((await json('clean')).records[0]).toMatchObject({ type: 'cleaned' });
  });
});

describe('a core whose folder is gone', () => {
  it('is damage as well, told and repaired', async () => {
    await json('download', 'aria');
    await rm(join(root, 'depot/cores/tables'), { recursive: true });
    const found = await json('verify', 'aria');
    expect(found.code).toBe(4);
    expect(ofType(found, 'verified').find(({ core }) => core === 'tables')).toMatchObject({
      damaged: [{ found: null }],
    });
    expect((await json('download', 'aria')).code).toBe(0);
    await rm(join(root, 'depot/cores/model'), { recursive: true });
    const repaired = await json('verify', '--repair');
    expect(repaired.code).toBe(0);
    expect(ofType(repaired, 'verified').map(({ core, isRepaired }) => [core, isRepaired])).toEqual([
      ['model', true],
      ['tables', false],
    ]);
    expect((await json('verify')).code).toBe(0);
  });
});

describe('history', () => {
  it('is told in words, exported without the home folder, and replays; a changed one does not', async () => {
    await json('download', 'aria');
    const log = await lading(['log']);
    expect(log.stdout).toContain('aria is ready');
    expect(ofType(await json('log'), 'event').map(({ position }) => position)).toEqual(
      Array.from({ length: log.stdout.split('\n').length }, (_, i) => i + 1),
    );
    const file = join(root, 'history.jsonl');
    expect((await json('log', '--export', file)).code).toBe(0);
    const text = await readFile(file, 'utf8');
    expect(JSON.parse(text.split('\n')[0] ?? '')).toMatchObject({ format: 'lading-journal', v: 1 });
    expect(text).not.toContain(root);
    const replayed = await json('replay', file);
    expect(replayed.code).toBe(0);
    expect(ofType(replayed, 'status').find(({ id }) => id === 'aria')).toMatchObject({ phase: 'ready' });

    await writeFile(file, text.replace('"bytesTotal":600000', '"bytesTotal":600001'));
    expect(await json('replay', file)).toMatchObject({ code: 4 });
    await writeFile(file, text.split('\n').toSpliced(2, 1).join('\n'));
    expect((await json('replay', file)).records[0]).toMatchObject({ type: 'error', code: 'notReplayable' });
  });

  it('can be followed', async () => {
    await json('download', 'cleo');
    const follower = start(['log', '--follow', '--json']);
    await follower.record(({ event }) => (event as { type: string } | undefined)?.type === 'VoiceReady');
    await json('delete', 'cleo');
    await follower.record(({ event }) => (event as { type: string } | undefined)?.type === 'VoiceDeleted');
    follower.child.kill('SIGINT');
    expect((await follower.ended).code).toBe(130);
  });
});

describe('catalogs', () => {
  it('that are refused say one error for each defect, cause no request and write nothing', async () => {
    const file = join(root, 'bad.json');
    await writeFile(file, '{"version":3,"id":"x","revision":1,"cores":[{"id":"con"},{"id":"b"}]}');
    const checked = await json('catalog', 'check', file);
    expect(checked.code).toBe(1);
    expect(ofType(checked, 'error').length).toBeGreaterThan(1);
    for (const error of ofType(checked, 'error'))
      expect(error).toMatchObject({ code: 'manifestError', path: expect.stringMatching(/^\$/) as string });
    const used = await json('download', 'x', '--catalog', file);
    expect(ofType(used, 'error').map(({ path }) => path)).toEqual(ofType(checked, 'error').map(({ path }) => path));
    expect(existsSync(join(root, 'depot'))).toBe(false);
    expect((await json('catalog', 'check', join(root, 'catalog.json'))).records[0]).toMatchObject({
      type: 'checked',
      cores: 3,
      voices: 3,
    });
  });

  it('of a publisher become ours', async () => {
    const entry = {
      key: 'en_US-amy-low',
      name: 'amy',
      language: { code: 'en_US', name_english: 'English', country_english: 'United States' },
      quality: 'low',
      files: { 'en/amy.onnx': { size_bytes: 7, md5_digest: '0'.repeat(32) } },
    };
    await writeFile(join(root, 'voices.json'), JSON.stringify({ 'en_US-amy-low': entry }));
    const out = join(root, 'piper.json');
    expect((await json('catalog', 'import', 'piper', join(root, 'voices.json'), '--out', out)).code).toBe(0);
    expect((await json('catalog', 'check', out)).code).toBe(0);
  });

  it('may have newer versions of what is here', async () => {
    await json('download', 'cleo');
    expect((await lading(['updates'])).stdout).toBe('everything is as the catalog has it');
    const text = await readFile(join(root, 'catalog.json'), 'utf8');
    await writeFile(join(root, 'catalog.json'), text.replace(sha256Hex(own), sha256Hex(voices)));
    expect(ofType(await json('updates'), 'status').map(({ id }) => id)).toEqual(['cleo', 'own']);
  });
});

const run = promisify(execFile);

describe('a start', () => {
  it('reads the parser and little else: machines and HTTP are loaded by the command that needs them', async () => {
    const cli = fileURLToPath(new URL('../packages/cli/', import.meta.url));
    const { metafile } = await build({
      entryPoints: [join(cli, 'src/command.ts')],
      absWorkingDir: cli,
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      outdir: join(root, 'parts'),
      write: false,
      metafile: true,
    });
    // What one file of a bundle in parts imports at once is what the script runs at once.
    const begun = new Set<string>();
    const follow = (name: string): void => {
      if (begun.has(name)) return;
      begun.add(name);
      for (const { path, kind } of metafile.outputs[name]?.imports ?? []) if (kind === 'import-statement') follow(path);
    };
    follow(Object.keys(metafile.outputs).find((name) => metafile.outputs[name]?.entryPoint === 'src/command.ts') ?? '');
    const read = [...begun].flatMap((name) =>
      Object.entries(metafile.outputs[name]?.inputs ?? {}).flatMap(([input, { bytesInOutput }]) =>
        bytesInOutput > 0 ? [input] : [],
      ),
    );
    const isRead = (part: string) => read.some((input) => input.includes(part));
    expect(isRead('/commander/')).toBe(true);
    for (const part of ['/xstate/', '/rxjs/', '/zod/', 'http-client', 'digest-thread', 'commands/'])
      expect([part, isRead(part)]).toEqual([part, false]);
  });

  it('takes the code that the build compiled for this very Node', async () => {
    const compiled = `${join(MAIN, '../command.script')}.${process.version}-${process.platform}-${process.arch}`;
    const { size } = await stat(compiled);
    const profiled = await run(process.execPath, ['--profile-deserialization', MAIN, '--version']);
    expect(profiled.stdout).toContain(`Deserializing from ${size} bytes`);
  });

  it('needs no compiled code: without it, and with flags that it is not for, all is the same', async () => {
    const copy = join(root, 'cli');
    await cp(join(MAIN, '../..'), copy, {
      recursive: true,
      filter: (path) => !/node_modules|command\.script\./.test(path),
    });
    const expected = (await lading(['list'])).stdout;
    const env = { ...process.env, LADING_DIR: join(root, 'depot'), LADING_CATALOG: join(root, 'catalog.json') };
    expect((await run(process.execPath, [join(copy, 'dist/main.js'), 'list'], { env })).stdout.trim()).toBe(expected);
    const other = await run(process.execPath, ['--no-incremental-marking', MAIN, 'list'], { env });
    expect(other.stdout.trim()).toBe(expected);
  });

  it('after which nothing is left to wait for before the end is no success, and says so', async () => {
    const hook = join(root, 'never.cjs');
    await writeFile(hook, "require('node:fs/promises').readFile = () => new Promise(() => {});");
    const stranded = run(process.execPath, ['-r', hook, MAIN, 'list', '--json', '--dir', join(root, 'depot')]);
    const { code, stdout } = await stranded.then(
      ({ stdout }) => ({ code: 0, stdout }),
      (error: { readonly code: number; readonly stdout: string }) => error,
    );
    expect(code).toBe(1);
    expect(stdout).toContain('nothing is left to wait for');
    expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({ type: 'result', ok: false });
  });
});

describe('completion', () => {
  it('knows commands, options and ids', async () => {
    const complete = async (...words: string[]) => (await lading(['__complete', '--', ...words])).stdout.split('\n');
    expect(await complete('de')).toEqual(['delete', 'demo']);
    expect(await complete('delete', '--fo')).toEqual(['--force']);
    expect(await complete('download', 'a')).toEqual(['aria', 'all']);
    expect(await complete('completion', 'z')).toEqual(['zsh']);
    for (const shell of ['bash', 'zsh', 'fish'])
      expect((await lading(['completion', shell])).stdout).toContain('__complete');
  });
});

describe('the demo', () => {
  it('breaks one connection, goes on, and brings three voices; killed at once, it goes on as well', async () => {
    await mkdir(join(root, 'demo'));
    const args = ['demo', '--json', '--dir', join(root, 'demo')];
    const killed = start(args);
    await killed.record(({ type, bytesDone }) => type === 'progress' && Number(bytesDone) > 4_000_000);
    killed.child.kill('SIGKILL');
    await killed.ended;
    const ended = await lading(args);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ofType(ended, 'ready').map(({ id }) => id)).toEqual(['demo_aria', 'demo_basil', 'demo_cleo']);
    expect(ofType(ended, 'status').some(({ phase }) => phase === 'backingOff')).toBe(true);
    expect(last(ended)).toMatchObject({
      type: 'result',
      ok: true,
      drops: 1,
      bytesServed: expect.any(Number) as number,
    });
  });
});
