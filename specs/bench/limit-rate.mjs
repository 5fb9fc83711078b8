// How true `--limit-rate` is: bytes that leave the server, counted by a relay in between while the command fetches for ten seconds.
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { extremeRates } from './figures.mjs';
import { measure } from './measure.mjs';
import { VOICE, writeOrders } from './orders.mjs';
import { mustHold } from './outputs.mjs';
import { startRelay } from './relay.mjs';
import { seededFile } from './seeded-file.mjs';

const BYTES_PER_SECOND = 20_000_000;
const SIZE_BYTES = 10 * BYTES_PER_SECOND;
const WINDOW_MS = 5_000;
/** In the first of them the kernel's buffers between the server and the command fill, which are no bytes that the command has taken. */
const FILLING_MS = 1_000;
const SAMPLE_MS = 50;
const cli = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url));

/** The worst rate over any five seconds, as parts of what was asked for: `{ slowest, fastest }`. */
export async function measureLimitRate({ dir, root, port, say }) {
  await mkdir(join(root, 'L'));
  const sha256 = await seededFile(join(root, 'L/l.bin'), SIZE_BYTES, 'L/l.bin');
  const file = { name: 'l.bin', path: 'L/l.bin', sizeBytes: SIZE_BYTES, sha256 };
  const relay = await startRelay(port);
  const orders = await writeOrders(
    dir,
    { name: 'L', cores: [{ id: 'l_core', files: [file] }] },
    `http://127.0.0.1:${relay.port}`,
  );
  const cwd = join(dir, 'out');
  await mkdir(cwd);
  const samples = [];
  const look = setInterval(() => samples.push({ atMs: performance.now(), bytes: relay.sentBytes() }), SAMPLE_MS);
  try {
    await measure(
      `node ${cli} download ${VOICE} --dir depot --catalog ${orders.catalog} --quiet --limit-rate ${BYTES_PER_SECOND}`,
      { cwd },
    );
    await mustHold(cwd, [file], 'lading download --limit-rate');
  } finally {
    clearInterval(look);
    await relay.stop();
  }
  await rm(cwd, { recursive: true });
  await rm(join(root, 'L'), { recursive: true });
  const began = samples.findIndex(({ bytes }) => bytes > 0);
  const flowing = samples.filter(({ atMs, bytes }) => atMs >= samples[began].atMs + FILLING_MS && bytes < SIZE_BYTES);
  const extremes = extremeRates(flowing, WINDOW_MS);
  if (extremes === null)
    throw new Error(`--limit-rate ${BYTES_PER_SECOND} was no limit: ${SIZE_BYTES} bytes came in under ${WINDOW_MS} ms`);
  const rates = { slowest: extremes.slowest / BYTES_PER_SECOND, fastest: extremes.fastest / BYTES_PER_SECOND };
  say(`L  over any 5 s from ${rates.slowest.toFixed(3)} to ${rates.fastest.toFixed(3)} of the limit`);
  return rates;
}
