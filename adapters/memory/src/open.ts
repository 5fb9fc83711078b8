import type { Catalog } from '@lading/core';
import { type Depot, initializationError, type OpenOptions, openDepotOn, type Ports } from '@lading/runtime';
import { MemoryJournal } from './journal.js';
import { MemoryLease } from './lease.js';
import { Mount } from './mount.js';
import type { MemoryProcess } from './process.js';
import { schedulerOf } from './scheduler.js';
import { MemoryStore } from './store.js';
import { clockOf, fetcherOf, type MemoryWorld } from './world.js';

/** Where a depot lies on a simulated disk unless told otherwise. */
export const DEFAULT_DIR = '/depot';

export interface MemoryOptions extends OpenOptions {
  readonly world: MemoryWorld;
  readonly catalog: Catalog;
  /** Folder on the world's disk: several depots may share it. */
  readonly dir?: string;
  /** The process it lives in, for those who want to kill it; default a new one. */
  readonly process?: MemoryProcess;
}

/** The ports of one process in a simulated world. */
export function portsOf(world: MemoryWorld, process: MemoryProcess, dir: string = DEFAULT_DIR): Ports {
  const mount = new Mount(world.disk, process);
  return {
    fetcher: fetcherOf(world.network, process),
    store: new MemoryStore(mount, dir),
    journal: new MemoryJournal(mount, `${dir}/journal`),
    lease: new MemoryLease(mount, dir),
    clock: clockOf(world.clock, process),
    luck: world.luck,
  };
}

/**
 * Opens a depot in a simulated world. It moves only while the world's clock is moved: `await world.run(depot.download(id))`. Throws
 * `InitializationError` if a living process owns the folder. Dropping a depot without `close` is not a crash: kill its process, or `world.crash()`.
 */
export async function openDepot(options: MemoryOptions): Promise<Depot> {
  const { world, dir } = options;
  const ports = portsOf(world, options.process ?? world.disk.start(), dir);
  try {
    return await openDepotOn(ports, { ...options, scheduler: options.scheduler ?? schedulerOf(world.clock) });
  } catch (error) {
    throw initializationError(error);
  }
}
