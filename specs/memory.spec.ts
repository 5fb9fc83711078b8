import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededBytes } from './origin/seeded-bytes.ts';

const MIB = 1024 * 1024;
const BLOCKS = 1024;
const block = seededBytes(7, MIB);
const main = fileURLToPath(new URL('../packages/cli/dist/main.js', import.meta.url));

/** Cores that are fetched at once, and how long the file of each is, MiB. */
const CORES = 64;
const CORE_BLOCKS = 8;

/** Files that nobody holds in memory: the same block again and again. `/big` is a gibibyte; the others are short and each begins with its number. */
const server = createServer((request, response) => {
  const number = Number(request.url?.slice(1));
  const blocks = request.url === '/big' ? BLOCKS : CORE_BLOCKS;
  response.writeHead(200, { 'content-length': blocks * MIB, etag: `"${request.url}"` });
  let sent = 0;
  atOnce += 1;
  mostAtOnce = Math.max(mostAtOnce, atOnce);
  response.once('close', () => {
    atOnce -= 1;
  });
  const more = () => {
    while (sent < blocks) {
      sent++;
      const isFull = !response.write(sent === 1 && request.url !== '/big' ? numbered(number) : block);
      if (isFull) return void response.once('drain', more);
    }
    response.end();
  };
  more();
});
let atOnce = 0;
let mostAtOnce = 0;

function numbered(number: number): Uint8Array {
  const first = Uint8Array.from(block);
  first[0] = number;
  return first;
}

interface Run {
  readonly code: unknown;
  readonly output: string;
  /** MiB, as the kernel kept it. */
  readonly peak: number;
}

/** Runs the command and reads the peak of its memory at each record: the last ones come when all has arrived. */
async function run(...words: readonly string[]): Promise<Run> {
  const child = spawn(process.execPath, [main, ...words, '--json'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  let peak = 0;
  const look = async () => {
    if (child.pid !== undefined) peak = Math.max(peak, await peakMiB(child.pid));
  };
  child.stdout.on('data', (bytes: Buffer) => {
    output += bytes.toString();
    void look();
  });
  const code = await new Promise((resolve) => child.once('close', resolve));
  return { code, output, peak };
}

async function peakMiB(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/VmHWM:\s+(\d+) kB/.exec(text)?.[1] ?? 0) / 1024;
}

describe('the memory of a download', () => {
  let dir = '';

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'lading-memory-'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });

  afterAll(async () => {
    server.close();
    await rm(dir, { recursive: true, force: true });
  });

  it('stays under 150 MiB while a gibibyte arrives', { timeout: 180_000 }, async () => {
    const hash = createHash('sha256');
    for (let i = 0; i < BLOCKS; i++) hash.update(block);
    const { port } = server.address() as AddressInfo;
    const file = {
      filename: 'big.bin',
      url: `http://127.0.0.1:${port}/big`,
      sizeBytes: BLOCKS * MIB,
      sha256: hash.digest('hex'),
    };
    const catalog = join(dir, 'catalog.json');
    await writeFile(catalog, JSON.stringify({ version: 3, cores: [{ id: 'big', files: [file] }] }));
    const words = ['download', 'big', '--dir', join(dir, 'depot'), '--catalog', catalog];
    const { code, output, peak } = await run(...words);
    expect(code, output.slice(-2000)).toBe(0);
    expect(existsSync(join(dir, 'depot', 'cores', 'big', 'g1', 'big.bin'))).toBe(true);
    expect(peak, 'the peak was seen').toBeGreaterThan(30);
    expect(peak, 'peak resident memory in MiB').toBeLessThan(150);
  });

  it(`stays under 200 MiB while ${CORES} files arrive at once`, { timeout: 300_000 }, async () => {
    const { port } = server.address() as AddressInfo;
    const cores = Array.from({ length: CORES }, (_, n) => {
      const hash = createHash('sha256').update(numbered(n));
      for (let i = 1; i < CORE_BLOCKS; i++) hash.update(block);
      const file = { filename: 'model.bin', url: `http://127.0.0.1:${port}/${n}`, sizeBytes: CORE_BLOCKS * MIB };
      return { id: `core${n}`, files: [{ ...file, sha256: hash.digest('hex') }] };
    });
    const catalog = join(dir, 'many.json');
    await writeFile(catalog, JSON.stringify({ version: 3, cores }));
    mostAtOnce = 0;
    const ids = cores.map(({ id }) => id);
    const words = ['--concurrency', String(CORES), '--dir', join(dir, 'many'), '--catalog', catalog];
    const { code, output, peak } = await run('download', ...ids, ...words);
    expect(code, output.slice(-2000)).toBe(0);
    expect(output.split('"type":"ready"').length - 1).toBe(CORES);
    expect(mostAtOnce, 'transfers under way at once').toBeGreaterThanOrEqual(CORES / 2);
    expect(peak, 'the peak was seen').toBeGreaterThan(30);
    expect(peak, 'peak resident memory in MiB').toBeLessThan(200);
  });
});
