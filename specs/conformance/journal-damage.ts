/** What a journal says of itself when its bytes are not those that were written. */
import { expect } from 'vitest';
import { joined, text } from './bytes.js';
import { appended, type JournalBench, type JournalLacks, type JournalSentence, loaded } from './journal-bench.js';
import { imageAt, recordAt, recordsTo } from './journal-records.js';
import { faultIn } from './sentence.js';

async function newest(bench: JournalBench): Promise<string> {
  const name = (await bench.medium.segments()).at(-1);
  if (name === undefined) throw new Error('the journal has no segment');
  return name;
}

/** Two records, a third behind them, and where that one begins. */
async function threeRecords(bench: JournalBench) {
  await appended(bench, recordsTo(2));
  const name = await newest(bench);
  const begin = (await bench.medium.read(name)).length;
  await appended(bench, [recordAt(2)]);
  return { name, begin, whole: await bench.medium.read(name) };
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

async function expectCorrupt(bench: JournalBench): Promise<void> {
  const before = await bench.medium.all();
  const fault = await faultIn(bench.open().load());
  expect(fault).toMatchObject({ type: 'unknown', detail: 'journalCorrupt' });
  expect(await bench.medium.all()).toEqual(before);
}

export function journalDamage(sentence: JournalSentence, lacks: JournalLacks): void {
  sentence(lacks.medium, 'cuts a torn tail, at whichever byte, and goes on', async (bench) => {
    const { name, begin, whole } = await threeRecords(bench);
    for (let length = begin; length < whole.length; length++) {
      await bench.medium.write(name, whole.subarray(0, length));
      expect(await loaded(bench)).toEqual(recordsTo(2));
      await appended(bench, [recordAt(2)], [recordAt(3)]);
      expect(await loaded(bench)).toEqual(recordsTo(4));
    }
  });

  sentence(
    lacks.medium,
    'cuts a tail of zeros or of rubbish, also a longer one than what is written next',
    async (bench) => {
      const { name, begin, whole } = await threeRecords(bench);
      const prefix = whole.subarray(0, begin);
      for (const rubbish of [
        new Uint8Array(10_000),
        text('x'.repeat(9_999)),
        text('\n\n\n'),
        text('17 00000000 {"v":1}\n'),
      ]) {
        await bench.medium.write(name, joined(prefix, rubbish));
        expect(await loaded(bench)).toEqual(recordsTo(2));
        await appended(bench, [recordAt(2)]);
        expect(await loaded(bench)).toEqual(recordsTo(3));
        expect((await bench.medium.read(name)).length).toBe(whole.length);
      }
    },
  );

  sentence(lacks.medium, 'tells what was written, or refuses, if its last record is changed', async (bench) => {
    const { name, begin, whole } = await threeRecords(bench);
    let refused = 0;
    for (let at = begin; at < whole.length; at++) {
      await bench.medium.write(name, flipped(whole, at));
      const records = await loaded(bench).catch(() => null);
      if (records !== null) expect(records).toEqual(recordsTo(2));
      else {
        refused++;
        await expectCorrupt(bench);
      }
    }
    // Only a change of the little that frames a record looks like a tear.
    expect(refused).toBeGreaterThan((whole.length - begin) / 2);
  });

  sentence(lacks.medium, 'refuses a torn middle by name, wherever it is, and changes nothing', async (bench) => {
    const { name, begin, whole } = await threeRecords(bench);
    // The last byte before the third record ends the second: without it the two are one line, and that is the tail.
    for (let at = 0; at < begin - 1; at++) {
      await bench.medium.write(name, flipped(whole, at));
      await expectCorrupt(bench);
    }
    await bench.medium.write(name, whole);
    expect(await loaded(bench)).toEqual(recordsTo(3));
  });

  sentence(lacks.medium, 'refuses an older segment that does not end where it should', async (bench) => {
    const journal = bench.open();
    await journal.load();
    await journal.append(recordsTo(2));
    await journal.compact(imageAt(2));
    await journal.append([recordAt(2)]);
    await journal.close();
    const [oldest = ''] = await bench.medium.segments();
    const bytes = await bench.medium.read(oldest);
    await bench.medium.write(oldest, bytes.subarray(0, bytes.length - 3));
    // With its snapshot nobody needs the older one; without it, records would be missing in the middle.
    expect(await bench.open().load()).toEqual({ snapshot: imageAt(2), records: [recordAt(2)] });
    await bench.medium.write(bench.medium.snapshot, new Uint8Array(0));
    await expectCorrupt(bench);
  });

  sentence(lacks.medium, 'passes over a snapshot that fails its check: the records are the truth', async (bench) => {
    const journal = bench.open();
    await journal.load();
    await journal.append(recordsTo(2));
    await journal.compact(imageAt(2));
    await journal.append([recordAt(2)]);
    await journal.close();
    const { snapshot } = bench.medium;
    const bytes = await bench.medium.read(snapshot);
    const spoilt = Array.from({ length: bytes.length }, (_, at) => flipped(bytes, at));
    for (const each of [...spoilt, bytes.subarray(0, bytes.length >> 1), new Uint8Array(bytes.length)]) {
      await bench.medium.write(snapshot, each);
      expect(await bench.open().load()).toEqual({ snapshot: null, records: recordsTo(3) });
    }
    await appended(bench, [recordAt(3)]);
    expect(await loaded(bench)).toEqual(recordsTo(4));
  });

  const lack = lacks.reader ?? lacks.medium;
  sentence(lack, 'is passed over at a torn tail by a reader, and cut by nobody', async (bench) => {
    const { name, begin, whole } = await threeRecords(bench);
    for (let length = begin; length < whole.length; length += 7) {
      await bench.medium.write(name, whole.subarray(0, length));
      expect((await bench.read().load()).records).toEqual(recordsTo(2));
      expect(await bench.medium.read(name)).toEqual(whole.subarray(0, length));
    }
  });
}
