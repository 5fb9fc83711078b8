/** What the journal of a browser says of itself when its database is not as it left it, or when another has become the owner. */
import { type Database, IdbJournal, openDatabase } from '@lading/browser';
import { describe, expect, it } from 'vitest';
import { imageAt, recordAt, recordsTo } from '../../conformance/journal-records.js';
import { faultIn } from '../../conformance/sentence.js';

async function fresh(): Promise<Database> {
  const database = await openDatabase(`journal-${crypto.randomUUID()}`);
  await database.transact('readwrite', async (store) => void store('fence').put(1, 'epoch'));
  return database;
}

async function written(database: Database, ...batches: readonly (readonly ReturnType<typeof recordAt>[])[]) {
  const journal = new IdbJournal(database, () => 1);
  await journal.load();
  for (const batch of batches) await journal.append(batch);
  return journal;
}

/** Inverts one bit of each place of a stored line in turn. */
async function eachFlip(
  database: Database,
  name: 'records' | 'snapshot',
  key: IDBValidKey,
  look: () => Promise<void>,
): Promise<void> {
  const read = await database.transact('readonly', async (store) => store(name).get(key));
  const line = read.result as Uint8Array;
  for (let at = 0; at < line.length; at++) {
    const spoilt = Uint8Array.from(line);
    spoilt[at] = (spoilt[at] ?? 0) ^ 1;
    await database.transact('readwrite', async (store) => void store(name).put(spoilt, key));
    await look();
  }
  await database.transact('readwrite', async (store) => void store(name).put(line, key));
}

describe('the journal of @lading/browser, in its database', () => {
  it('refuses a record that was changed, at whichever byte but its newline', async () => {
    const database = await fresh();
    await written(database, recordsTo(3));
    let refusals = 0;
    await eachFlip(database, 'records', [1, 2], async () => {
      const fault = await faultIn(new IdbJournal(database, () => 1).load()).catch(() => null);
      if (fault === null) return;
      expect(fault).toMatchObject({ type: 'unknown', detail: 'journalCorrupt' });
      refusals++;
    });
    const [, line] = (await new IdbJournal(database, null).history()).map((record) => JSON.stringify(record));
    expect(refusals).toBeGreaterThan(line?.length ?? 0);
  });

  it('passes over a snapshot that was changed: the records are the truth', async () => {
    const database = await fresh();
    const journal = await written(database, recordsTo(2));
    await journal.compact(imageAt(2));
    await journal.append([recordAt(2)]);
    let isIntact = 0;
    await eachFlip(database, 'snapshot', 'newest', async () => {
      const image = await new IdbJournal(database, null).load();
      if (image.snapshot === null) expect(image.records).toEqual(recordsTo(3));
      else isIntact++;
    });
    // The newline behind a line is no part of what it says.
    expect(isIntact).toBe(1);
  });

  it('does not grow for ever if it is compacted', async () => {
    const database = await fresh();
    const counts: number[] = [];
    for (let life = 0; life < 30; life++) {
      const journal = await written(database, [recordAt(life)]);
      await journal.compact(imageAt(life + 1));
      counts.push((await journal.history()).length);
    }
    expect(counts[29]).toBe(counts[15]);
    expect((await new IdbJournal(database, null).load()).snapshot).toEqual(imageAt(30));
  });

  it('writes nothing once another owner has raised the epoch', async () => {
    const database = await fresh();
    const journal = await written(database, recordsTo(2));
    await database.transact('readwrite', async (store) => void store('fence').put(2, 'epoch'));
    expect(await faultIn(journal.append([recordAt(2)]))).toMatchObject({ type: 'leaseHeld', detail: 'fenced' });
    expect(await faultIn(journal.append([]))).toMatchObject({ type: 'leaseHeld', detail: 'fenced' });
    expect(await faultIn(journal.compact(imageAt(2)))).toMatchObject({ type: 'leaseHeld', detail: 'fenced' });
    expect(await new IdbJournal(database, null).load()).toEqual({ snapshot: null, records: recordsTo(2) });
  });

  it('writes nothing behind records that are not its own', async () => {
    const database = await fresh();
    const journal = await written(database, recordsTo(2));
    await written(database, [recordAt(2)]);
    expect(await faultIn(journal.append([recordAt(2)]))).toMatchObject({ type: 'leaseHeld', detail: 'fenced' });
    expect(await new IdbJournal(database, null).history()).toEqual(recordsTo(3));
  });

  it('says that it is gone when its database was emptied', async () => {
    const database = await fresh();
    const journal = await written(database, recordsTo(2));
    await database.transact('readwrite', async (store) => void store('records').clear());
    expect(await faultIn(journal.append([recordAt(2)]))).toMatchObject({ type: 'storageError', detail: 'evicted' });
    await database.transact('readwrite', async (store) => void store('fence').clear());
    expect(await faultIn(journal.append([recordAt(2)]))).toMatchObject({ type: 'storageError', detail: 'evicted' });
  });
});
