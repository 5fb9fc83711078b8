import { guarded } from './fs-fault.js';

/** A record's place: its segment, which each snapshot begins anew, and its number within. */
export type RecordKey = readonly [segment: number, number: number];

const STORES = ['records', 'snapshot', 'fence'] as const;
type StoreName = (typeof STORES)[number];

/**
 * The database of a depot. `records`: lines of the journal's text format, by `RecordKey`. `snapshot`: the newest, as such a line. `fence`: the
 * highest epoch that a lease was given with; whoever writes under a lower one has been replaced.
 */
export class Database {
  constructor(private readonly database: IDBDatabase) {}

  /**
   * Does the work in one transaction, which ends when the work waits for anything else. When it resolves, what was written is on the disk:
   * browsers call a transaction done before that unless they are told otherwise. When it rejects, nothing of it has happened.
   */
  async transact<T>(mode: 'readonly' | 'readwrite', work: (store: (name: StoreName) => IDBObjectStore) => Promise<T>) {
    const transaction = this.database.transaction(STORES, mode, { durability: 'strict' });
    const over = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error ?? new DOMException('it was ended', 'AbortError'));
    });
    try {
      const result = await work((name) => transaction.objectStore(name));
      await over;
      return result;
    } catch (error) {
      over.catch(() => undefined);
      try {
        transaction.abort();
      } catch {
        // It has ended by itself: the error that led here tells why.
      }
      throw error;
    }
  }

  close(): void {
    this.database.close();
  }
}

/** What a request is answered with. */
export function answerOf<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Lets go of the database when another page wants to delete it, or a newer release to change it. */
export function openDatabase(name: string): Promise<Database> {
  return guarded('open', 'the database of the depot', async () => {
    const request = indexedDB.open(`lading:${name}`, 1);
    request.onupgradeneeded = () => {
      for (const store of STORES) request.result.createObjectStore(store);
    };
    const database = await answerOf(request);
    database.onversionchange = () => database.close();
    return new Database(database);
  });
}
