/** The sentences of the journal: what was appended is there after every end, in order and whole, or a fault says that it is not. */
import type { JournalRecord } from '@lading/runtime';
import { describe, expect } from 'vitest';
import { appended, type JournalBench, type JournalLacks, type JournalSentence, loaded } from './journal-bench.js';
import { journalDamage } from './journal-damage.js';
import { journalDeath } from './journal-death.js';
import { foldedEpoch, imageAt, recordAt, recordsTo } from './journal-records.js';
import { faultIn, itUnless } from './sentence.js';

export function journalConformance(name: string, make: () => Promise<JournalBench>, lacks: JournalLacks = {}): void {
  const sentence: JournalSentence = (lack, words, test) =>
    itUnless(lack, words, async () => {
      await using bench = await make();
      await test(bench);
    });

  describe(`the journal of ${name}`, () => {
    sentence(undefined, 'that was never written is empty', async (bench) => {
      expect(await bench.open().load()).toEqual({ snapshot: null, records: [] });
    });

    sentence(undefined, 'gives back what was appended, in order', async (bench) => {
      await appended(bench, [recordAt(0)], [recordAt(1), recordAt(2), recordAt(3)], [recordAt(4)]);
      expect(await bench.open().load()).toEqual({ snapshot: null, records: recordsTo(5) });
    });

    sentence(undefined, 'goes on behind what earlier lives have written', async (bench) => {
      for (let life = 0; life < 5; life++) await appended(bench, [recordAt(life)]);
      expect(await loaded(bench)).toEqual(recordsTo(5));
    });

    sentence(undefined, 'keeps every character, and a record of any size', async (bench) => {
      const odd = { ...recordAt(0), note: '\n\r\u2028 "\\" ä 漢 🎙 \u0000 \ud800' } as JournalRecord;
      const many = {
        ...recordAt(1),
        events: Array.from({ length: 20_000 }, () => ({ type: 'Woken', epoch: 1 }) as const),
      };
      await appended(bench, [odd], [many], [recordAt(20_001)]);
      expect(await loaded(bench)).toEqual([odd, many, recordAt(20_001)]);
    });

    sentence(undefined, 'takes an empty batch as nothing', async (bench) => {
      await appended(bench, [], [recordAt(0)], []);
      expect(await loaded(bench)).toEqual(recordsTo(1));
    });

    sentence(undefined, 'can be loaded twice by its writer, and written behind', async (bench) => {
      await appended(bench, recordsTo(2));
      const journal = bench.open();
      await journal.load();
      expect((await journal.load()).records).toEqual(recordsTo(2));
      await journal.append([recordAt(2)]);
      await journal.close();
      expect(await loaded(bench)).toEqual(recordsTo(3));
    });

    sentence(undefined, 'gives the snapshot and only what came after it', async (bench) => {
      const journal = bench.open();
      await journal.load();
      await journal.append(recordsTo(3));
      await journal.compact(imageAt(3));
      await journal.append([recordAt(3)]);
      await journal.append([recordAt(4)]);
      await journal.close();
      expect(await bench.open().load()).toEqual({ snapshot: imageAt(3), records: [recordAt(3), recordAt(4)] });
      expect(foldedEpoch(await bench.open().load())).toBe(foldedEpoch({ snapshot: null, records: recordsTo(5) }));
    });

    sentence(undefined, 'can be compacted before it was ever written', async (bench) => {
      const journal = bench.open();
      await journal.load();
      await journal.compact(imageAt(0));
      await journal.append([recordAt(0)]);
      await journal.close();
      expect(await bench.open().load()).toEqual({ snapshot: imageAt(0), records: recordsTo(1) });
    });

    sentence(undefined, 'knows the newest of many snapshots', async (bench) => {
      for (let life = 0; life < 4; life++) {
        const journal = bench.open();
        await journal.load();
        await journal.append([recordAt(life)]);
        await journal.compact(imageAt(life + 1));
        await journal.close();
      }
      expect(await bench.open().load()).toEqual({ snapshot: imageAt(4), records: [] });
    });

    sentence(lacks.medium, 'does not grow for ever if it is compacted', async (bench) => {
      const counts: number[] = [];
      for (let life = 0; life < 40; life++) {
        const journal = bench.open();
        await journal.load();
        await journal.append([recordAt(life)]);
        await journal.compact(imageAt(life + 1));
        await journal.close();
        counts.push((await bench.medium.all()).size);
      }
      expect(counts[39]).toBe(counts[19]);
    });

    sentence(lacks.reader, 'is read while it is written, and its reader changes nothing', async (bench) => {
      const writer = bench.open();
      await writer.load();
      await writer.append(recordsTo(2));
      const reader = bench.read();
      expect((await reader.load()).records).toEqual(recordsTo(2));
      await writer.append([recordAt(2)]);
      expect((await reader.load()).records).toEqual(recordsTo(3));
      await writer.close();
      const before = await bench.medium.all();
      await expectRefused(reader.append([recordAt(3)]));
      await reader.close();
      expect(await bench.medium.all()).toEqual(before);
    });

    for (const action of ['write', 'sync'] as const) {
      sentence(lacks.failure, `counts nothing of a batch whose ${action} failed`, async (bench) => {
        await appended(bench, recordsTo(2));
        const journal = bench.open();
        await journal.load();
        await journal.append([recordAt(2)]);
        await bench.failNext(action);
        const fault = await faultIn(journal.append([recordAt(3), recordAt(4)]));
        expect(fault.type).toBe(action === 'write' ? 'noSpace' : 'storageError');
        await journal.close();
        expect(await loaded(bench)).toEqual(recordsTo(3));
        await appended(bench, [recordAt(3)]);
        expect(await loaded(bench)).toEqual(recordsTo(4));
      });
    }

    for (const failing of ['append', 'compaction'] as const) {
      sentence(
        lacks.failure,
        `takes nothing more once one ${failing} failed, until it is opened anew`,
        async (bench) => {
          await appended(bench, recordsTo(2));
          const journal = bench.open();
          await journal.load();
          await journal.append([recordAt(2)]);
          await bench.failNext('write');
          const work = (what: typeof failing) =>
            what === 'append' ? journal.append([recordAt(3)]) : journal.compact(imageAt(3));
          const fault = await faultIn(work(failing));
          // Nobody knows any more what the disk holds: who goes on may write behind a record that he was told is not there.
          expect(await faultIn(work('append'))).toMatchObject({ type: fault.type, detail: fault.detail });
          expect(await faultIn(work('compaction'))).toMatchObject({ type: fault.type, detail: fault.detail });
          await journal.close();
          expect(await loaded(bench)).toEqual(recordsTo(3));
          await appended(bench, [recordAt(3)]);
          expect(await loaded(bench)).toEqual(recordsTo(4));
        },
      );
    }

    sentence(lacks.failure, 'is written whole through a write that takes only half', async (bench) => {
      const journal = bench.open();
      await journal.load();
      await journal.append([recordAt(0)]);
      await bench.failNext('half a write');
      await journal.append([recordAt(1), recordAt(2)]);
      await bench.failNext('half a write');
      await journal.compact(imageAt(3));
      await journal.append([recordAt(3)]);
      await journal.close();
      expect(await bench.open().load()).toEqual({ snapshot: imageAt(3), records: [recordAt(3)] });
    });

    sentence(undefined, 'refuses a writer who has missed what another wrote', async (bench) => {
      await appended(bench, recordsTo(2));
      const [missed, other] = [bench.open(), bench.open()];
      await missed.load();
      await other.load();
      await other.append([recordAt(2)]);
      expect(await faultIn(missed.append([{ ...recordAt(2), at: 0 }]))).toMatchObject({
        type: 'leaseHeld',
        detail: 'fenced',
      });
      await missed.close();
      await other.append([recordAt(3)]);
      await other.close();
      expect(await loaded(bench)).toEqual(recordsTo(4));
    });

    sentence(
      lacks.failure,
      'keeps the older snapshot and all records if a new one cannot be written',
      async (bench) => {
        const journal = bench.open();
        await journal.load();
        await journal.append(recordsTo(2));
        await journal.compact(imageAt(2));
        await journal.append([recordAt(2)]);
        await bench.failNext('write');
        expect((await faultIn(journal.compact(imageAt(3)))).type).toBe('noSpace');
        await journal.close();
        expect(await bench.open().load()).toEqual({ snapshot: imageAt(2), records: [recordAt(2)] });
      },
    );

    journalDeath(sentence, lacks);
    journalDamage(sentence, lacks);
  });
}

async function expectRefused(promise: Promise<unknown>): Promise<void> {
  expect(
    await promise.then(
      () => 'done',
      () => 'refused',
    ),
  ).toBe('refused');
}
