/** What a test does with the journal of a depot that is not open in this page, by name. */
import { IdbJournal, openDatabase, WebLease } from '@lading/browser';
import { type DepotState, EMPTY_STATE, evolve, imageOf, stateOf } from '@lading/core';
import { fold, type JournalImage, readPortableJournal, stateSha256 } from '@lading/runtime';

const NAME = 'lading';

async function kept(): Promise<JournalImage> {
  const database = await openDatabase(NAME);
  try {
    const journal = new IdbJournal(database, null);
    const { snapshot } = await journal.load();
    return { snapshot, records: await journal.history() };
  } finally {
    database.close();
  }
}

export async function hexOf(bytes: BufferSource): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return [...digest].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** `position hash` of each state; the digests of a page come later than those of Node. */
export const hashLines = (states: readonly DepotState[]): Promise<readonly string[]> =>
  Promise.all(
    states.map(async (state) => {
      const text = stateSha256(state, (told) => told);
      return `${state.position} ${await hexOf(new TextEncoder().encode(text))}`;
    }),
  );

export const journalDeeds = {
  archive: () => kept(),
  /** What a depot does after ten thousand events. */
  async compact() {
    const database = await openDatabase(NAME);
    const lease = new WebLease(NAME, database);
    const held = await lease.acquire();
    try {
      const journal = new IdbJournal(database, () => lease.epoch);
      await journal.compact(imageOf(fold(await journal.load())));
    } finally {
      await held.release();
      database.close();
    }
    return null;
  },
  /** Puts something behind the last record that no depot has written. */
  async spoilJournal() {
    const database = await openDatabase(NAME);
    await database.transact('readwrite', async (store) => {
      store('records').put(new Uint8Array([1, 2, 3]), [1, 1_000_000]);
    });
    database.close();
    return null;
  },
  /** The state at every position, folded here: of this page's journal, or of a portable one. */
  hashes: async (portable?: string) =>
    hashLines(statesOf(portable === undefined ? await kept() : readPortableJournal(portable))),
};

function statesOf({ snapshot, records }: JournalImage): readonly DepotState[] {
  const states = [snapshot === null ? EMPTY_STATE : stateOf(snapshot)];
  for (const event of records.flatMap(({ from, events }) => (from < (snapshot?.position ?? 0) ? [] : events)))
    states.push(evolve(states.at(-1) ?? EMPTY_STATE, event)[0]);
  return states;
}
