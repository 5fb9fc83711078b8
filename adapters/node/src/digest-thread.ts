import { Worker } from 'node:worker_threads';
import type { Range } from '@lading/core';
import type { DigestAlgorithm } from '@lading/runtime';
import type { Digests } from './digests.js';
import { workerUrl } from './worker-url.js';

export type DigestOrder = { readonly file: number; readonly reply: number } & (
  | {
      readonly type: 'begin';
      readonly fd: number;
      readonly algorithms: readonly DigestAlgorithm[];
      readonly sizeBytes: number;
      /** Not 0 when nobody waits for the digests any more. */
      readonly stop: Int32Array;
    }
  | { readonly type: 'advance' | 'finish'; readonly to: number }
  | { readonly type: 'sha256'; readonly from: number; readonly to: number }
  | { readonly type: 'restart' | 'end' }
);

export interface DigestAnswer {
  readonly reply: number;
  readonly value: Readonly<Record<string, string>> | string | null;
  readonly error: { readonly message: string; readonly code?: string; readonly errno?: number } | null;
}

type Order = DigestOrder extends infer T ? (T extends DigestOrder ? Omit<T, 'file' | 'reply'> : never) : never;

/** The thread reads behind the writer in steps of so many bytes: each costs a message. */
const STEP_BYTES = 2 * 1024 * 1024;
/** And in no larger ones, bytes: other files wait meanwhile. */
const MOST_STEP_BYTES = 64 * 1024 * 1024;
/** It hashes and reads; nothing in it grows. */
const WORKER_HEAP_MB = 32;

interface Caller {
  readonly resolve: (value: DigestAnswer['value']) => void;
  readonly reject: (error: unknown) => void;
}

/** One thread for the digests of all large files of a store. Starts with the first of them, ends with the last. */
export class DigestThread {
  private worker: Worker | null = null;
  private readonly callers = new Map<number, Caller>();
  private files = 0;
  private open = 0;
  private replies = 0;

  begin(fd: number, algorithms: readonly DigestAlgorithm[], sizeBytes: number): Digests {
    this.open++;
    const stop = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    const file = new ThreadDigests(this, ++this.files, stop);
    file.send({ type: 'begin', fd, algorithms, sizeBytes, stop });
    return file;
  }

  private start(): Worker {
    const worker = new Worker(workerUrl('digest-worker'), {
      name: 'lading-digest',
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: WORKER_HEAP_MB },
    });
    worker.unref();
    worker.on('message', ({ reply, value, error }: DigestAnswer) => {
      const caller = this.callers.get(reply);
      this.settle(reply);
      if (error === null) caller?.resolve(value);
      else caller?.reject(Object.assign(new Error(error.message), { code: error.code, errno: error.errno }));
    });
    worker.on('error', (error) => this.fail(error));
    return worker;
  }

  private settle(reply: number): void {
    this.callers.delete(reply);
    // Only who waits for an answer keeps the program alive.
    if (this.callers.size === 0) this.worker?.unref();
  }

  private fail(error: unknown): void {
    this.worker = null;
    for (const [reply, { reject }] of [...this.callers]) {
      this.settle(reply);
      reject(error);
    }
  }

  send(file: number, order: Order): void {
    this.worker ??= this.start();
    this.worker.postMessage({ ...order, file, reply: 0 });
  }

  ask(file: number, order: Order): Promise<DigestAnswer['value']> {
    this.worker ??= this.start();
    const { worker } = this;
    const reply = ++this.replies;
    return new Promise((resolve, reject) => {
      this.callers.set(reply, { resolve, reject });
      worker.ref();
      worker.postMessage({ ...order, file, reply });
    });
  }

  async end(file: number): Promise<void> {
    try {
      await this.ask(file, { type: 'end' });
    } finally {
      this.open--;
      if (this.open === 0) await this.stop();
    }
  }

  private async stop(): Promise<void> {
    const { worker } = this;
    this.worker = null;
    await worker?.terminate();
  }
}

class ThreadDigests implements Digests {
  private sentTo = 0;
  private isClosed = false;

  constructor(
    private readonly thread: DigestThread,
    private readonly file: number,
    private readonly stop: Int32Array,
  ) {}

  send(order: Order): void {
    if (!this.isClosed) this.thread.send(this.file, order);
  }

  private ask(order: Order): Promise<DigestAnswer['value']> {
    if (this.isClosed) return Promise.reject(new Error('the file is closed'));
    return this.thread.ask(this.file, order);
  }

  take(): void {
    // What was taken is hashed once it is stored.
  }

  advance(to: number): void {
    // In steps, so that other files get their turn.
    while (to - this.sentTo >= STEP_BYTES) {
      this.sentTo = Math.min(to, this.sentTo + MOST_STEP_BYTES);
      this.send({ type: 'advance', to: this.sentTo });
    }
  }

  restart(): void {
    this.sentTo = 0;
    this.send({ type: 'restart' });
  }

  async finish(to: number): Promise<Partial<Record<DigestAlgorithm, string>>> {
    this.sentTo = 0;
    return (await this.ask({ type: 'finish', to })) as Partial<Record<DigestAlgorithm, string>>;
  }

  async sha256({ from, to }: Range): Promise<string> {
    return (await this.ask({ type: 'sha256', from, to })) as string;
  }

  close(): Promise<void> {
    this.isClosed = true;
    // Whatever is read for it still ends with its block: who cancels does not wait for gigabytes.
    Atomics.store(this.stop, 0, 1);
    return this.thread.end(this.file);
  }
}
