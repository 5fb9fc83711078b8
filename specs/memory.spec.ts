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

/** One gibibyte that nobody holds in memory: the same block again and again. */
const server = createServer((_request, response) => {
  response.writeHead(200, { 'content-length': BLOCKS * MIB, etag: '"gibibyte"' });
  let sent = 0;
  const more = () => {
    while (sent < BLOCKS) {
      sent++;
      if (!response.write(block)) return void response.once('drain', more);
    }
    response.end();
  };
  more();
});

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
    const child = spawn(
      process.execPath,
      [main, 'download', 'big', '--dir', join(dir, 'depot'), '--catalog', catalog, '--json'],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    let output = '';
    let peak = 0;
    const look = async () => {
      if (child.pid !== undefined) peak = Math.max(peak, await peakMiB(child.pid));
    };
    child.stdout.on('data', (bytes: Buffer) => {
      output += bytes.toString();
      // The peak is kept by the kernel: each record is an occasion to read it, and the last ones come when all has arrived.
      void look();
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect(code, output.slice(-2000)).toBe(0);
    expect(existsSync(join(dir, 'depot', 'cores', 'big', 'g1', 'big.bin'))).toBe(true);
    expect(peak, 'the peak was seen').toBeGreaterThan(30);
    expect(peak, 'peak resident memory in MiB').toBeLessThan(150);
  });
});
