/** What the suite of the journal asks of a platform beyond the port, and the two moves that all of it makes. */
import type { Journal, JournalRecord } from '@lading/runtime';

/** Where a journal of bytes lies, for those who want to spoil it. */
export interface JournalMedium {
  /** The names of what holds records, oldest first. */
  segments(): Promise<readonly string[]>;
  /** The name of the newest snapshot. */
  readonly snapshot: string;
  read(name: string): Promise<Uint8Array>;
  write(name: string, bytes: Uint8Array): Promise<void>;
  /** Everything that is there, by name. */
  all(): Promise<ReadonlyMap<string, Uint8Array>>;
}

export interface JournalBench extends AsyncDisposable {
  /** As a process that starts anew finds it. */
  open(): Journal;
  /** As somebody who only looks while another may be writing. */
  read(): Journal;
  readonly medium: JournalMedium;
  /**
   * Lets the next write or sync fail, once, as a full or broken disk does; of a write, half is done before. A write that takes half and calls that no
   * error is what write(2) may do.
   */
  failNext(action: 'write' | 'half a write' | 'sync'): Promise<void>;
  /** Does the work in a process that dies after so many steps, the next one torn; tells whether it came to its end before. */
  dying(steps: number, work: (journal: Journal) => Promise<unknown>): Promise<'done' | 'died'>;
  /** Ends all processes, and forgets what was not synced. */
  cutPower(): Promise<void>;
}

/** What a platform cannot be asked, with the reason why. */
export interface JournalLacks {
  /** There is no mode for somebody who only looks. */
  readonly reader?: string;
  /** Records are not bytes that could be cut or flipped. */
  readonly medium?: string;
  readonly failure?: string;
  readonly death?: string;
  readonly powerCut?: string;
}

export type JournalSentence = (
  lack: string | undefined,
  words: string,
  test: (bench: JournalBench) => Promise<void>,
) => void;

export async function appended(bench: JournalBench, ...batches: readonly (readonly JournalRecord[])[]): Promise<void> {
  const journal = bench.open();
  await journal.load();
  for (const batch of batches) await journal.append(batch);
  await journal.close();
}

export const loaded = async (bench: JournalBench): Promise<readonly JournalRecord[]> =>
  (await bench.open().load()).records;
