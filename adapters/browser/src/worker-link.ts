import { DepotClosed } from '@lading/runtime';
import { BehaviorSubject } from 'rxjs';
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
  private readonly waiting = new Map<number, Waiting>();
  private count = 0;
  private isOver = false;

  constructor(
    private readonly makeWorker: () => Worker,
    private request: OpenRequest,
    private readonly onBroken: (error: unknown) => void,
  ) {}

  /** Starts the worker, which opens the depot when it is its turn. What was asked of an earlier one and not answered is asked again. */
  start(): Promise<Opened> {
    const worker = this.makeWorker();
    this.worker = worker;
    return new Promise((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
        switch (data.type) {
          case 'opened':
            // Whoever starts again has the catalog that the page has.
            this.request = { ...this.request, catalog: data.catalog };
            resolve(data);
            for (const [id, { ask }] of this.waiting) this.post({ type: 'ask', id, ask });
            break;
          case 'refused':
            this.end();
            reject(revivedError(data.error));
            break;
          case 'answer':
            this.take(data.id)?.resolve(data.value as never);
            break;
          case 'denial':
            this.take(data.id)?.reject(revivedError(data.error));
            break;
          case 'owning':
            this.isOwner$.next(true);
            break;
          case 'broken':
            this.isOwner$.next(false);
            this.onBroken(revivedError(data.error));
            break;
          default:
            data satisfies never;
        }
      };
      worker.onerror = (event) => {
        const error = new Error(
          `the worker of the depot did not start or has failed: ${event.message || 'its script cannot be loaded'}`,
        );
        this.end();
        for (const id of [...this.waiting.keys()]) this.take(id)?.reject(error);
        this.onBroken(error);
        reject(error);
      };
      this.post(this.request);
    });
  }

  /** Ends the worker where it stands: its files and its lock are free at once, and what was not recorded is fetched again. */
  end(): void {
    this.worker?.terminate();
    this.worker = null;
    this.isOwner$.next(false);
  }

  /** Lets the worker bring its work to an end, and ends it. */
  async close(): Promise<void> {
    try {
      if (this.worker !== null) await this.ask({ type: 'close' });
    } finally {
      this.isOver = true;
      this.end();
      this.isOwner$.complete();
    }
  }

  ask<T extends Ask>(ask: T): Promise<Answers[T['type']]> {
    if (this.isOver) return Promise.reject(new DepotClosed());
    return new Promise((resolve, reject) => {
      const id = ++this.count;
      this.waiting.set(id, { ask, resolve, reject });
      this.post({ type: 'ask', id, ask });
    });
  }

  private post(message: ToWorker): void {
    this.worker?.postMessage(message);
  }

  private take(id: number): Waiting | undefined {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    return waiting;
  }
}
