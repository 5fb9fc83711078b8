import { type DBSchema, type IDBPDatabase, openDB } from 'idb';
import { guarded } from './fs-fault.js';

/** A record's place: its segment, which each snapshot begins anew, and its number within. */
export type RecordKey = readonly [segment: number, number: number];

interface Schema extends DBSchema {
  /** Lines of the journal's text format: length, checksum, JSON. */
  readonly records: { readonly key: [number, number]; readonly value: Uint8Array };
  /** The newest snapshot, as such a line. */
  readonly snapshot: { readonly key: 'newest'; readonly value: Uint8Array };
  /** The highest epoch that a lease was given with: whoever writes under a lower one has been replaced. */
  readonly fence: { readonly key: 'epoch'; readonly value: number };
}

export type Database = IDBPDatabase<Schema>;

/** Browsers call a transaction done before it is on the disk unless they are told otherwise. */
export const STRICT = { durability: 'strict' } as const;

/** The database of a depot: its journal and its fence. Lets go of it when another page wants to delete it, or a newer version to change it. */
export function openDatabase(name: string): Promise<Database> {
  const open = () =>
    openDB<Schema>(`lading:${name}`, 1, {
      upgrade: (database) => {
        database.createObjectStore('records');
        database.createObjectStore('snapshot');
        database.createObjectStore('fence');
      },
      blocking: (_current, _blocked, event) => (event.target as IDBDatabase).close(),
    });
  return guarded('open', 'the database of the depot', open);
}
