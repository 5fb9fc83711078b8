import type { Checkpoint } from '@lading/core';
import { describe, expect, it } from 'vitest';
import { Checkpoints } from './checkpoints.js';

const MIB = 1024 * 1024;
const of = (bytes: number): Checkpoint => ({ bytes, validator: null, origin: null });

/** No time goes by: what is recorded is recorded because there is enough. */
const clock = { now: () => 0, monotonicMs: () => 0, wait: () => new Promise<void>(() => undefined) };

/** A journal that writes when it is told to. */
function journal() {
  const records: string[][] = [];
  const writes: { readonly end: () => void; readonly fail: (error: unknown) => void }[] = [];
  const checkpoints = new Checkpoints(clock, (files) => {
    records.push(Object.keys(files));
    return new Promise<void>((end, fail) => writes.push({ end, fail }));
  });
  return { checkpoints, records, writes };
}

const turns = () => new Promise((resolve) => setImmediate(resolve));

describe('checkpoints of a core with many files', () => {
  it('are one record for all that are done while the one before is being written', async () => {
    const { checkpoints, records, writes } = journal();
    checkpoints.note('a', of(5 * MIB), 5 * MIB);
    await turns();
    expect(records).toEqual([['a']]);
    for (const file of ['b', 'c', 'd']) checkpoints.note(file, of(5 * MIB), 5 * MIB);
    await turns();
    expect(records).toEqual([['a']]);
    writes[0]?.end();
    await turns();
    expect(records).toEqual([['a'], ['b', 'c', 'd']]);
    // Too little for one of its own, and nobody waits for one any more.
    checkpoints.note('e', of(MIB), MIB);
    writes[1]?.end();
    await turns();
    expect(records).toEqual([['a'], ['b', 'c', 'd']]);
  });

  it('are loose until they are recorded', async () => {
    const { checkpoints, writes } = journal();
    checkpoints.note('a', of(5 * MIB), 5 * MIB);
    await turns();
    checkpoints.note('b', of(MIB), MIB);
    expect(checkpoints.looseBytes).toBe(6 * MIB);
    writes[0]?.end();
    await turns();
    expect(checkpoints.looseBytes).toBe(MIB);
  });

  it('tell whoever flushes them why one in the background could not be written', async () => {
    const { checkpoints, writes } = journal();
    checkpoints.note('a', of(5 * MIB), 5 * MIB);
    await turns();
    checkpoints.note('b', of(5 * MIB), 5 * MIB);
    writes[0]?.fail(new Error('the disk is gone'));
    await expect(checkpoints.flush()).rejects.toThrow('the disk is gone');
  });

  it('are not recorded when they are forgotten while they wait', async () => {
    const { checkpoints, records, writes } = journal();
    checkpoints.note('a', of(5 * MIB), 5 * MIB);
    await turns();
    checkpoints.note('b', of(5 * MIB), 5 * MIB);
    checkpoints.forget('b');
    writes[0]?.end();
    await checkpoints.flush();
    expect(records).toEqual([['a']]);
  });
});
