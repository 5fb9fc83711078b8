import { BugError, imageOf, type LiveBytes } from '@lading/core';
import { type Audience, DEFAULT_STALL_MS, type JournalRecord, type OwnedDepot, openOwnedDepot } from '@lading/runtime';
import { groundOf, mustBeAble } from './capabilities.js';
import { catalogOf, loadCatalog, partsOf } from './catalog-source.js';
import { systemClock } from './clock.js';
import { type Database, openDatabase } from './database.js';
import { WebFetcher } from './fetcher.js';
import { Folder } from './folder.js';
import { IdbJournal } from './journal.js';
import { WebLease } from './lease.js';
import type { Answers, Ask, FromOwner, OpenRequest, ToOwner } from './messages.js';
import { PROTOCOL } from './messages.js';
import { plainError } from './plain-error.js';
import { OpfsStore } from './store.js';

/** At most one message per core and this time tells of live bytes, milliseconds. */
const FLOW_MS = 100;

interface Kept extends OwnedDepot {
  readonly journal: IdbJournal;
  readonly folder: Folder;
  readonly database: Database;
}

/**
 * The side of a depot that owns it: opens it on this browser's ports, answers what tabs ask, and tells them each record and how the bytes
 * flow. What it is told by is a function, so that one tab may hear it through a port and others by broadcast.
 */
export class Owner implements Audience {
  private kept: Kept | null = null;
  private records: JournalRecord[] = [];
  private readonly flows = new Map<string, LiveBytes>();
  private flowTimer: ReturnType<typeof setTimeout> | null = null;

  constructor(private readonly tell: (message: FromOwner) => void) {}

  hear(message: ToOwner): void {
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
      const { catalog: told, stallMs = DEFAULT_STALL_MS } = request;
      const fetcher = new WebFetcher();
      const catalog = 'addresses' in told ? await loadCatalog(told, fetcher, stallMs) : catalogOf(told);
      database = await openDatabase(request.dir);
      const { root, kind } = await groundOf(request.dir);
      const lease = new WebLease(request.dir, database);
      const journal = new IdbJournal(database, () => lease.epoch);
      const store = new OpfsStore(root);
      const ports = { fetcher, store, journal, lease, clock: systemClock, luck: Math.random };
      const owned = await openOwnedDepot(ports, { ...optionsOf(request), catalog }, this);
      this.kept = { ...owned, journal, folder: new Folder(root), database };
      // What was recorded while it opened is in the image.
      this.records = [];
      this.tell({ type: 'opened', image: imageOf(owned.depot.state), storage: kind, catalog: partsOf(catalog) });
    } catch (error) {
      database?.close();
      this.tell({ type: 'refused', error: plainError(error) });
    }
  }

  private async answer(id: number, ask: Ask): Promise<void> {
    try {
      this.tell({ type: 'answer', id, value: await this.do(ask) });
    } catch (error) {
      this.tell({ type: 'denial', id, error: plainError(error) });
    }
  }

  private async do(ask: Ask): Promise<Answers[keyof Answers]> {
    const { kept } = this;
    if (kept === null) throw new BugError('asked before it was open');
    switch (ask.type) {
      case 'command':
        return await kept.keeper.command(ask.command);
      case 'inspect':
        return await kept.keeper.inspect(ask.cores);
      case 'setAside':
        await kept.keeper.setAside(ask.damaged);
        return null;
      case 'clean':
        return await kept.keeper.clean();
      case 'usage':
        return await kept.keeper.usage();
      case 'history':
        return await kept.journal.history();
      case 'file':
        return await (await kept.folder.file(ask.place)).getFile();
      case 'close':
        await kept.depot.close();
        kept.database.close();
        return null;
      default:
        return ask satisfies never;
    }
  }

  /** Records of one turn are told together: a tab never shows the half of what happened at once. */
  onRecord(record: JournalRecord): void {
    this.records.push(record);
    if (this.records.length > 1) return;
    queueMicrotask(() => {
      const { records } = this;
      this.records = [];
      if (this.kept !== null && records.length > 0) this.tell({ type: 'recorded', records });
    });
  }

  onFlow(core: string, live: LiveBytes): void {
    this.flows.set(core, live);
    this.flowTimer ??= setTimeout(() => {
      this.flowTimer = null;
      for (const [each, latest] of this.flows) this.tell({ type: 'flow', core: each, live: latest });
      this.flows.clear();
    }, FLOW_MS);
  }

  onBroken(error: unknown): void {
    this.tell({ type: 'broken', error: plainError(error) });
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
