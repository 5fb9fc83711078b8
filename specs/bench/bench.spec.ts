/** What the bench says of its runs, its limiter, and a run of it over a few kilobytes: it measures, and accepts no wrong bytes. No speed is judged here. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';

interface Run {
  readonly wallS: number;
  readonly cpuS: number;
  readonly peakBytes: number;
}

interface Judged {
  readonly value: number;
  readonly isHeld: boolean;
}

interface Bar {
  readonly words: string;
  readonly command: Judged | null;
  readonly library: Judged | null;
}

interface Counted {
  readonly atMs: number;
  readonly bytes: number;
}

interface Relay {
  readonly port: number;
  sentBytes(): number;
  stop(): Promise<void>;
}

/** The programs of the bench are plain JavaScript, which has no types. */
interface Bench {
  median(values: readonly number[]): number;
  figuresOf(runs: readonly Run[], bytes: number): Readonly<Record<string, number>>;
  extremeRates(samples: readonly Counted[], windowMs: number): { slowest: number; fastest: number } | null;
  parseTimes(text: string): { wallS: number; cpuS: number };
  measure(command: string): Promise<Run>;
  judge(results: object): readonly Bar[];
  readOptions(args: readonly string[]): object;
  mustHold(dir: string, files: readonly { name: string; sha256: string }[], who: string): Promise<void>;
  seededFile(path: string, sizeBytes: number, seed: string): Promise<string>;
  startRelay(targetPort: number, bytesPerSecond?: number): Promise<Relay>;
  present(): { absent: readonly string[] };
}

const here = (path: string): string => new URL(path, import.meta.url).href;
const sources = ['figures', 'measure', 'bars', 'options', 'outputs', 'seeded-file', 'relay', 'contestants'];
const modules = await Promise.all(sources.map(async (name) => (await import(here(`./${name}.mjs`))) as Partial<Bench>));
const bench = Object.assign({}, ...modules) as Bench;

const run = promisify(execFile);
const dirs: string[] = [];

async function newDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'lading-bench-spec-'));
  dirs.push(dir);
  return dir;
}

afterEach(async () => {
  for (const dir of dirs.splice(0)) await rm(dir, { recursive: true, force: true });
});

describe('the arithmetic of the bench', () => {
  it('takes the middle of its runs, figure by figure', () => {
    expect(bench.median([9, 1, 2])).toBe(2);
    expect(bench.median([4, 1, 2, 9])).toBe(3);
    const runs = [
      { wallS: 1, cpuS: 8, peakBytes: 2 ** 21 },
      { wallS: 2, cpuS: 4, peakBytes: 2 ** 20 },
      { wallS: 9, cpuS: 2, peakBytes: 2 ** 22 },
    ];
    expect(bench.figuresOf(runs, 2e9)).toEqual({ wallS: 2, megabytesPerS: 1000, cpuSPerGb: 2, peakMib: 2 });
  });

  it('tells the slowest and the fastest window of a flow', () => {
    const flow = (bytesAt: (second: number) => number): readonly Counted[] =>
      Array.from({ length: 11 }, (_, second) => ({ atMs: second * 1000, bytes: bytesAt(second) }));
    expect(
      bench.extremeRates(
        flow((second) => second * 100),
        5000,
      ),
    ).toEqual({ slowest: 100, fastest: 100 });
    // 600 bytes more, all in the fourth second: 220 a second over any five that hold it.
    const burst = flow((second) => second * 100 + (second >= 4 ? 600 : 0));
    expect(bench.extremeRates(burst, 5000)).toEqual({ slowest: 100, fastest: 220 });
    expect(bench.extremeRates(burst, 11_000)).toBeNull();
  });

  it('reads what bash says of time, and refuses other words', () => {
    expect(bench.parseTimes('1.500 0.250 0.125\n')).toEqual({ wallS: 1.5, cpuS: 0.375 });
    expect(() => bench.parseTimes('command not found')).toThrow('bash told no times');
  });

  it('judges by ratios of one run, and only what was measured', () => {
    const figures = { 'lading download': { wallS: 4 }, 'lading as a library': { wallS: 6 }, aria2c: { wallS: 10 } };
    const bars = bench.judge({ B: { figures }, L: { slowest: 0.93, fastest: 1.01 } });
    expect(bars.find(({ words }) => words === 'B: wall time ÷ that of aria2c')).toMatchObject({
      command: { value: 0.4, isHeld: true },
      library: { value: 0.6, isHeld: false },
    });
    const limit = bars.find(({ words }) => words.startsWith('L:'));
    expect(limit?.command).toEqual({ value: expect.closeTo(0.07) as number, isHeld: false });
    expect(bars.filter(({ command }) => command !== null)).toHaveLength(2);
  });

  it.each([
    [['--record', '--scale', '0.5'], 'is recorded'],
    [['--record', '--only', 'A,A,A,A,A,A,A'], 'is recorded'],
    [['--record', '--rounds', '4'], 'is recorded'],
    [['--only', 'A,X'], '--only X'],
    [['--rounds', '0'], '--rounds 0'],
    [['--scale', '2'], '--scale 2'],
  ])('refuses %j', (args, words) => {
    expect(() => bench.readOptions(args)).toThrow(words);
  });
});

describe('a measured command', () => {
  it('counts the CPU and the memory of its children', async () => {
    const child = `node -e "const held = Buffer.alloc(2e8, 1); const end = Date.now() + 1000; while (Date.now() < end); held.at(0)"`;
    const { wallS, cpuS, peakBytes } = await bench.measure(`bash -c '${child.replaceAll("'", "'\\''")}; true'`);
    expect(wallS).toBeGreaterThan(1);
    expect(cpuS).toBeGreaterThan(0.05);
    expect(peakBytes).toBeGreaterThan(2e8);
  });

  it('that fails says what it said', async () => {
    await expect(bench.measure('echo all is lost >&2; false')).rejects.toThrow(/ended with 1: all is lost/);
  });
});

describe('an output', () => {
  it('must be there and right, wherever it was put', async () => {
    const dir = await newDir();
    await mkdir(join(dir, 'depot/deep'), { recursive: true });
    const sha256 = await bench.seededFile(join(dir, 'depot/deep/a.bin'), 5_000_000, 'a');
    await expect(bench.mustHold(dir, [{ name: 'a.bin', sha256 }], 'x')).resolves.toBeUndefined();
    await expect(bench.mustHold(dir, [{ name: 'b.bin', sha256 }], 'x')).rejects.toThrow(
      'x ended well and left no b.bin',
    );
    await writeFile(join(dir, 'depot/deep/a.bin'), 'wrong');
    await expect(bench.mustHold(dir, [{ name: 'a.bin', sha256 }], 'x')).rejects.toThrow('x left a wrong a.bin');
  });
});

describe('a connection through the limiter', () => {
  it('earns nothing while it rests: many short answers are no faster than a long one', async () => {
    const answerBytes = 50_000;
    const bytesPerSecond = 500_000;
    const origin = createServer((socket) => socket.on('data', () => socket.write(Buffer.alloc(answerBytes))));
    origin.listen(0, '127.0.0.1');
    await once(origin, 'listening');
    const relay = await bench.startRelay((origin.address() as AddressInfo).port, bytesPerSecond);
    const client = connect(relay.port, '127.0.0.1');
    let received = 0;
    client.on('data', ({ length }) => (received += length));
    let waitedMs = 0;
    for (let asked = 1; asked <= 4; asked++) {
      await sleep(100);
      const beganMs = performance.now();
      client.write('more');
      while (received < asked * answerBytes) await once(client, 'data');
      waitedMs += performance.now() - beganMs;
    }
    // Each answer is worth 100 ms; a tick of the limiter may be given away at its beginning.
    expect(waitedMs).toBeGreaterThan(4 * 80);
    expect(relay.sentBytes()).toBe(4 * answerBytes);
    client.destroy();
    await relay.stop();
    origin.close();
  });
});

async function lacking(program: string): Promise<boolean> {
  return await run('bash', ['-c', `command -v ${program}`]).then(
    () => false,
    () => true,
  );
}

const missing: string[] = [];
for (const program of ['nginx', 'curl', 'openssl']) if (await lacking(program)) missing.push(program);
const isCi = process.env['CI'] === 'true';
if (missing.length > 0 && !isCi)
  process.stderr.write(`bench.spec.ts skips a run of the bench, for want of ${missing.join(', ')}\n`);

describe.skipIf(missing.length > 0 && !isCi)('the bench', () => {
  it('lets everybody who is here bring a few files, and says who is not', async () => {
    const program = fileURLToPath(new URL('./bench.mjs', import.meta.url));
    const { stdout, stderr } = await run(process.execPath, [
      program,
      ...'--scale 0.001 --rounds 1 --only T'.split(' '),
    ]);
    const { absent } = bench.present();
    for (const line of absent) {
      process.stderr.write(`bench.spec.ts: ${line}\n`);
      expect(stdout).toContain(line);
    }
    expect(stdout).toContain('### T: one file of 1 GiB over TLS');
    expect(stdout).toContain('Only 0.001 of the size');
    for (const name of ['lading download', 'lading as a library', 'curl + openssl + fsync', 'curl + sha256sum'])
      expect(stderr).toContain(`T  round 1/1  ${name}`);
  });
});
