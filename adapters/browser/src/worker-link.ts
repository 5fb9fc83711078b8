import { DepotClosed } from '@lading/runtime';
import { BehaviorSubject, firstValueFrom, Subject } from 'rxjs';
import type { Answers, Ask, FromWorker, OpenRequest, ToWorker } from './messages.js';
import { revivedError } from './plain-error.js';

interface Waiting {
  readonly ask: Ask;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

export type Opened = Extract<FromWorker, { readonly type: 'opened' }>;

/** The line from a page to its worker. */
export class WorkerLink {
  /** Whether the worker owns the depot. */
  readonly isOwner$ = new BehaviorSubject(false);
  private worker: Worker | null = null;
  /** Whichever worker opens next is what is waited for: the first may be ended before it has. */
  private readonly opened$ = new Subject<Opened>();
  /** Only a worker that has opened is asked anything. */
  private isOpen = false;
  private failure: { readonly error: unknown } | null = null;
  private readonly waiting = new Map<number, Waiting>();
  private count = 0;

  constructor(
    private readonly makeWorker: () => Worker,
    private request: OpenRequest,
    private readonly onBroken: (error: unknown) => void,
  ) {}

  /** Starts the worker, which opens the depot when it is its turn. What was asked of an earlier one and not answered is asked again. */
  start(): Promise<Opened> {
    if (this.failure !== null) return Promise.reject(this.failure.error);
    const worker = this.makeWorker();
    this.worker = worker;
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.hear(data);
    worker.onerror = (event) => {
      const why = event.message || 'its script cannot be loaded';
      this.break(new Error(`the worker of the depot has failed: ${why}`));
    };
    worker.postMessage(this.request satisfies ToWorker);
    return firstValueFrom(this.opened$);
  }

  private hear(message: FromWorker): void {
    switch (message.type) {
      case 'opened':
        // Whoever starts again has the catalog that the page has.
        this.request = { ...this.request, catalog: message.catalog };
        this.isOpen = true;
        for (const [id, { ask }] of this.waiting) this.post(id, ask);
        this.opened$.next(message);
        break;
      case 'refused':
        this.fail(revivedError(message.error));
        break;
      case 'answer':
        this.waiting.get(message.id)?.resolve(message.value as never);
        this.waiting.delete(message.id);
        break;
      case 'denial':
        this.waiting.get(message.id)?.reject(revivedError(message.error));
        this.waiting.delete(message.id);
        break;
      case 'owning':
        this.isOwner$.next(true);
        break;
      case 'broken':
        this.break(revivedError(message.error));
        break;
      default:
        message satisfies never;
    }
  }

  /** Ends the worker where it stands: its files and its lock are free at once, and what was not recorded is fetched again. */
  end(): void {
    this.worker?.terminate();
    this.worker = null;
    this.isOpen = false;
    this.isOwner$.next(false);
  }

  /** There will be no other worker: whoever waits for one, or asks later, is told why. */
  fail(error: unknown): void {
    this.end();
    this.failure ??= { error };
    this.opened$.error(error);
    for (const { reject } of this.waiting.values()) reject(error);
    this.waiting.clear();
  }

  private break(error: unknown): void {
    this.onBroken(error);
    this.fail(error);
  }

  /** Lets the worker bring its work to an end, and ends it. */
  async close(): Promise<void> {
    try {
      if (this.isOpen) await this.ask({ type: 'close' });
    } finally {
      this.fail(new DepotClosed());
      this.isOwner$.complete();
    }
  }

  ask<T extends Ask>(ask: T): Promise<Answers[T['type']]> {
    if (this.failure !== null) return Promise.reject(this.failure.error);
    return new Promise((resolve, reject) => {
      const id = ++this.count;
      this.waiting.set(id, { ask, resolve, reject });
      if (this.isOpen) this.post(id, ask);
    });
  }

  private post(id: number, ask: Ask): void {
    this.worker?.postMessage({ type: 'ask', id, ask } satisfies ToWorker);
  }
}
