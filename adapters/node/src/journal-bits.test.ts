import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { imageOf } from '@lading/core';
import { decodeLines, FaultError, fold, JournalCorrupt, type JournalRecord } from '@lading/runtime';
import { expect, it } from 'vitest';
import { FileJournal } from './journal.js';

const LEAST_BYTES = 10_000;
/** Every bit is turned over; of so many, one journal is written and loaded as a file. */
const ON_DISK = 211;

/** Few records, and long ones: most of a long journal's bits are inside of them. */
const EVENTS = 80;

const record = (n: number): JournalRecord => ({
  v: 1,
  from: n * EVENTS,
  epoch: 1,
  at: 1_760_000_000_000 + n,
  events: Array.from({ length: EVENTS }, () => ({ type: 'Woken', epoch: 1 })),
});

/** What a journal of these bytes tells, or null if it is damaged by name. */
function decoded(bytes: Uint8Array): readonly unknown[] | null {
  try {
    return decodeLines(bytes).values;
  } catch (error) {
    if (error instanceof JournalCorrupt) return null;
    throw error;
  }
}

async function loaded(dir: string, path: string, bytes: Uint8Array): Promise<readonly unknown[] | null> {
  await writeFile(path, bytes);
  try {
    return (await new FileJournal(dir, 'read').load()).records;
  } catch (error) {
    if (error instanceof FaultError && error.fault.detail === 'journalCorrupt') return null;
    throw error;
  }
}

it('fs 2.7: with any one bit of 10 KB turned over, a journal on disk tells what was written but for its last record, or is damaged by name', {
  timeout: 600_000,
}, async () => {
  const root = await mkdtemp(join(tmpdir(), 'lading-bits-'));
  try {
    const written = new FileJournal(root, 'write');
    await written.load();
    const records: JournalRecord[] = [];
    const path = join(root, '000001.jsonl');
    for (let size = 0; size < LEAST_BYTES; size = (await readFile(path)).length) {
      const next = record(records.length);
      await written.append([next]);
      records.push(next);
    }
    await written.close();
    const whole = await readFile(path);
    const lastLine = whole.lastIndexOf(0x0a, whole.length - 2) + 1;
    const told = [records, records.slice(0, -1), records.slice(0, -2)].map((each) => JSON.stringify(each));
    const states = [records, records.slice(0, -1), records.slice(0, -2)].map((each) => stateOf(each));
    let [named, cut] = [0, 0];
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const turned = Buffer.from(whole);
      turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const found = bit % ON_DISK === 0 ? await loaded(root, path, turned) : decoded(turned);
      if (found === null) {
        named += 1;
        continue;
      }
      expect(told).toContain(JSON.stringify(found));
      expect(states).toContain(stateOf(found));
      expect(bit >> 3, 'only what the last record hangs on may pass for a torn tail').toBeGreaterThanOrEqual(
        lastLine - 1,
      );
      cut += 1;
    }
    expect(named + cut).toBe(whole.length * 8);
    expect(cut).toBeGreaterThan(0);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});

const stateOf = (records: readonly unknown[]): string =>
  JSON.stringify(imageOf(fold({ snapshot: null, records: records as readonly JournalRecord[] })));
