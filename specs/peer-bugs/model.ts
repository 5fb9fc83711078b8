/** A world with one file in it, and what there is to see of its way: requests, bytes that were written, faults, and what became final. */
import type { Fault, Status } from '@lading/core';
import { createWorld, type Observation, type ShelfFile, type World, type WorldOptions } from '@lading/sim';

export const SIZE = 100_000;
/** Where a first reply is cut, so that there is something to resume. */
export const HALF = 40_000;

const PACE = { chunkBytes: 4_000, chunkMs: 10, latencyMs: 20 };

export interface Model {
  readonly world: World;
  /** Where the file comes from. */
  readonly url: string;
  /** What it consists of. */
  readonly bytes: Uint8Array;
  readonly seen: readonly Observation[];
  /** The first byte that each request asked for, in their order; null for the whole. */
  froms(): readonly (number | null)[];
  ifRanges(): readonly (string | null)[];
  /** The faults that attempts ended with, in their order, as `type detail`. */
  faults(): readonly string[];
  /** The highest byte that was ever written to the staged file. */
  reach(): number;
  /** Asks for the file; time must be moved elsewhere. */
  begin(): void;
  /** Asks for the file and waits for what becomes of it. */
  fetch(): Promise<Status>;
  /** What stands under the file's final name: the right bytes, others, or none. */
  final(): 'right' | 'wrong' | null;
}

export async function modelWorld(
  file: Partial<ShelfFile> = {},
  options: Partial<Omit<WorldOptions, 'catalog'>> = {},
): Promise<Model> {
  const catalog = { cores: { model: { 'model.onnx': { sizeBytes: SIZE, ...file } } } };
  const world = await createWorld({ pace: PACE, ...options, catalog });
  const seen: Observation[] = [];
  world.observe((observation) => seen.push(observation));
  const [url, source] = [...world.goods.sources][0] ?? [];
  if (url === undefined || source === undefined) throw new Error('this world has no file');
  return {
    world,
    url,
    bytes: source.bytes,
    seen,
    froms: () => world.network.memory.requests.map(({ from }) => from),
    ifRanges: () => world.network.memory.requests.map(({ ifRange }) => ifRange),
    faults: () => faultsIn(seen).map(({ type, detail }) => `${type} ${detail}`),
    reach: () =>
      seen.reduce((most, each) => (each.type === 'write' ? Math.max(most, each.from + each.bytes) : most), 0),
    begin: () => void world.depot.download('model').catch(() => undefined),
    fetch: () => fetched(world, 'model'),
    final: () => {
      const [found] = world.disk.installed('model').values();
      if (found === undefined) return null;
      const [right] = world.goods.sources.values();
      return Buffer.from(found).equals(right?.bytes ?? new Uint8Array(0)) ? 'right' : 'wrong';
    },
  };
}

/** What becomes of something that is asked for. */
export async function fetched(world: World, id: string): Promise<Status> {
  await world.run(world.depot.download(id).catch(() => undefined));
  return world.depot.status(id);
}

/** The faults that attempts ended with. */
export function faultsIn(seen: readonly Observation[]): readonly Fault[] {
  return seen.flatMap((observation) => {
    if (observation.type !== 'record') return [];
    return observation.record.events.flatMap((event) =>
      (event.type === 'RetryScheduled' || event.type === 'CoreFailed') && event.fault !== null ? [event.fault] : [],
    );
  });
}

/** A page such as servers put in place of a file. */
export const page = (length = 60): Uint8Array =>
  new TextEncoder().encode('<!doctype html><html><title>Sign in</title></html>'.padEnd(length, ' '));
