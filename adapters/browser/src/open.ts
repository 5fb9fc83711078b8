import { Catalog, ConfigurationError, idDefect } from '@lading/core';
import {
  type Asset,
  type Depot,
  initializationError,
  type Joining,
  type JournalRecord,
  joinDepot,
  type OpenOptions,
} from '@lading/runtime';
import type { Observable } from 'rxjs';
import { BrowserAsset } from './asset.js';
import type { StorageKind } from './capabilities.js';
import { catalogOf, partsOf } from './catalog-source.js';
import { type OpenRequest, PROTOCOL } from './messages.js';
import { onPageLife } from './page-life.js';
import { type Space, spaceOf } from './space.js';
import { TabChannel } from './tab-channel.js';
import { WorkerLink } from './worker-link.js';

/** Cores in work at once. A browser has six connections to an origin; one core takes up to four of them. */
const CONCURRENCY = 1;
const DEFAULT_DIR = 'lading';

export interface BrowserOptions extends Pick<OpenOptions, 'stallMs' | 'limitBytesPerSecond'> {
  /** Manifests: addresses relative to the page, or a catalog that is loaded already. */
  readonly catalog: string | readonly string[] | Catalog;
  /** The depot's name within this origin, one folder of its private file system; default `lading`. */
  readonly dir?: string;
  /** Platform that variants are resolved for; default `browser`. */
  readonly platform?: string;
  /** Cores in work at once; 0 starts nothing. */
  readonly concurrency?: number;
  readonly retryBaseMs?: number;
  /** Starts the worker, where a bundler does not follow `new URL('./depot-worker.js', import.meta.url)`. */
  readonly worker?: () => Worker;
}

export interface BrowserDepot extends Depot {
  download(id: string, options?: { readonly signal?: AbortSignal }): Promise<BrowserAsset>;
  asset(id: string): BrowserAsset | null;
  installed(): readonly BrowserAsset[];
  /** Where the bytes are, what the browser allows, and what it does not. */
  space(): Promise<Space>;
  /** Asks the browser not to evict this site's storage; true if it promises. Best asked on a person's gesture. */
  persist(): Promise<boolean>;
  /** Whether this tab's worker does the work of all tabs. */
  readonly isOwner$: Observable<boolean>;
  /** Every record that is still there. */
  history(): Promise<readonly JournalRecord[]>;
}

const ownWorker = (): Worker =>
  new Worker(new URL('./depot-worker.js', import.meta.url), { type: 'module', name: 'lading' });

function catalogFor({ catalog, platform = 'browser' }: BrowserOptions): OpenRequest['catalog'] {
  if (catalog instanceof Catalog) return partsOf(catalog);
  return { addresses: typeof catalog === 'string' ? [catalog] : catalog, base: document.baseURI, platform };
}

function requestOf(options: BrowserOptions): OpenRequest {
  const { dir = DEFAULT_DIR, concurrency = CONCURRENCY, stallMs, retryBaseMs, limitBytesPerSecond } = options;
  return {
    type: 'open',
    protocol: PROTOCOL,
    dir,
    catalog: catalogFor(options),
    concurrency,
    ...(stallMs === undefined ? {} : { stallMs }),
    ...(retryBaseMs === undefined ? {} : { retryBaseMs }),
    ...(limitBytesPerSecond === undefined ? {} : { limitBytesPerSecond }),
  };
}

const locate = (core: string, generation: string, file: string): string => `cores/${core}/${generation}/${file}`;

/**
 * Opens this origin's depot. One tab's worker owns it and does the work; every tab, also that one, is a guest that sees and commands all of it.
 * When the owner closes, crashes, is frozen or goes into the back/forward cache, the next tab's worker takes over. Throws `InitializationError`
 * if the browser cannot, `ConfigurationError` if the catalog or the name is refused, `LadingError` `otherRelease` if a tab of another release owns it.
 */
export async function openDepot(options: BrowserOptions): Promise<BrowserDepot> {
  const { dir = DEFAULT_DIR } = options;
  const defect = idDefect(dir);
  if (defect !== null)
    throw new ConfigurationError(`the depot "${dir}": ${defect}`, {
      code: 'invalidDir',
      remedy: 'Give it another name.',
    });
  const channel = new TabChannel(dir);
  let joining: Joining | null = null;
  const fail = (error: unknown): void => joining?.fail(initializationError(error));
  const link = new WorkerLink(options.worker ?? ownWorker, requestOf(options), fail);
  let storage: StorageKind;
  const begin = async () => {
    const opened = await link.start();
    storage = opened.storage;
    return opened;
  };
  // From the first moment: a page may be left while its depot opens.
  const stopListening = onPageLife(
    () => {
      channel.sleep();
      link.end();
    },
    () => {
      channel.wake();
      joining?.again();
      begin().catch(fail);
    },
  );
  try {
    const opened = await begin();
    const catalog = catalogOf(opened.catalog);
    const caveat = opened.storage.type === 'memory' ? { caveat: opened.storage.message } : {};
    // A tab that can show nothing must not become the owner of what others show.
    const onBroken = (error: unknown) => link.fail(error);
    joining = joinDepot({ channel, catalog, name: crypto.randomUUID(), locate, onBroken, ...caveat });
    const depot = await joining.depot;
    const close = async () => {
      stopListening();
      await link.close();
    };
    return browserDepot(depot, link, () => storage, close);
  } catch (error) {
    stopListening();
    channel.close();
    link.end();
    throw initializationError(error);
  }
}

function browserDepot(
  depot: Depot,
  link: WorkerLink,
  storage: () => StorageKind,
  closeWorker: () => Promise<void>,
): BrowserDepot {
  const open = (place: string) => link.ask({ type: 'file', place });
  const browserAsset = (asset: Asset) => new BrowserAsset(asset, locate, open);
  const download = depot.download.bind(depot);
  const asset = depot.asset.bind(depot);
  const installed = depot.installed.bind(depot);
  const leave = depot.close.bind(depot);
  return Object.assign(depot, {
    download: async (id: string, how?: { readonly signal?: AbortSignal }) => browserAsset(await download(id, how)),
    asset: (id: string) => {
      const found = asset(id);
      return found === null ? null : browserAsset(found);
    },
    installed: () => installed().map(browserAsset),
    space: () => spaceOf(storage()),
    persist: () => navigator.storage.persist(),
    isOwner$: link.isOwner$.asObservable(),
    history: () => link.ask({ type: 'history' }),
    // First the guest, so that nobody here hears of the owner's end, then the worker, if it is the owner.
    close: async () => {
      await leave();
      await closeWorker();
    },
  });
}
