/** A depot whose owner was taken for dead while it was only silent: what it still wants to write is another's by now, and stays unwritten. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileJournal, FileLease } from '@lading/node';
import type { JournalRecord } from '@lading/runtime';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { imageAt, recordAt } from '../conformance/journal-records.js';
import { failNext } from '../conformance/node-mortal.js';
import { rejection } from '../conformance/sentence.js';

const FENCED = { fault: { type: 'leaseHeld', detail: 'fenced' } };

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lading-fence-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const journal = async (fence: () => Promise<void>, ...records: readonly JournalRecord[]): Promise<FileJournal> => {
  const opened = new FileJournal(join(root, 'journal'), 'write', fence);
  await opened.load();
  await opened.append(records);
  return opened;
};

async function onDisk(): Promise<ReadonlyMap<string, string>> {
  const names = (await readdir(join(root, 'journal'))).sort();
  return new Map(
    await Promise.all(names.map(async (name) => [name, await readFile(join(root, 'journal', name), 'utf8')] as const)),
  );
}

describe('an owner that was silent for too long', () => {
  it('writes neither a record nor a snapshot, also before the next owner has written anything', async () => {
    const lease = new FileLease(root);
    const held = await lease.acquire();
    const sleeper = await journal(() => lease.mustHold(), recordAt(0));
    // What a contender does who judges it dead.
    await rm(join(root, 'lease'));
    const next = new FileLease(root);
    const now = await next.acquire();
    const before = await onDisk();
    expect(await rejection(sleeper.append([recordAt(1)]))).toMatchObject(FENCED);
    expect(await rejection(sleeper.compact(imageAt(1)))).toMatchObject(FENCED);
    await sleeper.close();
    expect(await onDisk()).toEqual(before);
    await held.release();
    await next.mustHold();
    await now.release();
  });

  it('gives no snapshot its name when the takeover came while it was being written', async () => {
    let looks = 0;
    const sleeper = await journal(() => Promise.resolve(), recordAt(0));
    await sleeper.close();
    const slow = await journal(async () => {
      // At the record, and before and after the snapshot is written.
      if (++looks === 3) throw new Error('another owner');
    });
    await rejection(slow.compact(imageAt(1)));
    await slow.close();
    expect(looks).toBe(3);
    expect([...(await onDisk()).keys()]).not.toContain('snapshot.json');
  });

  it('does not even cut its own half-line when the takeover came between', async () => {
    let isOurs = true;
    const sleeper = await journal(() => (isOurs ? Promise.resolve() : Promise.reject(new Error('another owner'))));
    await sleeper.append([recordAt(0)]);
    const [before = ''] = (await onDisk()).values();
    await failNext('write');
    const failing = rejection(sleeper.append([recordAt(1)]));
    isOurs = false;
    await failing;
    await sleeper.close();
    const [after = ''] = (await onDisk()).values();
    expect(after.length).toBeGreaterThan(before.length);
  });
});
