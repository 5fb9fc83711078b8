/** What happened in a simulated world, written down from the moment one asks: events, requests, and what stood under a final name. */
import type { LadingEvent } from '@lading/core';
import type { Observation, World } from '@lading/sim';

export interface Ledger {
  readonly seen: readonly Observation[];
  readonly events: readonly LadingEvent[];
  readonly types: readonly LadingEvent['type'][];
  /** Requests by the byte they asked to begin at, of one core if it is named. */
  requests(core?: string): readonly (number | null)[];
  /** The most requests for one file that were open at the same instant. */
  readonly mostOpen: number;
  /** Where in the course of events the first observation stands that fits; -1 if there is none. */
  place(fits: (observation: Observation) => boolean): number;
}

export function ledgerOf(world: World): Ledger {
  const seen: Observation[] = [];
  const events: LadingEvent[] = [];
  const open = new Map<string, number>();
  let mostOpen = 0;
  world.observe((observation) => {
    seen.push(observation);
    if (observation.type === 'record') events.push(...observation.record.events);
    if (observation.type === 'died' || observation.type === 'closed') open.clear();
    if (observation.type !== 'request' && observation.type !== 'requestEnded') return;
    const file = `${observation.core}/${observation.file}`;
    const now = (open.get(file) ?? 0) + (observation.type === 'request' ? 1 : -1);
    open.set(file, now);
    mostOpen = Math.max(mostOpen, now);
  });
  return {
    seen,
    events,
    get types() {
      return events.map(({ type }) => type);
    },
    requests: (core) =>
      seen.flatMap((each) =>
        each.type === 'request' && (core === undefined || each.core === core) ? [each.from] : [],
      ),
    get mostOpen() {
      return mostOpen;
    },
    place: (fits) => seen.findIndex(fits),
  };
}

/** The error that a promise ends with, or null; time must pass elsewhere meanwhile. */
export const endOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    (error: unknown) => error,
  );

/** What is served for a file, which is what must be installed of it. */
export function rightBytes(world: World, core: string, file: string): Uint8Array {
  const bytes = world.goods.right.get(core)?.files.get(file)?.contents[0];
  if (bytes === undefined) throw new RangeError(`no file ${file} of ${core} in this world`);
  return bytes;
}

/** The final files of a core that are not what the catalog says, by path. */
export function wrongFiles(world: World, core: string): readonly string[] {
  const right = world.goods.right.get(core)?.files ?? new Map();
  return [...world.disk.installed(core)].flatMap(([path, bytes]) => {
    const file = path.split('/').slice(5).join('/');
    const expected: Uint8Array | undefined = right.get(file)?.contents[0];
    return expected !== undefined && Buffer.from(expected).equals(bytes) ? [] : [path];
  });
}

/** Begins a download that nobody waits for. */
export function begin(world: World, id: string): void {
  world.depot.download(id).catch(() => undefined);
}

/** Begins a download and lets it come so far, bytes. */
export async function downloadTo(world: World, id: string, bytes: number): Promise<void> {
  begin(world, id);
  await world.runUntil(() => world.depot.status(id).bytesDone >= bytes);
}

/** Paths of what is staged. */
export const stagedPaths = (world: World): readonly string[] => [...world.disk.files('/depot/staging').keys()];
