import type { Range, Ranges } from '@lading/core';
import type { MemoryProcess } from '@lading/memory';
import type { DigestAlgorithm, Fetcher, Journal, Ports, StagedFile, Store } from '@lading/runtime';
import type { Chronicle } from './chronicle.js';
import type { FileName, Observation, StoreCall, Tell } from './observation.js';

/** What a watcher has to know of the world around the ports. */
export interface Outlook {
  readonly process: MemoryProcess;
  readonly chronicle: Chronicle;
  readonly tell: Tell;
  /** Which file a URL serves. */
  readonly fileAt: (url: string) => FileName;
  /** Called before each request. */
  readonly onRequest: (url: string) => void;
  readonly isFull: () => boolean;
  /** Resolves when the disk has had its time for a call. */
  readonly onDisk: () => Promise<void>;
}

const never = <T>(): Promise<T> => new Promise<T>(() => undefined);

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** A staged file that tells what is done to it. */
class WatchedFile implements StagedFile {
  constructor(
    private readonly inner: StagedFile,
    private readonly name: FileName,
    private readonly tell: Tell,
    private readonly onDisk: () => Promise<void>,
  ) {}

  get bytes(): number {
    return this.inner.bytes;
  }

  get held(): Ranges {
    return this.inner.held;
  }

  get survivesExit(): boolean {
    return this.inner.survivesExit;
  }

  async write(chunk: Uint8Array, at = this.inner.bytes): Promise<void> {
    this.tell({ type: 'write', ...this.name, from: at, bytes: chunk.length });
    await this.onDisk();
    await this.inner.write(chunk, at);
    this.tell({ type: 'written', ...this.name, held: this.inner.held });
  }

  async sync(): Promise<Ranges> {
    const { held } = this.inner;
    // Twice the time of a write: more bytes may come meanwhile, which nobody has promised anything about.
    await this.onDisk();
    await this.onDisk();
    await this.inner.sync();
    this.tell({ type: 'synced', ...this.name, held });
    return held;
  }

  async drop(range: Range): Promise<void> {
    this.tell({ type: 'dropped', ...this.name, range });
    await this.onDisk();
    await this.inner.drop(range);
  }

  async reset(): Promise<void> {
    this.tell({ type: 'reset', ...this.name });
    await this.onDisk();
    await this.inner.reset();
  }

  async sha256(range: Range): Promise<string> {
    await this.onDisk();
    return await this.inner.sha256(range);
  }

  digests(): Promise<Partial<Record<DigestAlgorithm, string>>> {
    return this.inner.digests();
  }

  async close(): Promise<void> {
    await this.onDisk();
    await this.inner.close();
    this.tell({ type: 'unstaged', ...this.name });
  }
}

function watchedStore(inner: Store, { isFull, onDisk }: Outlook, tell: Tell): Store {
  const around = async <T>(
    call: StoreCall,
    core: string,
    keep: string | null,
    files: readonly string[] | null,
    work: () => Promise<T>,
  ): Promise<T> => {
    tell({ type: 'store', call, core, keep, files });
    let isDone = false;
    try {
      await onDisk();
      const value = await work();
      isDone = true;
      return value;
    } finally {
      tell({ type: 'stored', call, core, isDone });
    }
  };
  return {
    stage: async (...args) => {
      const [core, file, { sizeBytes }] = args;
      tell({ type: 'stage', core, file, sizeBytes });
      try {
        await onDisk();
        const staged = await inner.stage(...args);
        tell({ type: 'staged', core, file, held: staged.held });
        return new WatchedFile(staged, { core, file }, tell, onDisk);
      } catch (error) {
        tell({ type: 'unstaged', core, file });
        throw error;
      }
    },
    // Of one file, as staging is: nobody else may have that file meanwhile.
    adopt: async (...args) => {
      const [core, file] = args;
      tell({ type: 'stage', core, file, sizeBytes: 0 });
      try {
        await onDisk();
        return await inner.adopt(...args);
      } finally {
        tell({ type: 'unstaged', core, file });
      }
    },
    reclaim: (...args) => around('reclaim', args[0], args[1], args[2], () => inner.reclaim(...args)),
    discard: (...args) => around('discard', args[0], null, null, () => inner.discard(...args)),
    extract: (...args) => around('extract', args[0], args[1].generation, null, () => inner.extract(...args)),
    publish: (...args) => around('publish', args[0], args[1], args[2], () => inner.publish(...args)),
    sweep: (...args) => around('sweep', args[0], args[1], null, () => inner.sweep(...args)),
    remove: (...args) => around('remove', args[0], null, null, () => inner.remove(...args)),
    quarantine: (...args) => around('quarantine', args[0], args[1], args[2], () => inner.quarantine(...args)),
    generations: (core) => inner.generations(core),
    sizes: (...args) => inner.sizes(...args),
    residents: () => inner.residents(),
    inspect: (...args) => inner.inspect(...args),
    read: (core, generation, file) => inner.read(core, generation, file),
    locate: (core, generation, file) => inner.locate(core, generation, file),
    freeBytes: () => (isFull() ? Promise.resolve(0) : inner.freeBytes()),
    usage: () => inner.usage(),
  };
}

async function* endingWith<T>(items: AsyncIterable<T>, end: () => void): AsyncGenerator<T, void, undefined> {
  try {
    yield* items;
  } finally {
    end();
  }
}

function watchedFetcher(inner: Fetcher, { process, fileAt, onRequest }: Outlook, tell: Tell): Fetcher {
  let requests = 0;
  return {
    isRangeFirst: inner.isRangeFirst,
    ...(inner.connections === undefined ? {} : { connections: inner.connections }),
    ...(inner.redact === undefined ? {} : { redact: inner.redact }),
    fetch: async (request, signal) => {
      if (!process.isAlive) return await never();
      // As every real client: who has given up already sends nothing.
      signal.throwIfAborted();
      const { url, from, to = null, ifRange } = request;
      const name = fileAt(url);
      const id = ++requests;
      onRequest(url);
      tell({ type: 'request', ...name, url, from, to, ifRange, id });
      // When its body was read, or when it was given up: a dead process does neither.
      let isOver = false;
      const end = () => {
        if (isOver || !process.isAlive) return;
        isOver = true;
        tell({
          type: 'requestEnded',
          ...name,
          id,
          error: signal.reason === undefined ? null : messageOf(signal.reason),
        });
      };
      signal.addEventListener('abort', end, { once: true });
      const response = await inner.fetch(request, signal);
      tell({ type: 'response', ...name, id, status: response.status, requests: response.requests ?? 1 });
      return { ...response, body: endingWith(response.body, end) };
    },
  };
}

function watchedJournal(inner: Journal, { chronicle, onDisk }: Outlook, tell: Tell): Journal {
  return {
    load: async () => {
      const image = await inner.load();
      tell({ type: 'loaded', image });
      chronicle.load(image);
      return image;
    },
    append: async (records) => {
      tell({ type: 'append', records });
      try {
        await onDisk();
        await inner.append(records);
      } catch (error) {
        tell({ type: 'broken', error });
        throw error;
      }
      for (const record of records) chronicle.commit(record);
      tell({ type: 'durable' });
    },
    compact: async (image) => {
      tell({ type: 'compact', image });
      await inner.compact(image);
    },
    close: () => inner.close(),
  };
}

/** The same ports, each call told before it is made. What a dead process still tries is not told: it does nothing. */
export function watched(ports: Ports, outlook: Outlook): Ports {
  const tell = (observation: Observation) => {
    if (outlook.process.isAlive) outlook.tell(observation);
  };
  return {
    ...ports,
    fetcher: watchedFetcher(ports.fetcher, outlook, tell),
    store: watchedStore(ports.store, outlook, tell),
    journal: watchedJournal(ports.journal, outlook, tell),
  };
}
