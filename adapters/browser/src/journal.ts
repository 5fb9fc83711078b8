import type { StateImage } from '@lading/core';
import {
  decodeLine,
  encodeLine,
  FaultError,
  type Journal,
  type JournalImage,
  type JournalRecord,
  upcast,
} from '@lading/runtime';
import { answerOf, type Database, type RecordKey } from './database.js';
import { evicted, guarded } from './fs-fault.js';

/** Older segments that are kept for the history, beside those that the snapshot needs. */
const KEPT_SEGMENTS = 16;

interface StoredSnapshot {
  readonly v: 1;
  /** First segment that holds records behind it. */
  readonly segment: number;
  readonly image: StateImage;
}

/** A line of the text format without its newline, which `decodeLine` wants off; undefined if it was changed. */
const recordIn = (line: Uint8Array): unknown => decodeLine(line.subarray(0, line.length - 1));

/**
 * The journal in IndexedDB: each record is the very line that a journal file has, checksum and all, so the concatenation of a segment's lines
 * is such a file. One batch is one strict transaction, durable when it is told so; in it stands the fence. Refuses to write once another
 * owner's epoch is there, or when the database is not what it was left as.
 */
export class IdbJournal implements Journal {
  private segment = 1;
  /** The last record of the segment as this one left it; 0 before the first. */
  private last = 0;

  /** `epoch` is that of the lease it is written under; a reader has none and writes nothing. */
  constructor(
    private readonly database: Database,
    private readonly epoch: (() => number) | null,
  ) {}

  async load(): Promise<JournalImage> {
    const snapshot = await this.readSnapshot();
    return { snapshot: snapshot?.image ?? null, records: await this.readRecords(snapshot?.segment ?? 0) };
  }

  /** Every record that is still there, also those before the snapshot. */
  history(): Promise<readonly JournalRecord[]> {
    return this.readRecords(0);
  }

  /** A snapshot that fails its check is passed over: the records are the truth. */
  private async readSnapshot(): Promise<StoredSnapshot | null> {
    const line = await guarded('read', 'the snapshot', () =>
      this.database.transact('readonly', (store) => answerOf<Uint8Array | undefined>(store('snapshot').get('newest'))),
    );
    const stored = line === undefined ? undefined : (recordIn(line) as StoredSnapshot | undefined);
    return stored?.v === 1 ? stored : null;
  }

  private async readRecords(from: number): Promise<JournalRecord[]> {
    const range = IDBKeyRange.lowerBound([from, 0]);
    const [keys, lines] = await guarded('read', 'the journal', () =>
      this.database.transact('readonly', (store) => {
        const keys = answerOf(store('records').getAllKeys(range)) as Promise<unknown> as Promise<readonly RecordKey[]>;
        return Promise.all([keys, answerOf<Uint8Array[]>(store('records').getAll(range))]);
      }),
    );
    [this.segment, this.last] = keys.at(-1) ?? [Math.max(1, from), 0];
    return lines.map((line, i) => {
      const value = recordIn(line);
      if (value === undefined) throw corrupt(keys[i] ?? [0, 0]);
      return upcast(value);
    });
  }

  async append(records: readonly JournalRecord[]): Promise<void> {
    await this.writing('write the journal', async (store) => {
      // Written anew so that an empty batch too makes durable what an earlier owner may not have lived to see durable.
      await answerOf(store('fence').put(this.mine, 'epoch'));
      const puts = records.map((record, i) => {
        const key: RecordKey = [this.segment, this.last + i + 1];
        return answerOf(store('records').put(encodeLine(record), [...key]));
      });
      await Promise.all(puts);
    });
    this.last += records.length;
  }

  async compact(image: StateImage): Promise<void> {
    const stored: StoredSnapshot = { v: 1, segment: this.segment + 1, image };
    await this.writing('write the snapshot', async (store) => {
      await answerOf(store('snapshot').put(encodeLine(stored), 'newest'));
      const old = IDBKeyRange.upperBound([stored.segment - KEPT_SEGMENTS, 0], true);
      await answerOf(store('records').delete(old));
    });
    this.segment = stored.segment;
    this.last = 0;
  }

  private async writing(
    action: string,
    work: (store: (name: 'records' | 'snapshot' | 'fence') => IDBObjectStore) => Promise<void>,
  ): Promise<void> {
    if (this.epoch === null) throw new Error('a reader does not write the journal');
    await guarded(action, 'to IndexedDB', () =>
      this.database.transact('readwrite', async (store) => {
        const epoch: number | undefined = await answerOf(store('fence').get('epoch'));
        const cursor = await answerOf(store('records').openKeyCursor(null, 'prev'));
        this.mustBeMine(epoch, (cursor?.key ?? null) as RecordKey | null);
        await work(store);
      }),
    );
  }

  private get mine(): number {
    return this.epoch?.() ?? 0;
  }

  /** Nothing was written between, and nobody else has become the owner: else what is here would not follow what is there. */
  private mustBeMine(epoch: number | undefined, last: RecordKey | null): void {
    if (epoch === undefined || (last === null && this.last > 0)) throw evicted('the journal');
    const isAsLeft = last === null || last[0] < this.segment ? this.last === 0 : last[1] === this.last;
    if (epoch === this.mine && isAsLeft) return;
    const message = 'the depot was taken over by another tab while this one was silent; it writes nothing more';
    throw new FaultError({ type: 'leaseHeld', detail: 'fenced', message }, { owner: { epoch } });
  }

  /** The database is its opener's: the lease lives in it too. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}

function corrupt([segment, number]: RecordKey): FaultError {
  const message = `the journal is damaged at record ${number} of segment ${segment}; nothing was changed`;
  return FaultError.of('unknown', 'journalCorrupt', message);
}
