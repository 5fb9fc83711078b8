/** What a journal holds after its writer died, or all power was cut, at any point. */
import { expect } from 'vitest';
import { appended, type JournalLacks, type JournalSentence, loaded } from './journal-bench.js';
import { foldedEpoch, imageAt, recordAt, recordsTo } from './journal-records.js';

/** Steps after which nothing here is still under way; a bound, so that a bench that never lets go is found out. */
const MAX_STEPS = 200;
/** More lives than any adapter keeps the records of, once a snapshot holds them. */
const OLDER_LIVES = 20;

export function journalDeath(sentence: JournalSentence, lacks: JournalLacks): void {
  sentence(lacks.death, 'holds whole records only, wherever an append was interrupted', async (bench) => {
    let life = 0;
    const lengths = new Set<number>();
    for (let steps = 0; steps < MAX_STEPS; steps++) {
      const before = (await loaded(bench)).length;
      const outcome = await bench.dying(steps, async (journal) => {
        await journal.load();
        await journal.append([recordAt(before), recordAt(before + 1)]);
      });
      const after = await loaded(bench);
      expect(after).toEqual(recordsTo(after.length));
      expect(after.length).toBeGreaterThanOrEqual(before);
      expect(after.length).toBeLessThanOrEqual(before + 2);
      lengths.add(after.length - before);
      if (outcome === 'done') {
        expect(after.length).toBe(before + 2);
        expect(lengths.has(0)).toBe(true);
        return;
      }
      life++;
      await appended(bench, [recordAt(after.length)]);
      expect(await loaded(bench)).toEqual(recordsTo(after.length + 1));
    }
    throw new Error(`an append still had not come to its end after ${life} lives`);
  });

  sentence(lacks.death, 'tells the same history, wherever a compaction was interrupted', async (bench) => {
    // So often that what the first snapshots replaced is gone: from then on a history without its snapshot has a gap.
    for (let life = 0; life < OLDER_LIVES; life++) {
      const journal = bench.open();
      await journal.load();
      await journal.append([recordAt(life)]);
      await journal.compact(imageAt(life + 1));
      await journal.close();
    }
    for (let steps = 0, count = OLDER_LIVES; steps < MAX_STEPS; steps++, count++) {
      const now = count;
      const outcome = await bench.dying(steps, async (journal) => {
        await journal.load();
        await journal.compact(imageAt(now));
      });
      const image = await bench.open().load();
      expect(foldedEpoch(image)).toBe(now);
      if (outcome === 'done') {
        expect(image).toEqual({ snapshot: imageAt(now), records: [] });
        return;
      }
      await appended(bench, [recordAt(now)]);
      expect(foldedEpoch(await bench.open().load())).toBe(now + 1);
    }
    throw new Error('a compaction never came to its end');
  });

  sentence(lacks.powerCut, 'has lost nothing of what was appended when the power comes back', async (bench) => {
    for (let life = 0; life < 6; life++) {
      const journal = bench.open();
      await journal.load();
      await journal.append([recordAt(2 * life), recordAt(2 * life + 1)]);
      if (life === 3) await journal.compact(imageAt(8));
      await bench.cutPower();
      expect(foldedEpoch(await bench.open().load())).toBe(2 * life + 2);
    }
  });
}
