/**
 * The power is cut at random moments of a download, on real file systems: what was acknowledged is there, nothing wrong has a final name,
 * and the download completes. The control is the same without flushing, and must lose something: else nothing would be proven here.
 * The lots come from one seed, LADING_SEED if it is set; a failure names it. `npm run power -- --cycles N` cuts more often.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LadingEvent } from '@lading/core';
import { openDepot } from '@lading/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LoggedRequest, type Origin, startOrigin } from '../origin/origin.js';
import { seededBytes } from '../origin/seeded-bytes.js';
import { FILE_SYSTEMS, type FileSystem, lackOfDisks, missingPackages, PowerDisk } from './disk.js';
import { type Acknowledged, liveUntilPowerCut, lossesOf } from './life.js';
import { BIG_BYTES, BIG_PATH, type PowerShelf, powerShelf } from './shelf.js';

const MIB = 1024 * 1024;
const cuts = Number(process.env['LADING_POWER_CYCLES'] ?? 5);
const isReport = process.env['LADING_POWER_CYCLES'] !== undefined;
const seed = Number(process.env['LADING_SEED'] ?? 20_261_128);
/** What a power cut may cost a file. */
const REFETCH_BYTES = 16 * MIB;
/** About so many words a process says for each download until it is ready. */
const WORDS = 12;
/** Without flushing one round loses something, unless the system happened to flush in that very second. */
const CONTROL_ROUNDS = 5;
/** So often a large file is begun until the power goes in the middle of it. */
const LARGE_ROUNDS = 5;

const missing = missingPackages();
const isWanted = process.env['CI'] === 'true' && missing.length > 0;
const lack =
  missing.length > 0 ? `for want of ${missing.join(', ')}: apt-get install ${missing.join(' ')}` : await lackOfDisks();
if (lack !== undefined && !isWanted) process.stderr.write(`power.spec.ts is skipped, ${lack}\n`);

/** Numbers below a bound, the same for the same seed. */
function lotsOf(from: number): (below: number) => number {
  const lots = new Uint32Array(seededBytes(from, 40_000).buffer);
  let drawn = 0;
  return (below) => (lots[drawn++ % lots.length] ?? 0) % below;
}

/** Up to where the large file was said to be durable. */
const recordedOf = (events: readonly LadingEvent[]): number =>
  events.reduce(
    (most, event) =>
      event.type === 'CoreCheckpointed' && event.core === 'big'
        ? Math.max(most, event.files['model.bin']?.bytes ?? 0)
        : most,
    0,
  );

const sentBytes = (requests: readonly LoggedRequest[]): number =>
  requests.reduce((sum, { bytesSent }) => sum + bytesSent, 0);

const mib = (bytes: number): string => `${(bytes / MIB).toFixed(1)} MiB`;

const tell = (line: string): void => {
  if (isReport) process.stdout.write(`${line}\n`);
};

describe.skipIf(lack !== undefined && !isWanted)(`a power cut (seed ${seed})`, () => {
  let origin: Origin;
  let shelf: PowerShelf;
  let root: string;
  let catalogPath: string;

  beforeAll(async () => {
    expect(missing, 'packages that this machine should have').toEqual([]);
    origin = await startOrigin();
    shelf = powerShelf(origin);
    root = await mkdtemp(join(tmpdir(), 'lading-power-catalog-'));
    catalogPath = join(root, 'catalog.json');
    await writeFile(catalogPath, shelf.manifest);
  });
  afterAll(async () => {
    await origin?.close();
    if (root !== undefined) await rm(root, { recursive: true, force: true });
  });

  /** The power is back: the download is asked for again and comes to its end. */
  async function complete(dir: string, ids: readonly string[]): Promise<void> {
    const depot = await openDepot({ dir, catalog: shelf.catalog, retryBaseMs: 20 });
    try {
      await Promise.all(ids.map((id) => depot.download(id)));
    } finally {
      await depot.close();
    }
    // Everything that was asked for is looked at, and there is nothing else.
    expect(await lossesOf(dir, shelf, { ready: ids, position: 0, events: [] })).toEqual([]);
  }

  const live = (disk: PowerDisk, dir: string, cutAfter: (said: Acknowledged) => number | null, flushes = true) =>
    liveUntilPowerCut({ disk, dir, catalogPath, ids: shelf.ids, flushes, cutAfter });

  describe.each(FILE_SYSTEMS.map((name, n) => [name, n] as const))('on %s', (fileSystem: FileSystem, n) => {
    it(`at ${cuts} random moments loses nothing that was acknowledged, and the download completes`, {
      timeout: 60_000 + cuts * 10_000,
    }, async () => {
      const lot = lotsOf(seed + n);
      let [done, depots, acknowledged, early] = [0, 0, 0, 0];
      let mostTwice = 0;
      await using disk = await PowerDisk.make(fileSystem);
      while (done < cuts) {
        const dir = join(disk.dir, `depot${depots++}`);
        const began = origin.requests.length;
        let inARow = 0;
        let left = shelf.ids.length;
        for (let lives = 1 + lot(4); lives > 0 && done < cuts; lives--) {
          const [words, delayMs] = [1 + lot(WORDS * Math.max(1, left)), lot(30)];
          let heard = 0;
          const said = await live(disk, dir, () => (++heard >= words ? delayMs : null));
          done += 1;
          inARow += 1;
          left = shelf.ids.length - said.ready.length;
          acknowledged += said.ready.length;
          if (said.ready.length < shelf.ids.length) early += 1;
          expect(await lossesOf(dir, shelf, said), `after cut ${done}`).toEqual([]);
        }
        await complete(dir, shelf.ids);
        const sent = sentBytes(origin.requests.slice(began).filter(({ path }) => path === BIG_PATH));
        mostTwice = Math.max(mostTwice, (sent - BIG_BYTES) / inARow);
        await rm(dir, { recursive: true, force: true });
      }
      tell(
        `${fileSystem}: ${done} power cuts in ${depots} depots, ${acknowledged} downloads acknowledged, 0 lost or wrong; at most ${mib(mostTwice)} of the large file sent twice for one`,
      );
      expect(mostTwice, 'bytes of the large file that were sent twice after one cut').toBeLessThan(REFETCH_BYTES);
      // Otherwise it would pass on nothing.
      expect(acknowledged).toBeGreaterThan(done);
      expect(early, 'cuts before the end of a download').toBeGreaterThan(0);
    });

    it('in the middle of a large file goes on from the recorded offset', async () => {
      const lot = lotsOf(seed + 10 + n);
      await using disk = await PowerDisk.make(fileSystem);
      let [dir, began, recorded, rounds] = ['', 0, BIG_BYTES, 0];
      // On a machine that is busy with other things the word may come when all is there already.
      while (recorded === BIG_BYTES && rounds < LARGE_ROUNDS) {
        [dir, began, recorded] = [join(disk.dir, `depot${rounds++}`), origin.requests.length, 0];
        const delayMs = lot(100);
        const said = await live(disk, dir, ({ events }) => {
          recorded = recordedOf(events);
          return recorded >= BIG_BYTES / 3 ? delayMs : null;
        });
        recorded = recordedOf(said.events);
        expect(await lossesOf(dir, shelf, said)).toEqual([]);
      }
      expect(recorded).toBeLessThan(BIG_BYTES);
      const half = origin.requests.length;
      await complete(dir, shelf.ids);
      const sentSince = (from: number) =>
        sentBytes(origin.requests.slice(from).filter(({ path }) => path === BIG_PATH));
      const after = sentSince(half);
      expect(after).toBeGreaterThan(0);
      expect(after, 'bytes fetched after the cut, of those without a recorded offset').toBeLessThanOrEqual(
        BIG_BYTES - recorded,
      );
      expect(sentSince(began) - BIG_BYTES, 'bytes that were sent twice').toBeLessThan(REFETCH_BYTES);
      tell(`${fileSystem}: cut with ${mib(recorded)} recorded, ${mib(sentSince(began) - BIG_BYTES)} sent twice`);
    });

    it('loses what was acknowledged if nothing is flushed: the control', async () => {
      const lot = lotsOf(seed + 20 + n);
      await using disk = await PowerDisk.make(fileSystem);
      let losses: readonly string[] = [];
      let rounds = 0;
      while (losses.length === 0 && rounds < CONTROL_ROUNDS) {
        const delayMs = lot(30);
        const dir = join(disk.dir, `depot${rounds++}`);
        const said = await live(disk, dir, ({ ready }) => (ready.length >= 3 ? delayMs : null), false);
        losses = await lossesOf(dir, shelf, said);
        tell(
          `${fileSystem}, without flushing: of ${said.ready.length} downloads acknowledged ${losses.filter((loss) => loss.endsWith('is lost')).length} files were lost in round ${rounds}`,
        );
      }
      expect(losses, `losses after ${rounds} rounds`).not.toEqual([]);
    });
  });
});
