/** The benches of the simulated world: everything a suite asks for is a fault that the world can be told to have. */
import { DEFAULT_DIR, type MemoryDisk, type MemoryProcess, MemoryWorld, portsOf, type Resource } from '@lading/memory';
import { FaultError, type Ports } from '@lading/runtime';
import type { ClockBench } from './clock.js';
import type { FetcherBench, Mishap } from './fetcher-bench.js';
import type { JournalBench } from './journal-bench.js';
import type { LeaseBench } from './lease.js';
import type { StoreBench, StoreSetting } from './store-bench.js';

const nothing = (): Promise<void> => Promise.resolve();

/** The ports of a process in this world, for each who wants to be one. */
function life(world: MemoryWorld): Ports & { readonly process: MemoryProcess } {
  const process = world.disk.start();
  return { ...portsOf(world, process), process };
}

async function dying(
  world: MemoryWorld,
  steps: number,
  work: (ports: Ports) => Promise<unknown>,
): Promise<'done' | 'died'> {
  const { process, ...ports } = life(world);
  process.killAfter(steps);
  const done = work(ports).then(() => 'done' as const);
  return await Promise.race([done, process.death.then(() => 'died' as const)]);
}

export async function makeMemoryClock(): Promise<ClockBench> {
  const world = new MemoryWorld();
  return { clock: life(world).clock, until: (promise) => world.run(promise), [Symbol.asyncDispose]: nothing };
}

export async function makeMemoryStore({ diskBytes }: StoreSetting): Promise<StoreBench> {
  const world = new MemoryWorld();
  const full = diskBytes ?? Number.POSITIVE_INFINITY;
  world.disk.capacityBytes = full;
  const { store } = life(world);
  return {
    store,
    reopen: () => life(world).store,
    spoil: async (core, generation, file, bytes) => {
      const path = store.locate(core, generation, file);
      if (bytes === null) world.disk.lose(path);
      else world.disk.overwrite(path, bytes);
    },
    leaveFree: async (bytes) => {
      world.disk.capacityBytes = bytes === null ? full : world.disk.usedBytes() + bytes;
    },
    halveNextWrite: async () => world.disk.shorten(1),
    failNextSync: async () => world.disk.fail({ action: 'sync', path: /\/staging\//, code: 'EIO' }),
    dying: (steps, work) => dying(world, steps, (ports) => work(ports.store)),
    cutPower: async () => world.cutPower(),
    [Symbol.asyncDispose]: nothing,
  };
}

function mediumOf(disk: MemoryDisk): JournalBench['medium'] {
  const dir = `${DEFAULT_DIR}/journal`;
  const all = async () => new Map(disk.files(dir));
  return {
    segments: async () => [...(await all()).keys()].filter((path) => path.endsWith('.jsonl')).sort(),
    snapshot: `${dir}/snapshot.json`,
    read: async (path) => (await all()).get(path) ?? new Uint8Array(0),
    write: async (path, bytes) => disk.overwrite(path, bytes),
    all,
  };
}

export async function makeMemoryJournal(): Promise<JournalBench> {
  const world = new MemoryWorld();
  return {
    open: () => life(world).journal,
    read: () => {
      throw new Error('the simulated journal has no reader');
    },
    medium: mediumOf(world.disk),
    failNext: async (action) => {
      if (action === 'half a write') world.disk.shorten(1);
      else if (action === 'write') world.disk.fail({ action, code: 'ENOSPC' });
      else world.disk.fail({ action, path: /jsonl$/, code: 'EIO' });
    },
    dying: (steps, work) => dying(world, steps, (ports) => work(ports.journal)),
    cutPower: async () => world.cutPower(),
    [Symbol.asyncDispose]: nothing,
  };
}

export async function makeMemoryLease(): Promise<LeaseBench> {
  const world = new MemoryWorld();
  const { process } = life(world);
  return {
    lease: () => portsOf(world, process).lease,
    competitor: async () => {
      const other = life(world);
      return {
        owner: { pid: other.process.pid },
        acquire: async () => {
          try {
            return (await other.lease.acquire()).epoch;
          } catch (error) {
            if (error instanceof FaultError && error.fault.type === 'leaseHeld') return null;
            throw error;
          }
        },
        kill: async () => other.process.kill(),
      };
    },
    [Symbol.asyncDispose]: nothing,
  };
}

const ORIGIN = 'https://origin.example';
const ABROAD = 'https://abroad.example';

export async function makeMemoryFetcher(): Promise<FetcherBench> {
  const world = new MemoryWorld();
  const { network, clock } = world;
  const url = (path: string): string => `${ORIGIN}${path}`;
  const deserted = 'https://deserted.example/';
  network.fail(deserted, { type: 'refuse' }, Number.POSITIVE_INFINITY);
  const lead = (from: string, location: string, status = 302): void =>
    network.fail(from, { type: 'redirect', status, location }, Number.POSITIVE_INFINITY);
  const fail = (path: string, mishap: Mishap): void => {
    network.heal();
    network.fail(
      url(path),
      mishap.type === 'status' ? { ...mishap, bytes: mishap.body } : mishap,
      Number.POSITIVE_INFINITY,
    );
  };
  return {
    fetcher: life(world).fetcher,
    until: (promise) => world.run(promise),
    url,
    put: (path, bytes, served = {}) => {
      const headers: Record<string, string> = {};
      for (const [name, value] of served.headers ?? []) {
        const before = headers[name.toLowerCase()];
        headers[name.toLowerCase()] = before === undefined ? value : `${before}, ${value}`;
      }
      const { etag = null, lastModified = null } = served;
      const how: Partial<Omit<Resource, 'bytes'>> = { etag, lastModified, headers };
      network.put(url(path), bytes, how);
    },
    mishap: fail,
    deserted,
    asked: (path) => network.requestsOf(url(path)).map(({ from, ifRange, isFresh }) => ({ from, ifRange, isFresh })),
    arrival: async (path) => {
      await clock.advance(1_000);
      if (network.requestsOf(url(path)).length === 0) throw new Error(`nobody has asked for ${path}`);
    },
    departure: async (path) => {
      const [request] = network.requestsOf(url(path));
      const before = request?.bytes;
      await clock.run();
      if (request === undefined || request.bytes !== before) throw new Error(`${path} is still being sent`);
    },
    trusting: (headers) => {
      network.credentials = { [ORIGIN]: headers };
      return life(world).fetcher;
    },
    heard: (path, name) =>
      network.requests
        .filter((request) => new URL(request.url).pathname === path)
        .map(({ credentials }) => credentials[name] ?? null),
    redirects: {
      to: (path, target, status) => lead(url(path), target, status),
      abroad: (path, bytes) => {
        network.put(`${ABROAD}/abroad`, bytes);
        lead(url(path), `${ABROAD}/abroad`);
      },
      over: (path, abroad, target) => {
        lead(url(path), ABROAD + abroad);
        lead(ABROAD + abroad, url(target));
      },
      count: () => network.requests.length,
    },
    [Symbol.asyncDispose]: nothing,
  };
}
