import {
  type Catalog,
  type Command,
  coreIn,
  coreOfDirectWish,
  type DepotState,
  errorOfFault,
  errorOfRefusal,
  type Fault,
  LadingError,
  type Plan,
  type Status,
  voiceIn,
} from '@lading/core';
import type { Observable } from 'rxjs';
import type { Asset } from './asset.js';
import { DepotClosed } from './conductor.js';
import type { Depot } from './depot.js';
import type { Export } from './export.js';
import { FaultError } from './fault-error.js';
import type { Imported } from './import.js';
import { openedSources } from './import-ids.js';
import type { ImportSource } from './import-source.js';
import type { Inspection } from './inspection.js';
import type { Owner } from './owner.js';
import type { Usage } from './ports.js';
import type { Signals } from './signals.js';
import { latest, type PlacedEvent, type Progress, progressOf, type Streams, sameJson } from './streams.js';
import type { View } from './view.js';

export interface DepotParts {
  readonly view: View;
  readonly owner: Owner;
  readonly signals: Signals;
  readonly streams: Streams;
  /** The error that ended the owner, if one did. */
  readonly failure: () => { readonly error: unknown } | null;
}

type Outcome = 'pending' | 'ready' | { readonly error: Error };

export class OpenDepot implements Depot {
  private closing: Promise<void> | null = null;
  private isClosed = false;
  private readonly progresses = new Map<string, Observable<Progress>>();
  readonly state$: Observable<DepotState>;
  private readonly waiters = new Map<string, number>();
  private readonly statuses = new Map<string, Observable<Status>>();

  constructor(private readonly parts: DepotParts) {
    this.state$ = parts.streams.state$(() => this.state);
  }

  get catalog(): Catalog {
    return this.parts.view.catalog;
  }

  get state(): DepotState {
    return this.parts.view.state;
  }

  plan(...ids: string[]): Plan {
    return this.parts.view.plan(...ids);
  }

  status(id: string): Status {
    return this.parts.view.status(id);
  }

  list(): readonly Status[] {
    return this.parts.view.list();
  }

  installed(): readonly Asset[] {
    return this.parts.view.installed();
  }

  coresOf(id: string): readonly string[] {
    return this.parts.view.coresOf(id);
  }

  asset(id: string): Asset | null {
    return this.parts.view.asset(id);
  }

  checkForUpdates(): readonly Status[] {
    return this.parts.view.checkForUpdates();
  }

  usage(): Promise<Usage> {
    return this.parts.owner.usage();
  }

  get events$(): Observable<PlacedEvent> {
    return this.parts.streams.events$;
  }

  status$(id: string): Observable<Status> {
    return this.shared(this.statuses, id, (status) => status);
  }

  progress$(id: string): Observable<Progress> {
    return this.shared(this.progresses, id, progressOf);
  }

  /** One stream per id, however many look at it. */
  private shared<T>(known: Map<string, Observable<T>>, id: string, shape: (status: Status) => T): Observable<T> {
    const before = known.get(id);
    if (before !== undefined) return before;
    const { status, keys } = this.parts.view.follow(id);
    const stream = this.parts.streams.project(keys, () => shape(status()), sameJson);
    known.set(id, stream);
    return stream;
  }

  watch(id: string, signal?: AbortSignal): AsyncIterable<Status> {
    return latest(this.status$(id), signal);
  }

  onStatus(id: string, listener: (status: Status) => void): () => void {
    const subscription = this.status$(id).subscribe(listener);
    return () => subscription.unsubscribe();
  }

  async download(id: string, options: { readonly signal?: AbortSignal } = {}): Promise<Asset> {
    const { signal } = options;
    signal?.throwIfAborted();
    await this.command({ type: 'download', id });
    const keys = this.parts.view.wishKeys(id);
    for (const key of keys) this.waiters.set(key, (this.waiters.get(key) ?? 0) + 1);
    try {
      await this.until(keys, (key) => this.outcomeOf(key), signal);
    } catch (error) {
      if (signal?.aborted === true) await this.stopWaiting(id, keys);
      throw error;
    } finally {
      for (const key of keys) this.waiters.set(key, (this.waiters.get(key) ?? 1) - 1);
    }
    const asset = this.asset(id);
    if (asset === null)
      throw new LadingError(`"${id}" was ready and is not any more`, { code: 'unknown', remedy: 'Ask for it again.' });
    return asset;
  }

  /** Pauses what only the one who gives up was waiting for. */
  private async stopWaiting(id: string, keys: readonly string[]): Promise<void> {
    const isShared = keys.some((key) => (this.waiters.get(key) ?? 0) > 1);
    if (isShared || this.parts.failure() !== null) return;
    await this.parts.owner.command({ type: 'pause', id });
  }

  private merge(outcomes: readonly Outcome[]): Outcome {
    if (outcomes.includes('pending')) return 'pending';
    return outcomes.find((outcome) => typeof outcome === 'object') ?? 'ready';
  }

  private subjectOf(key: string): string {
    return coreOfDirectWish(key) ?? key;
  }

  private outcomeOf(key: string): Outcome {
    const { state } = this;
    const voice = voiceIn(state, key);
    const cores = voice.context.cores.map((core) => coreIn(state, core));
    const faulty = (fault: Fault | null | undefined): Outcome => ({
      error: errorOfFault(fault ?? { type: 'unknown', detail: 'none', message: 'failed' }, this.subjectOf(key)),
    });
    switch (voice.phase) {
      case 'ready': {
        if (cores.some((core) => core.phase !== 'ready')) return 'pending';
        // An update that was asked for and failed is an error to the one who asked, though the old version stays usable.
        const stale = cores.filter(
          ({ context }) => this.catalog.core(context.id)?.revision !== context.installed?.revision,
        );
        const failed = stale.find((core) => core.context.fault !== null);
        return failed === undefined ? 'ready' : faulty(failed.context.fault);
      }
      case 'failed':
        return faulty(cores.find((core) => core.phase === 'failed')?.context.fault);
      case 'paused':
        if (voice.context.pauseReason !== 'noSpace') return 'pending';
        return faulty(cores.find((core) => core.context.fault !== null)?.context.fault);
      case 'waiting':
        return 'pending';
      case 'unavailable':
        return this.gone(key, 'coreLost', `a core that it needs was deleted: ${voice.context.core ?? ''}`);
      default:
        return this.gone(key, 'cancelled', 'it was cancelled or deleted while it was awaited');
    }
  }

  private gone(key: string, code: string, why: string): Outcome {
    return {
      error: new LadingError(`${this.subjectOf(key)}: ${why}`, { code, remedy: 'Download it again if you want it.' }),
    };
  }

  pause(id: string): Promise<void> {
    return this.command({ type: 'pause', id });
  }

  resume(id: string): Promise<void> {
    return this.command({ type: 'resume', id });
  }

  retry(id: string): Promise<void> {
    return this.command({ type: 'retry', id });
  }

  prioritize(id: string, priority = 1): Promise<void> {
    return this.command({ type: 'prioritize', id, priority });
  }

  async cancel(id: string): Promise<void> {
    const keys = this.parts.view.wishKeys(id);
    await this.command({ type: 'cancel', id });
    await this.until(keys, (key) => (voiceIn(this.state, key).phase === 'cancelling' ? 'pending' : 'ready'));
  }

  async delete(id: string, options: { readonly force?: boolean } = {}): Promise<void> {
    const keys = this.parts.view.wishKeys(id);
    const core = this.catalog.resolveCore(id)?.id ?? id;
    await this.command({ type: 'delete', id, force: options.force ?? false });
    const isGoing = (key: string) =>
      voiceIn(this.state, key).phase === 'deleting' || coreIn(this.state, key).phase === 'deleting';
    await this.until([...keys, core], (key) => (isGoing(key) ? 'pending' : 'ready'));
  }

  async clear(): Promise<void> {
    await Promise.all([...this.state.voices.keys()].map((key) => this.delete(this.subjectOf(key))));
  }

  async verify(...ids: string[]): Promise<readonly Inspection[]> {
    this.mustBeOpen();
    const cores = ids.length === 0 ? this.state.cores.keys() : ids.flatMap((id) => this.parts.view.coresOf(id));
    return await this.parts.owner.verify([...new Set(cores)].sort());
  }

  async repair(...ids: string[]): Promise<readonly Inspection[]> {
    const inspections = await this.verify(...ids);
    const damaged = inspections.filter((inspection) => inspection.damaged.length > 0);
    const users = [...this.state.voices.entries()].filter(([, { context }]) =>
      damaged.some(({ core }) => context.cores.includes(core)),
    );
    await this.parts.owner.setAside(damaged);
    for (const [key] of users) await this.download(this.subjectOf(key));
    return inspections;
  }

  async import(
    sources: readonly ImportSource[],
    options: { readonly id?: string; readonly signal?: AbortSignal } = {},
  ): Promise<Imported> {
    this.mustBeOpen();
    try {
      const opened = await openedSources(this.parts.view, sources, options.id);
      const imported = await this.parts.owner.import(opened.cores, opened.sources, options.signal);
      return { ids: opened.ids, ...imported };
    } catch (error) {
      throw error instanceof FaultError ? errorOfFault(error.fault, 'the import') : error;
    }
  }

  async export(...ids: string[]): Promise<Export> {
    this.mustBeOpen();
    return await this.parts.owner.export(ids, [...new Set(ids.flatMap((id) => this.coresOf(id)))]);
  }

  async clean(): Promise<number> {
    this.mustBeOpen();
    return await this.parts.owner.clean();
  }

  /** After `close` another may own the depot: nothing of ours may touch it. */
  private mustBeOpen(): void {
    if (this.isClosed || this.closing !== null) throw new DepotClosed();
  }

  private async command(command: Command): Promise<void> {
    try {
      const refusal = await this.parts.owner.command(command);
      if (refusal !== null) throw errorOfRefusal(refusal);
    } catch (error) {
      throw error instanceof FaultError ? errorOfFault(error.fault, 'the journal') : error;
    }
  }

  /**
   * Resolves when no outcome is pending any more; rejects with the first error, the signal's reason, or what ended the depot. Of many it waits for
   * one after the other, so that each is looked at when it changes and not whenever any other does.
   */
  private async until(
    keys: readonly string[],
    outcomeOf: (key: string) => Outcome,
    signal?: AbortSignal,
  ): Promise<void> {
    const isOver = (key: string): Outcome => (outcomeOf(key) === 'pending' ? 'pending' : 'ready');
    if (keys.length > 1) for (const key of keys) await this.settled([key], () => isOver(key), signal);
    await this.settled(keys, () => this.merge(keys.map(outcomeOf)), signal);
  }

  private settled(keys: readonly string[], outcome: () => Outcome, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      let stop: () => void = () => undefined;
      const settle = (finish: () => void) => {
        stop();
        signal?.removeEventListener('abort', look);
        finish();
      };
      const look = () => {
        const failure = this.parts.failure();
        const { error } = failure ?? { error: null };
        if (failure !== null)
          return settle(() => reject(error instanceof FaultError ? errorOfFault(error.fault, 'the journal') : error));
        if (signal?.aborted === true) return settle(() => reject(signal.reason));
        const now = outcome();
        if (now !== 'pending') return settle(() => (now === 'ready' ? resolve() : reject(now.error)));
        if (this.isClosed) return settle(() => reject(new DepotClosed()));
        stop();
        stop = this.parts.signals.once([...keys, ...keys.flatMap((key) => this.parts.view.coresOfKey(key))], look);
      };
      signal?.addEventListener('abort', look, { once: true });
      look();
    });
  }

  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  private async shutDown(): Promise<void> {
    const { owner, signals, streams } = this.parts;
    try {
      await owner.close();
    } finally {
      this.isClosed = true;
      signals.wakeAll();
      streams.close();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
