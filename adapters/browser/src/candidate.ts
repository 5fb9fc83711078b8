import { BugError } from '@lading/core';
import { DEFAULT_STALL_MS, type Depot, type HeldLease, openDepotOn, type Ports } from '@lading/runtime';
import { groundOf, mustBeAble } from './capabilities.js';
import { catalogOf, loadCatalog, partsOf } from './catalog-source.js';
import { systemClock } from './clock.js';
import { type Database, openDatabase } from './database.js';
import { WebFetcher } from './fetcher.js';
import { Folder } from './folder.js';
import { IdbJournal } from './journal.js';
import { WebLease } from './lease.js';
import type { Answers, Ask, FromWorker, OpenRequest, ToWorker } from './messages.js';
import { PROTOCOL } from './messages.js';
import { plainError } from './plain-error.js';
import { OpfsStore } from './store.js';
import { TabChannel } from './tab-channel.js';

interface Place {
  readonly folder: Folder;
  readonly database: Database;
}

/**
 * A page's worker: waits until nobody owns the depot, then opens it on this browser's ports and does what all tabs ask, until it is told to
 * close or ended. Whoever ends it, its lock and its files are free at once, and the worker that waits next takes over.
 */
export class Candidate {
  private place: Place | null = null;
  private depot: Promise<Depot> | null = null;
  private readonly retreat = new AbortController();

  constructor(private readonly tell: (message: FromWorker) => void) {}

  hear(message: ToWorker): void {
    switch (message.type) {
      case 'open':
        void this.open(message);
        break;
      case 'ask':
        void this.answer(message.id, message.ask);
        break;
      default:
        message satisfies never;
    }
  }

  private async open(request: OpenRequest): Promise<void> {
    let database: Database | null = null;
    try {
      if (request.protocol !== PROTOCOL) throw new BugError('the worker is of another release than the page');
      mustBeAble();
      const { catalog: told, dir, stallMs = DEFAULT_STALL_MS } = request;
      const fetcher = new WebFetcher();
      const catalog = 'addresses' in told ? await loadCatalog(told, fetcher, stallMs) : catalogOf(told);
      database = await openDatabase(dir);
      const { root, kind } = await groundOf(dir);
      const lease = new WebLease(dir, database);
      const journal = new IdbJournal(database, () => lease.epoch);
      const ports = { fetcher, store: new OpfsStore(root), journal, clock: systemClock, luck: Math.random };
      this.place = { folder: new Folder(root), database };
      // Bytes in memory are this worker's alone: no other tab could take them over, so it is not waited for.
      const held = kind.type === 'memory' ? await lease.acquire() : null;
      this.tell({ type: 'opened', storage: kind, catalog: partsOf(catalog) });
      this.depot = this.own(ports, { ...optionsOf(request), catalog }, held ?? lease.await(this.retreat.signal), dir);
      this.depot.catch((error: unknown) => this.break(error));
    } catch (error) {
      database?.close();
      this.tell({ type: 'refused', error: plainError(error) });
    }
  }

  private async own(
    ports: Omit<Ports, 'lease'>,
    options: ReturnType<typeof optionsOf> & { readonly catalog: Parameters<typeof openDepotOn>[1]['catalog'] },
    turn: HeldLease | Promise<HeldLease>,
    dir: string,
  ): Promise<Depot> {
    const held = await turn;
    const channel = new TabChannel(dir);
    const lease = { acquire: () => Promise.resolve(held) };
    const onBroken = (error: unknown) => this.break(error);
    const depot = await openDepotOn({ ...ports, lease }, { ...options, channel, onBroken });
    this.tell({ type: 'owning' });
    return depot;
  }

  /** Says why it can go on no more; the page ends it then, and another tab may try. */
  private break(error: unknown): void {
    if (this.retreat.signal.aborted) return;
    this.retreat.abort();
    this.tell({ type: 'broken', error: plainError(error) });
  }

  private async answer(id: number, ask: Ask): Promise<void> {
    try {
      this.tell({ type: 'answer', id, value: await this.do(ask) });
    } catch (error) {
      this.tell({ type: 'denial', id, error: plainError(error) });
    }
  }

  private async do(ask: Ask): Promise<Answers[keyof Answers]> {
    const { place } = this;
    if (place === null) throw new BugError('not open');
    switch (ask.type) {
      case 'history':
        return await new IdbJournal(place.database, null).history();
      case 'file':
        return await (await place.folder.file(ask.place)).getFile();
      case 'close':
        this.retreat.abort();
        await this.depot?.then(
          (depot) => depot.close(),
          () => undefined,
        );
        place.database.close();
        return null;
      default:
        return ask satisfies never;
    }
  }
}

function optionsOf({ concurrency, retryBaseMs, stallMs, limitBytesPerSecond }: OpenRequest) {
  const retry = retryBaseMs === undefined ? {} : { retryBaseMs, retryCapMs: Math.max(32_000, retryBaseMs) };
  return {
    policy: { slots: concurrency, ...retry },
    ...(stallMs === undefined ? {} : { stallMs }),
    ...(limitBytesPerSecond === undefined ? {} : { limitBytesPerSecond }),
  };
}
