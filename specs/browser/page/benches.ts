/** The benches of a browser's disk, database, locks and timers. */
import { IdbJournal, OpfsStore, openDatabase, systemClock, WebLease } from '@lading/browser';
import type { ClockBench } from '../../conformance/clock.js';
import type { JournalBench } from '../../conformance/journal-bench.js';
import type { Competitor, LeaseBench } from '../../conformance/lease.js';
import type { StoreBench } from '../../conformance/store-bench.js';
import { dying } from './mortal.js';

const unable = (): never => {
  throw new Error('a sentence that is left out was asked');
};

let count = 0;
const newName = (): string => `bench-${++count}-${crypto.randomUUID()}`;

export async function makeClock(): Promise<ClockBench> {
  return { clock: systemClock, until: (promise) => promise, [Symbol.asyncDispose]: () => Promise.resolve() };
}

export async function makeStore(): Promise<StoreBench> {
  const top = await navigator.storage.getDirectory();
  const name = newName();
  const root = await top.getDirectoryHandle(name, { create: true });
  const store = new OpfsStore(root);
  const folderOf = async (place: string): Promise<FileSystemDirectoryHandle> => {
    let folder = root;
    for (const segment of place.split('/').slice(0, -1)) folder = await folder.getDirectoryHandle(segment);
    return folder;
  };
  return {
    store,
    reopen: () => new OpfsStore(root),
    spoil: async (core, generation, file, bytes) => {
      const place = store.locate(core, generation, file);
      const folder = await folderOf(place);
      const base = place.split('/').at(-1) ?? '';
      if (bytes === null) return await folder.removeEntry(base);
      const handle = await (await folder.getFileHandle(base)).createSyncAccessHandle();
      handle.truncate(0);
      handle.write(bytes, { at: 0 });
      handle.close();
    },
    leaveFree: unable,
    halveNextWrite: unable,
    failNextSync: unable,
    dying: (steps, work) => dying(root, steps, (mortal) => work(new OpfsStore(mortal))),
    cutPower: unable,
    [Symbol.asyncDispose]: () => top.removeEntry(name, { recursive: true }),
  };
}

function dropDatabase(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(`lading:${name}`);
    request.onsuccess = () => resolve();
    request.onerror = () => reject(request.error);
  });
}

export async function makeJournal(): Promise<JournalBench> {
  const name = newName();
  const database = await openDatabase(name);
  await database.transact('readwrite', async (store) => void store('fence').put(1, 'epoch'));
  return {
    open: () => new IdbJournal(database, () => 1),
    read: () => new IdbJournal(database, null),
    medium: {
      segments: unable,
      snapshot: 'newest',
      read: unable,
      write: unable,
      all: async () => {
        const records = await database.transact('readonly', async (store) => ({
          keys: store('records').getAllKeys(),
          lines: store('records').getAll(),
        }));
        const lines = records.lines.result as readonly Uint8Array[];
        return new Map(lines.map((line, i) => [String(records.keys.result[i]), line]));
      },
    },
    failNext: unable,
    dying: unable,
    cutPower: unable,
    [Symbol.asyncDispose]: async () => {
      database.close();
      await dropDatabase(name);
    },
  };
}

interface Told {
  readonly clientId?: string;
  readonly epoch?: number | null;
}

async function competitor(name: string, workers: Worker[]): Promise<Competitor> {
  const worker = new Worker('/competitor.js', { type: 'module' });
  workers.push(worker);
  const hear = (): Promise<Told> =>
    new Promise((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<Told>) => resolve(data);
      worker.onerror = (event) => reject(new Error(event.message));
    });
  const hello = hear();
  worker.postMessage({ depot: name });
  const { clientId } = await hello;
  return {
    owner: { clientId },
    acquire: async () => {
      const answer = hear();
      worker.postMessage('acquire');
      return (await answer).epoch ?? null;
    },
    kill: async () => {
      worker.terminate();
      // The browser takes a moment to notice. Nobody may hold the lock to find out: another could be refused because of it.
      for (let isAlive = true; isAlive; ) {
        const { held = [] } = await navigator.locks.query();
        isAlive = held.some((lock) => lock.clientId === clientId);
      }
    },
  };
}

export async function makeLease(): Promise<LeaseBench> {
  const name = newName();
  const database = await openDatabase(name);
  const workers: Worker[] = [];
  return {
    lease: () => new WebLease(name, database),
    competitor: () => competitor(name, workers),
    [Symbol.asyncDispose]: async () => {
      for (const worker of workers) worker.terminate();
      database.close();
      await dropDatabase(name);
    },
  };
}
