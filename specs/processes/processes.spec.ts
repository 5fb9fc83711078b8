/**
 * Sixty-four processes want one depot, and owners are killed without a word. Never two own it at once, the epochs rise, the origin hears one
 * owner after the other, readers need no turn, and in the end everything is there and right. The lots come from one seed, LADING_SEED if it
 * is set. `npm run processes -- --deaths N` goes on for longer and tells what it saw.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { DEFAULT_POLICY } from '@lading/core';
import { openDepot, readDepot } from '@lading/node';
import { replayed } from '@lading/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundled } from '../conformance/node-program.js';
import { throttle } from '../origin/behaviour.js';
import { type Origin, startOrigin } from '../origin/origin.js';
import { seededBytes, sha256Hex } from '../origin/seeded-bytes.js';
import { catalogOf, finalFiles } from '../scenarios/world.js';
import { Crowd, conflicts, takeoversMs } from './crowd.js';

const PROCESSES = 64;
const deaths = Number(process.env['LADING_DEATHS'] ?? 8);
const isReport = process.env['LADING_DEATHS'] !== undefined;
const seed = Number(process.env['LADING_SEED'] ?? 20_261_128);
/** Of a hundred owners so many are killed. */
const KILLED_PERCENT = 25;
const MIB = 1024 * 1024;

const main = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url));
const run = promisify(execFile);

const tell = (line: string): void => {
  if (isReport) process.stdout.write(`${line}\n`);
};

function lotsOf(from: number): (below: number) => number {
  const lots = new Uint32Array(seededBytes(from, 40_000).buffer);
  let drawn = 0;
  return (below) => (lots[drawn++ % lots.length] ?? 0) % below;
}

describe(`${PROCESSES} processes (seed ${seed})`, () => {
  let program: string;
  let root: string;
  let origin: Origin;

  beforeAll(async () => {
    program = await bundled('contender', fileURLToPath(new URL('contender.ts', import.meta.url)));
    root = await mkdtemp(join(tmpdir(), 'lading-processes-'));
    origin = await startOrigin();
  });
  afterAll(async () => {
    await origin?.close();
    for (const dir of [program, root]) if (dir !== undefined) await rm(dir, { recursive: true, force: true });
  });

  it('never hold the lease two at a time, though each dies while it holds it', { timeout: 600_000 }, async () => {
    const dir = join(root, 'lease-alone');
    await using crowd = new Crowd(program, ['lease', dir], seed);
    const count = Math.max(PROCESSES, deaths);
    for (let n = 0; n < PROCESSES; n++) crowd.join();
    for (let joined = PROCESSES; crowd.size > 1; ) {
      await crowd.loss();
      if (joined < count) {
        joined += 1;
        crowd.join();
      }
    }
    await crowd.disperse();
    expect(crowd.failures).toEqual([]);
    expect(crowd.crowded, 'processes that met another living one').toEqual([]);
    const overlaps = conflicts(crowd.ownerships).filter((conflict) => !conflict.startsWith('epoch'));
    expect(overlaps).toEqual([]);
    expect(crowd.deaths).toBeGreaterThanOrEqual(count - 1);
    const [longest = 0] = takeoversMs(crowd.ownerships);
    tell(
      `lease: ${count} processes, ${crowd.ownerships.length} ownerships, ${crowd.deaths} deaths, longest takeover ${longest.toFixed(0)} ms`,
    );
  });

  it('share one depot: one owner at a time, and all is right in the end', { timeout: 900_000 }, async () => {
    const dir = join(root, 'depot');
    const lot = lotsOf(seed);
    const sizes = [...Array.from({ length: 16 }, (_, n) => 40_000 * (n + 1)), 6 * MIB, 9 * MIB];
    const cores = ['kept', ...sizes.map((_, n) => `core${n}`)].map((id, n) => {
      const bytes = seededBytes(n + 1, sizes[n - 1] ?? 1000);
      const path = `/${id}/model.bin`;
      origin.script(path, throttle(24 * MIB));
      const file = { filename: 'model.bin', url: origin.put(path, bytes), sizeBytes: bytes.length };
      return { id, files: [{ ...file, sha256: sha256Hex(bytes) }] };
    });
    const catalogPath = join(root, 'catalog.json');
    await writeFile(catalogPath, JSON.stringify({ version: 3, id: 'crowd', revision: 1, cores }));
    const catalog = catalogOf({ cores }, `${origin.url}/catalog.json`);
    const first = await openDepot({ dir, catalog });
    await first.download('kept');
    await first.close();
    const asked = origin.requests.length;

    let killed = 0;
    await using crowd = new Crowd(program, ['depot', dir, catalogPath], seed, () => {
      if (killed >= deaths || lot(100) >= KILLED_PERCENT) return null;
      killed += 1;
      return lot(120);
    });
    for (let n = 0; n < PROCESSES; n++) crowd.join();
    const waiter = run(process.execPath, cli('download', 'core0', '--wait'), { timeout: 600_000 }).then(
      ({ stdout }) => stdout,
      (error: { readonly stdout?: string }) => `failed: ${error.stdout}`,
    );
    // Who only looks needs no turn.
    for (const words of [['path', 'kept'], ['status'], ['list']]) {
      const { stdout } = await run(process.execPath, cli(...words));
      expect(stdout).toContain('kept');
    }
    let looks = 0;
    while (crowd.deaths < deaths) {
      const reader = await readDepot({ dir, catalog });
      expect(reader.status('kept').phase).toBe('ready');
      looks += 1;
      const lost = crowd.loss();
      await lost;
      if (crowd.size < PROCESSES && crowd.deaths < deaths) crowd.join();
    }
    await crowd.disperse();
    expect(await waiter).toContain('"type":"ready"');
    expect(crowd.failures).toEqual([]);

    const { ownerships } = crowd;
    expect(conflicts(ownerships)).toEqual([]);
    expect(new Set(ownerships.map(({ pid }) => pid)).size, 'processes that had a turn').toBeGreaterThan(deaths);
    expect(
      revisited(origin.requests.slice(asked).map(({ headers }) => String(headers['x-owner'] ?? 'waiter'))),
    ).toEqual([]);

    const last = await openDepot({ dir, catalog });
    await Promise.all(cores.map(({ id }) => last.download(id)));
    const { epoch } = last.state;
    await last.close();
    const right = cores.map(({ id, files }) => `${id} ${files[0]?.sha256}`);
    expect((await finalFiles(dir)).map(({ core, sha256 }) => `${core} ${sha256}`).sort()).toEqual(right.sort());
    const reader = await readDepot({ dir, catalog });
    const breaches = [...replayed(await reader.archive(), DEFAULT_POLICY)].flatMap((judged) => judged.breaches);
    expect(breaches).toEqual([]);

    const [longest = 0, ...others] = takeoversMs(ownerships);
    tell(
      `depot: ${PROCESSES} processes at a time, ${ownerships.length} ownerships, ${crowd.deaths} killed, last epoch ${epoch}, ${looks} looks, takeover ${longest.toFixed(0)} ms at most, ${(others[others.length >> 1] ?? longest).toFixed(0)} ms in the median`,
    );

    function cli(...words: readonly string[]): readonly string[] {
      return [main, ...words, '--dir', dir, '--catalog', catalogPath, '--json'];
    }
  });
});

/** Names that come again after another came: the owner before was still asking. */
function revisited(names: readonly string[]): readonly string[] {
  const runs = names.filter((name, i) => name !== names[i - 1]);
  return runs.filter((name, i) => runs.indexOf(name) !== i);
}
