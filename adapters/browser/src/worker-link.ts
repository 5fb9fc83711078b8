import type { Command, Refusal } from '@lading/core';
import { DepotClosed, type Inspection, type Keeper, type Usage } from '@lading/runtime';
import type { Answers, Ask, FromOwner, OpenRequest, ToOwner } from './messages.js';
import { revivedError } from './plain-error.js';

interface Waiting {
  readonly ask: Ask;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

type News = Extract<FromOwner, { readonly type: 'recorded' | 'flow' | 'broken' }>;
export type Opened = Extract<FromOwner, { readonly type: 'opened' }>;

/** The line from a tab to the worker that owns the depot: it asks, and hears what is new. */
export class WorkerLink implements Keeper {
  private worker: Worker | null = null;
  private readonly waiting = new Map<number, Waiting>();
  private count = 0;
  private isOver = false;

  constructor(
    private readonly makeWorker: () => Worker,
    private request: OpenRequest,
    private readonly onNews: (news: News) => void,
  ) {}

  /** Starts the worker and lets it open the depot. What was asked of an earlier one and not answered is asked again: commands may be repeated. */
  start(): Promise<Opened> {
    const worker = this.makeWorker();
    this.worker = worker;
    return new Promise((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<FromOwner>) => {
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
          default:
            this.onNews(data);
        }
      };
      worker.onerror = (event) => {
        const error = new Error(
          `the worker of the depot did not start or has failed: ${event.message || 'its script cannot be loaded'}`,
        );
        this.end();
        for (const id of [...this.waiting.keys()]) this.take(id)?.reject(error);
        this.onNews({ type: 'broken', error: { type: 'error', name: error.name, message: error.message } });
        reject(error);
      };
      this.post(this.request);
    });
  }

  /** Ends the worker where it stands: its files and its lock are free at once, and what was not recorded is fetched again. */
  end(): void {
    this.worker?.terminate();
    this.worker = null;
  }

  /** Lets the worker bring its work to an end, and ends it. */
  async close(): Promise<void> {
    try {
      if (this.worker !== null) await this.ask({ type: 'close' });
    } finally {
      this.isOver = true;
      this.end();
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

  private post(message: ToOwner): void {
    this.worker?.postMessage(message);
  }

  private take(id: number): Waiting | undefined {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    return waiting;
  }

  command(command: Command): Promise<Refusal | null> {
    return this.ask({ type: 'command', command });
  }

  inspect(cores: readonly string[]): Promise<readonly Inspection[]> {
    return this.ask({ type: 'inspect', cores });
  }

  async setAside(damaged: readonly Inspection[]): Promise<void> {
    await this.ask({ type: 'setAside', damaged });
  }

  clean(): Promise<number> {
    return this.ask({ type: 'clean' });
  }

  usage(): Promise<Usage> {
    return this.ask({ type: 'usage' });
  }
}
