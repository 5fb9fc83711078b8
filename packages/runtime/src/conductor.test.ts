import { Catalog, type Command, DEFAULT_POLICY, type Effect, EMPTY_STATE, readManifestValue } from '@lading/core';
import { describe, expect, it } from 'vitest';
import { Conductor } from './conductor.js';
import type { JournalRecord } from './ports.js';

const ids = ['a', 'b', 'c', 'd'];
const reading = readManifestValue(
  {
    version: 3,
    cores: ids.map((id) => ({
      id,
      files: [{ filename: 'f', url: 'https://example.org/f', sizeBytes: 1, sha256: 'a'.repeat(64) }],
    })),
  },
  { base: null, allowHttp: false },
);
if (!reading.ok) throw new Error(JSON.stringify(reading.defects));
const { catalog } = Catalog.of([reading.manifest], 'any');

interface Append {
  readonly records: readonly JournalRecord[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** A conductor whose journal answers only when told to; `tailEvents` is what earlier lives have written behind the newest snapshot. */
function bench(tailEvents = 0) {
  const appends: Append[] = [];
  const snapshots: number[] = [];
  const performed: Effect[] = [];
  const told: JournalRecord[] = [];
  const broken: unknown[] = [];
  const conductor = new Conductor({
    state: { ...EMPTY_STATE, position: tailEvents },
    snapshotAt: 0,
    catalog,
    policy: { ...DEFAULT_POLICY, slots: 2 },
    epoch: 1,
    journal: {
      load: () => Promise.resolve({ snapshot: null, records: [] }),
      append: (records) => new Promise((resolve, reject) => appends.push({ records, resolve, reject })),
      compact: async ({ position }) => void snapshots.push(position),
      close: () => Promise.resolve(),
    },
    clock: { now: () => 0, monotonicMs: () => 0, wait: () => Promise.resolve() },
    luck: () => 0.5,
    perform: (effect) => performed.push(effect),
    onRecord: (record) => told.push(record),
    onBroken: (error) => broken.push(error),
  });
  return { appends, performed, told, broken, snapshots, conductor };
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));
const download = (id: string): Command => ({ type: 'download', id });

describe('the conductor', () => {
  it('writes a snapshot at its close when the tail is long, whichever lives have written it', async () => {
    const short = bench(249);
    await short.conductor.close();
    expect(short.snapshots).toEqual([]);
    const long = bench(250);
    await long.conductor.close();
    expect(long.snapshots).toEqual([250]);
  });

  it('acts, tells and answers only when the record is durable', async () => {
    const { appends, performed, told, conductor } = bench();
    let isAnswered = false;
    const answer = conductor.command(download('a')).then((refusal) => {
      isAnswered = true;
      return refusal;
    });
    await settled();
    expect(appends).toHaveLength(1);
    expect([performed, told, isAnswered, conductor.state.position]).toEqual([[], [], false, 0]);
    appends[0]?.resolve();
    expect(await answer).toBeNull();
    expect(performed).toEqual([{ type: 'prepare', core: 'a', ticket: 1 }]);
    expect(told).toHaveLength(1);
    expect(conductor.state.position).toBe(told[0]?.events.length);
  });

  it('writes what waits in one append, each input its own record, positions without a gap', async () => {
    const { appends, performed, told, conductor } = bench();
    const first = conductor.command(download('a'));
    await settled();
    const rest = ['b', 'c', 'd'].map((id) => conductor.command(download(id)));
    await settled();
    expect(appends).toHaveLength(1);
    appends[0]?.resolve();
    await first;
    await settled();
    expect(appends.map(({ records }) => records.length)).toEqual([1, 3]);
    expect(performed).toHaveLength(1);
    appends[1]?.resolve();
    expect(await Promise.all(rest)).toEqual([null, null, null]);
    expect(performed.map(({ core }) => core)).toEqual(['a', 'b']);
    let position = 0;
    for (const record of told) {
      expect(record.from).toBe(position);
      expect(record.events.length).toBeGreaterThan(0);
      position += record.events.length;
    }
    expect(conductor.state.position).toBe(position);
  });

  it('when the journal fails: nothing has happened, every caller is told, and nothing is taken any more', async () => {
    const { appends, performed, told, broken, conductor } = bench();
    const error = new Error('the disk is gone');
    const first = conductor.command(download('a'));
    await settled();
    const waiting = conductor.command(download('b'));
    appends[0]?.reject(error);
    await expect(first).rejects.toBe(error);
    await expect(waiting).rejects.toBe(error);
    await expect(conductor.command(download('c'))).rejects.toBe(error);
    await expect(conductor.report({ type: 'due', core: 'a', ticket: 1 })).rejects.toBe(error);
    expect([performed, told, broken, conductor.state]).toEqual([[], [], [error], EMPTY_STATE]);
    expect(appends).toHaveLength(1);
    await conductor.close();
  });

  it('refuses without a record', async () => {
    const { appends, conductor } = bench();
    expect(await conductor.command(download('nobody'))).toMatchObject({ type: 'refusal', code: 'unknownId' });
    expect(await conductor.command({ type: 'pause', id: 'a' })).toMatchObject({ code: 'nothingToDo' });
    await conductor.report({ type: 'due', core: 'a', ticket: 99 });
    expect(appends).toEqual([]);
  });

  it('judges an input on what the inputs before it in the same batch have made', async () => {
    const { appends, conductor } = bench();
    const asked = conductor.command(download('a'));
    const paused = conductor.command({ type: 'pause', id: 'a' });
    const again = conductor.command({ type: 'pause', id: 'a' });
    await settled();
    expect(appends[0]?.records).toHaveLength(2);
    appends[0]?.resolve();
    expect(await asked).toBeNull();
    expect(await paused).toBeNull();
    expect(await again).toMatchObject({ code: 'nothingToDo' });
  });

  it('closes when what is in its mailbox is written', async () => {
    const { appends, conductor } = bench();
    const asked = conductor.command(download('a'));
    const closing = conductor.close();
    await settled();
    appends[0]?.resolve();
    await closing;
    expect(await asked).toBeNull();
    expect(appends).toHaveLength(1);
  });
});
