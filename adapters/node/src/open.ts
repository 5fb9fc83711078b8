import { access, constants } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Catalog, type Policy } from '@lading/core';
import {
  type Depot,
  type DepotReader,
  type Export,
  exportOf,
  FaultError,
  type Fetcher,
  type Hub,
  type Inspection,
  initializationError,
  inspectCore,
  type JournalImage,
  type JournalRecord,
  type OpenOptions,
  openDepotOn,
  recall,
  View,
  withoutLost,
} from '@lading/runtime';
import { loadCatalog } from './catalog-source.js';
import { systemClock } from './clock.js';
import { onceDescriptorFree } from './descriptors.js';
import { HttpFetcher } from './fetcher.js';
import { isMissing } from './fs-fault.js';
import { FileJournal } from './journal.js';
import { FileLease } from './lease.js';
import { Reserve } from './reserve.js';
import { DiskStore } from './store.js';

export interface NodeOptions extends Pick<OpenOptions, 'stallMs' | 'limitBytesPerSecond' | 'transfer'> {
  /** The depot's directory; made if it is not there. */
  readonly dir: string;
  /** Manifests: paths or addresses, or a catalog that is loaded already. */
  readonly catalog: string | readonly string[] | Catalog;
  /** Platform that variants are resolved for; default the one this process runs on. */
  readonly platform?: string;
  /** Cores in work at once; 0 starts nothing. */
  readonly concurrency?: number;
  readonly retryBaseMs?: number;
  /** Headers for one origin each, such as a token; they are sent to that origin only. */
  readonly headers?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Allows `http:` to hosts that are not loopback. */
  readonly allowHttp?: boolean;
  /** A hub whose files the catalog names, or has copies of on this machine. */
  readonly hub?: Hub;
}

/** Syncs of small files take turns in the thread pool: so many at once keep it at work. */
const TRANSFER = { filesAtOnce: 8 };

const journalOf = (dir: string): string => join(dir, 'journal');

function policyOf({ concurrency, retryBaseMs }: NodeOptions): Partial<Policy> {
  return {
    ...(concurrency === undefined ? {} : { slots: concurrency }),
    ...(retryBaseMs === undefined ? {} : { retryBaseMs, retryCapMs: Math.max(32_000, retryBaseMs) }),
  };
}

function fetcherOf({ headers, allowHttp }: NodeOptions): HttpFetcher {
  return new HttpFetcher({
    ...(headers === undefined ? {} : { headers }),
    ...(allowHttp === undefined ? {} : { allowHttp }),
  });
}

async function catalogOf(options: NodeOptions, fetcher: HttpFetcher): Promise<Catalog> {
  const { catalog } = options;
  if (catalog instanceof Catalog) return catalog;
  return await loadCatalog(typeof catalog === 'string' ? [catalog] : catalog, fetcher, options);
}

/**
 * Opens a depot in a directory as its one owner. Throws `InitializationError` if another process owns it or the directory cannot be used,
 * `ConfigurationError` if the catalog is refused.
 */
export async function openDepot(options: NodeOptions): Promise<Depot> {
  const dir = resolve(options.dir);
  const fetcher = fetcherOf(options);
  try {
    const catalog = await catalogOf(options, fetcher);
    const reserve = new Reserve(dir);
    const lease = new FileLease(dir, reserve);
    const journal = new FileJournal(journalOf(dir), 'write', () => onceDescriptorFree(() => lease.mustHold()), reserve);
    const source: Fetcher = options.hub?.fetcherFor(catalog, fetcher) ?? fetcher;
    const ports = { fetcher: source, store: new DiskStore(dir), journal, lease, clock: systemClock, luck: Math.random };
    const depot = await openDepotOn(ports, {
      ...options,
      catalog,
      policy: policyOf(options),
      transfer: { ...TRANSFER, ...options.transfer },
    });
    return closingWith(depot, () => fetcher.close());
  } catch (error) {
    await fetcher.close();
    throw initializationError(error);
  }
}

/** Connections are kept for the depot's life and no longer. */
function closingWith(depot: Depot, also: () => Promise<void>): Depot {
  const close = depot.close.bind(depot);
  depot.close = async () => {
    await close();
    await also();
  };
  return depot;
}

export interface NodeReader extends DepotReader {
  /** Every record that is still on disk. */
  history(): Promise<readonly JournalRecord[]>;
  /** The same with the newest snapshot, which tells what came before the first of them. */
  archive(): Promise<JournalImage>;
  /** What is installed of these ids as one archive that `import` takes on another machine. */
  export(...ids: string[]): Promise<Export>;
  /** Reads installed files again and compares them with what was installed. */
  verify(...ids: string[]): Promise<readonly Inspection[]>;
}

/** What is in a depot, for those who only look: needs no lease, writes nothing, works beside an owner at work. */
export async function readDepot(options: NodeOptions): Promise<NodeReader> {
  const dir = resolve(options.dir);
  const fetcher = fetcherOf(options);
  try {
    const catalog = await catalogOf(options, fetcher);
    await mustBeReadable(dir);
    const journal = new FileJournal(journalOf(dir), 'read');
    const recorded = await recall(journal);
    const store = new DiskStore(dir);
    const locate = (core: string, generation: string, file: string) => store.locate(core, generation, file);
    const state = await withoutLost(store, catalog, recorded);
    const view = new View(catalog, () => state, locate);
    const history = () => journal.history();
    const archive = () => journal.archive();
    const verify = async (...ids: string[]) => {
      const installed = new View(catalog, () => recorded, locate);
      const cores =
        ids.length === 0 ? [...recorded.cores.keys()] : [...new Set(ids.flatMap((id) => installed.coresOf(id)))];
      const found = await Promise.all(cores.sort().map((core) => inspectCore(store, recorded, core)));
      return found.filter((inspection) => inspection !== null);
    };
    const exported = async (...ids: string[]) => {
      const cores = new Set(ids.flatMap((id) => view.coresOf(id)));
      return await exportOf({ catalog, store, state }, ids, [...cores]);
    };
    return Object.assign(view, { history, archive, verify, export: exported });
  } catch (error) {
    throw initializationError(error);
  } finally {
    await fetcher.close();
  }
}

/** A directory that is not there yet is an empty depot; one that may not be read is not. */
async function mustBeReadable(dir: string): Promise<void> {
  try {
    await access(dir, constants.R_OK);
  } catch (error) {
    if (isMissing(error)) return;
    throw FaultError.of(
      'filePermissions',
      'EACCES',
      `cannot read the directory ${dir}: ${(error as Error).message}`,
      {},
      error,
    );
  }
}
