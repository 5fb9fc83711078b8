import type { Clock, Fetcher } from '@lading/runtime';
import { VirtualClock } from './clock.js';
import { MemoryDisk } from './disk.js';
import { seededLuck } from './luck.js';
import { MemoryNetwork } from './network.js';
import type { MemoryProcess } from './process.js';

/** All that a depot meets outside itself, simulated: one seed, one course of events. Depots come and go; the world stays. */
export class MemoryWorld {
  readonly clock: VirtualClock;
  readonly network: MemoryNetwork;
  readonly disk: MemoryDisk;
  readonly luck: () => number;

  constructor(options: { readonly seed?: number; readonly disk?: MemoryDisk; readonly startMs?: number } = {}) {
    this.clock = new VirtualClock(options.startMs);
    this.network = new MemoryNetwork(this.clock);
    this.disk = options.disk ?? new MemoryDisk();
    this.luck = seededLuck(options.seed ?? 1);
  }

  /** Lets time pass until the promise has settled. */
  run<T>(promise: Promise<T>): Promise<T> {
    return this.clock.runUntil(promise);
  }

  /** `kill -9` for every process. */
  crash(): void {
    this.disk.crash();
  }

  /** The end of every process, and of what was not synced. */
  cutPower(luck: (() => number) | null = null): void {
    this.disk.cutPower(luck);
  }
}

/** The clock as a process sees it: a dead one is never woken. */
export function clockOf(clock: Clock, process: MemoryProcess): Clock {
  const mortal = mortalIn(process);
  return {
    now: () => clock.now(),
    monotonicMs: () => clock.monotonicMs(),
    wait: (ms, signal) => process.outliving(clock.wait(ms, mortal(signal))),
  };
}

/** The network as a process sees it: a dead one asks nothing and hears nothing. */
export function fetcherOf(network: Fetcher, process: MemoryProcess): Fetcher {
  const mortal = mortalIn(process);
  return {
    isRangeFirst: network.isRangeFirst,
    ...(network.connections === undefined ? {} : { connections: network.connections }),
    ...(network.redact === undefined ? {} : { redact: network.redact }),
    fetch: async (request, signal) => {
      const response = await process.step(() => network.fetch(request, mortal(signal)));
      return { ...response, body: heard(response.body, process) };
    },
  };
}

/** Signals until their process dies: one that still has listeners, and is joined from others, would be kept for ever. */
function mortalIn(process: MemoryProcess): (signal: AbortSignal) => AbortSignal {
  const heirs = new WeakMap<AbortSignal, AbortSignal>();
  return (signal) => {
    const known = heirs.get(signal);
    if (known !== undefined) return known;
    const heir = new AbortController();
    const pass = () => heir.abort(signal.reason);
    if (signal.aborted) pass();
    signal.addEventListener('abort', pass, { once: true });
    void process.death.then(() => signal.removeEventListener('abort', pass));
    heirs.set(signal, heir.signal);
    return heir.signal;
  };
}

async function* heard(
  body: AsyncIterable<Uint8Array>,
  process: MemoryProcess,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of body) yield await process.outliving(Promise.resolve(chunk));
}
