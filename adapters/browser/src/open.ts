import { Catalog } from '@lading/core';
import {
  type Asset,
  type Depot,
  initializationError,
  type JournalRecord,
  Mirror,
  type OpenOptions,
} from '@lading/runtime';
import { BrowserAsset } from './asset.js';
import type { StorageKind } from './capabilities.js';
import { catalogOf, partsOf } from './catalog-source.js';
import { type OpenRequest, PROTOCOL } from './messages.js';
import { onPageLife } from './page-life.js';
import { revivedError } from './plain-error.js';
import { type Space, spaceOf } from './space.js';
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

/**
 * Opens this origin's depot in a worker of this page, as its one owner; the page sees it as any other depot. Lets go of it when the page goes
 * into the back/forward cache or is frozen, and takes it up again when it comes back. Throws `InitializationError` if another tab owns it or
 * the browser cannot, `ConfigurationError` if the catalog is refused.
 */
export async function openDepot(options: BrowserOptions): Promise<BrowserDepot> {
  try {
    let mirror: Mirror | null = null;
    const link = new WorkerLink(options.worker ?? ownWorker, requestOf(options), (news) => {
      if (news.type === 'recorded') mirror?.follow(news.records);
      else if (news.type === 'flow') mirror?.flow(news.core, news.live);
      else mirror?.break(revivedError(news.error));
    });
    let { image, storage, catalog: parts } = await link.start();
    const goOn = async () => {
      try {
        ({ image, storage, catalog: parts } = await link.start());
        mirror?.rejoin(image);
      } catch (error) {
        mirror?.break(error);
      }
    };
    const stopListening = onPageLife(
      () => link.end(),
      () => void goOn(),
    );
    const locate = (core: string, generation: string, file: string) => `cores/${core}/${generation}/${file}`;
    const stop = async () => {
      stopListening();
      await link.close();
    };
    mirror = new Mirror({ catalog: catalogOf(parts), image, keeper: link, locate, stop });
    return withFiles(mirror.depot, link, locate, () => storage);
  } catch (error) {
    throw initializationError(error);
  }
}

function withFiles(
  depot: Depot,
  link: WorkerLink,
  locate: (core: string, generation: string, file: string) => string,
  storage: () => StorageKind,
): BrowserDepot {
  const open = (place: string) => link.ask({ type: 'file', place });
  const browserAsset = (asset: Asset) => new BrowserAsset(asset, locate, open);
  const download = depot.download.bind(depot);
  const asset = depot.asset.bind(depot);
  const installed = depot.installed.bind(depot);
  return Object.assign(depot, {
    download: async (id: string, how?: { readonly signal?: AbortSignal }) => browserAsset(await download(id, how)),
    asset: (id: string) => {
      const found = asset(id);
      return found === null ? null : browserAsset(found);
    },
    installed: () => installed().map(browserAsset),
    space: () => spaceOf(storage()),
    persist: () => navigator.storage.persist(),
    history: () => link.ask({ type: 'history' }),
  });
}
