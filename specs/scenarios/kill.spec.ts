/**
 * SIGKILL at fifty random moments of the demo's download, by the built command. After each: no file under a final name that is
 * not what the catalog says, and in the end always all of them. What had to be fetched twice is read from the origin's own log.
 * The lots come from one seed, LADING_SEED if it is set; a failure names it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type Behaviour, throttle } from '../origin/behaviour.js';
import { type LoggedRequest, type Origin, startOrigin } from '../origin/origin.js';
import { seededBytes, sha256Hex } from '../origin/seeded-bytes.js';
import { untar } from './tar.js';
import { finalFiles } from './world.js';

const main = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url));
const manifests = new URL('../../manifests/', import.meta.url);
const MIB = 1024 * 1024;
const kills = 50;
/** What a crash may cost a connection. */
const refetchBytes = 8 * MIB;
/** So slow that one file takes a few lives of the process, and so fast that fifty of them take a minute. */
const bytesPerSecond = 12 * MIB;
/** The latest moment of a kill, counted from about the first request of a process. */
const transferMs = 900;
const seed = Number(process.env['LADING_SEED'] ?? 20_261_120);

interface DemoFile {
  readonly filename?: string;
  readonly url: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

interface DemoCore extends DemoFile {
  readonly id: string;
  readonly files?: readonly DemoFile[];
}

const text = readFileSync(new URL('demo.json', manifests));
const { cores } = JSON.parse(text.toString()) as { readonly cores: readonly DemoCore[] };

/** FNV-1a: the seed of the demo's large files is their name. */
function seedOf(name: string): number {
  let hash = 0x811c9dc5;
  for (const char of name) hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193);
  return hash;
}

function contentOf({ url, sizeBytes, sha256 }: DemoFile): Uint8Array {
  const name = url.slice(url.lastIndexOf('/') + 1);
  const isGrown = /\.(onnx|bin)$/.test(name);
  const bytes = isGrown ? seededBytes(seedOf(name), sizeBytes) : readFileSync(new URL(`demo/${name}`, manifests));
  if (sha256Hex(bytes) !== sha256) throw new Error(`${name} is not what the demo's catalog says`);
  return bytes;
}

/** Serves the demo, and tells what will stand on the disk: the digest of every file by its core and name. */
function serveDemo(origin: Origin): ReadonlyMap<string, string> {
  origin.put('/demo.json', text);
  const digests = new Map<string, string>();
  for (const core of cores) {
    for (const file of core.files ?? [core]) {
      const path = `/${file.url}`;
      const bytes = contentOf(file);
      origin.put(path, bytes);
      origin.script(path, throttle(bytesPerSecond));
      if (core.files !== undefined) digests.set(`${core.id}/${file.filename}`, file.sha256);
      else {
        for (const [name, content] of Object.entries(untar(gunzipSync(bytes)))) {
          digests.set(`${core.id}/${name.slice(name.indexOf('/') + 1)}`, sha256Hex(content));
        }
      }
    }
  }
  return digests;
}

interface Life {
  readonly signal: string | null;
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function live(words: readonly string[], killAfterMs: number | null): Promise<Life> {
  const child = spawn(process.execPath, [main, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], HOME: tmpdir(), LADING_RETRY_BASE_MS: '50' },
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (bytes: Buffer) => {
    stdout += bytes.toString();
  });
  child.stderr.on('data', (bytes: Buffer) => {
    stderr += bytes.toString();
  });
  const timer = killAfterMs === null ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs);
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  clearTimeout(timer);
  return { code, signal, stdout, stderr };
}

async function checkFinal(dir: string, digests: ReadonlyMap<string, string>): Promise<number> {
  const files = await finalFiles(dir);
  const wrong = files.filter(({ core, file, sha256 }) => digests.get(`${core}/${file}`) !== sha256);
  expect(wrong, 'files under a final name that are not what the catalog says').toEqual([]);
  return files.length;
}

const beginOf = ({ range }: LoggedRequest): number => Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);

/** For each request that follows another one of its file: how far it goes back behind what that one had been sent. */
function refetchesOf(requests: readonly LoggedRequest[]): readonly number[] {
  const last = new Map<string, LoggedRequest>();
  return requests.flatMap((request) => {
    const before = last.get(request.path);
    last.set(request.path, request);
    return before === undefined ? [] : [Math.max(0, beginOf(before) + before.bytesSent - beginOf(request))];
  });
}

describe('kill -9', () => {
  it(`at ${kills} random moments of a download leaves no wrong file, and it always completes (seed ${seed})`, {
    timeout: 240_000,
  }, async () => {
    const lots = new Uint32Array(seededBytes(seed, 4 * 1_000).buffer);
    let drawn = 0;
    const lot = (below: number): number => (lots[drawn++ % lots.length] ?? 0) % below;
    await using origin = await startOrigin();
    const digests = serveDemo(origin);
    // How long a process takes to its first request is the machine's affair: one life is left alone to find out.
    const spare = await mkdtemp(join(tmpdir(), 'lading-kill-'));
    const beganMs = performance.now();
    let firstRequestMs = 0;
    const note: Behaviour = {
      name: 'note the time',
      reply: (reply) => {
        firstRequestMs ||= performance.now() - beganMs;
        return reply;
      },
    };
    origin.script('/demo.json', note);
    await live(['plan', 'demo_aria', '--dir', spare, '--catalog', `${origin.url}/demo.json`], null);
    await rm(spare, { recursive: true, force: true });
    expect(firstRequestMs).toBeGreaterThan(0);
    const lifeMs = Math.round(firstRequestMs) + transferMs;
    origin.script('/demo.json');
    const refetches: number[] = [];
    let [killed, inTransfer, rounds] = [0, 0, 0];
    while (killed < kills) {
      const dir = await mkdtemp(join(tmpdir(), 'lading-kill-'));
      rounds += 1;
      const began = origin.requests.length;
      const words = [
        'download',
        'demo_aria',
        'demo_cleo',
        '--dir',
        dir,
        '--catalog',
        `${origin.url}/demo.json`,
        '--json',
      ];
      try {
        for (let n = 1 + lot(10); n > 0 && killed < kills; n -= 1) {
          const { signal } = await live(words, lot(lifeMs));
          if (signal !== 'SIGKILL') break;
          killed += 1;
          if (origin.requests.some(({ outcome }, i) => i >= began && (outcome === 'left' || outcome === 'open')))
            inTransfer += 1;
          await checkFinal(dir, digests);
        }
        const { code, stdout, stderr } = await live(words, null);
        expect(code, `${stderr}\n${stdout.slice(-1_000)}`).toBe(0);
        expect(await checkFinal(dir, digests)).toBe(digests.size);
        refetches.push(...refetchesOf(origin.requests.slice(began).filter(({ path }) => path !== '/demo.json')));
      } finally {
        await rm(dir, { recursive: true, force: true });
      }
    }
    const most = Math.max(0, ...refetches);
    expect(most, 'bytes fetched twice by one connection after one kill').toBeLessThanOrEqual(refetchBytes);
    // Otherwise the scenario would pass on nothing.
    expect(rounds).toBeGreaterThan(3);
    expect(inTransfer, 'kills after a transfer had begun').toBeGreaterThan(kills / 4);
    expect(refetches.length).toBeGreaterThan(10);
    expect(origin.requests.filter(({ status }) => status === 206).length, 'resumes with a range').toBeGreaterThan(5);
  });

  it('in the demo itself leaves a directory in which the demo completes', { timeout: 120_000 }, async () => {
    await using origin = await startOrigin();
    const digests = serveDemo(origin);
    const dir = await mkdtemp(join(tmpdir(), 'lading-kill-'));
    try {
      for (const afterMs of [300, 900, 600]) {
        await live(['demo', '--dir', dir, '--json'], afterMs);
        await checkFinal(dir, digests);
      }
      const { code, stdout, stderr } = await live(['demo', '--dir', dir, '--json'], null);
      expect(code, stderr).toBe(0);
      const result = JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as { readonly type?: string };
      expect(result.type).toBe('result');
      expect(await checkFinal(dir, digests)).toBeGreaterThan(0);
      expect(await readFile(join(dir, 'journal', '000001.jsonl'), 'utf8')).toContain('VoiceReady');
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });
});
