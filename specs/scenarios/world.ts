/**
 * The world of a scenario: an origin on loopback, a folder of its own, and depots of `@lading/node` between the two. What a
 * scenario asks of it: what was requested, what happened (events), and what is really on the disk.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Catalog, LadingError, type LadingEvent, readManifest, type Status } from '@lading/core';
import { type NodeOptions, openDepot } from '@lading/node';
import type { Depot } from '@lading/runtime';
import type { Identity } from '../origin/identity.js';
import type { PutOptions } from '../origin/origin.js';
import { type LoggedRequest, type Origin, startOrigin } from '../origin/origin.js';
import { sha256Hex } from '../origin/seeded-bytes.js';

/** A file as a manifest names it. */
export interface NamedFile {
  readonly filename: string;
  readonly url: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

export interface Shelf {
  readonly cores: readonly object[];
  readonly voices?: readonly object[];
  readonly bundles?: readonly object[];
}

/** One file that somebody who looks into the depot would take for good. */
export interface FinalFile {
  readonly core: string;
  readonly generation: string;
  readonly file: string;
  readonly sha256: string;
}

export type DepotOptions = Partial<Omit<NodeOptions, 'dir' | 'catalog'>>;

export interface World extends AsyncDisposable {
  readonly origin: Origin;
  /** The depot's directory. */
  readonly dir: string;
  /** Serves bytes at a path, and names them as a manifest does. */
  serve(path: string, bytes: Uint8Array, options?: PutOptions): NamedFile;
  catalog(shelf: Shelf): Catalog;
  /** Opens the depot; closed with the world, if not before. */
  open(shelf: Shelf, options?: DepotOptions): Promise<Depot>;
  /** `core/file` of everything that is final. */
  installed(): Promise<readonly string[]>;
  final(): Promise<readonly FinalFile[]>;
}

/** Short enough that a scenario with many attempts takes no time; the order of things is the same. */
const quick: DepotOptions = { retryBaseMs: 5, stallMs: 5_000 };

/** With an identity its origin speaks TLS. */
export async function startWorld(identity?: Identity): Promise<World> {
  const origin = await startOrigin(identity === undefined ? {} : { identity });
  const root = await mkdtemp(join(tmpdir(), 'lading-world-'));
  const dir = join(root, 'depot');
  const depots: Depot[] = [];
  const catalog = (shelf: Shelf): Catalog => catalogOf(shelf, `${origin.url}/catalog.json`);
  return {
    origin,
    dir,
    serve: (path, bytes, options) => ({
      filename: basename(path),
      url: origin.put(path, bytes, options),
      sizeBytes: bytes.length,
      sha256: sha256Hex(bytes),
    }),
    catalog,
    open: async (shelf, options = {}) => {
      const depot = await openDepot({ ...quick, ...options, dir, catalog: catalog(shelf) });
      depots.push(depot);
      return depot;
    },
    installed: async () => (await finalFiles(dir)).map(({ core, file }) => `${core}/${file}`),
    final: () => finalFiles(dir),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(depots.map((depot) => depot.close()));
      await origin.close();
      await rm(root, { recursive: true, force: true });
    },
  };
}

export function catalogOf(shelf: Shelf, base: string): Catalog {
  const reading = readManifest(JSON.stringify({ version: 3, id: 'world', revision: 1, ...shelf }), {
    base,
    allowHttp: false,
  });
  if (!reading.ok) throw new Error(`a scenario's manifest is refused: ${JSON.stringify(reading.defects)}`);
  return Catalog.of([reading.manifest], process.platform).catalog;
}

/** Everything below `cores/<core>/<generation>/` whose generation has a final name, with the digest of what it holds. */
export async function finalFiles(dir: string): Promise<readonly FinalFile[]> {
  const files: FinalFile[] = [];
  for (const core of await names(join(dir, 'cores'))) {
    for (const generation of await names(join(dir, 'cores', core))) {
      if (generation.startsWith('.')) continue;
      const root = join(dir, 'cores', core, generation);
      for (const file of await filesBelow(root)) {
        const sha256 = createHash('sha256')
          .update(await readFile(join(root, file)))
          .digest('hex');
        files.push({ core, generation, file, sha256 });
      }
    }
  }
  return files;
}

/** Regular files below a folder, by name relative to it; none if the folder is not there. */
export async function filesBelow(folder: string, prefix = ''): Promise<readonly string[]> {
  const found: string[] = [];
  for (const entry of await readdir(join(folder, prefix), { withFileTypes: true }).catch(absent)) {
    const name = prefix + entry.name;
    if (entry.isDirectory()) found.push(...(await filesBelow(folder, `${name}/`)));
    else found.push(name);
  }
  return found.sort();
}

async function names(folder: string): Promise<readonly string[]> {
  return (await readdir(folder).catch(absent)).sort();
}

function absent(error: unknown): never[] {
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
  throw error;
}

/** What happens in a depot from now on, in order, and a way to wait for it. */
export interface History {
  readonly events: readonly LadingEvent[];
  readonly types: readonly string[];
  /** Resolves with the first event, past or to come, that fits. */
  until(fits: (event: LadingEvent) => boolean): Promise<LadingEvent>;
}

export function historyOf(depot: Depot): History {
  const events: LadingEvent[] = [];
  const waiting = new Set<() => void>();
  depot.events$.subscribe(({ event }) => {
    events.push(event);
    for (const look of [...waiting]) look();
  });
  return {
    events,
    get types() {
      return events.map(({ type }) => type);
    },
    until: (fits) =>
      new Promise((resolve) => {
        const look = (): void => {
          const event = events.find(fits);
          if (event === undefined) return;
          waiting.delete(look);
          resolve(event);
        };
        waiting.add(look);
        look();
      }),
  };
}

/** Waits until the status of an id fits; throws if the depot closes before. */
export async function statusOf(depot: Depot, id: string, fits: (status: Status) => boolean): Promise<Status> {
  for await (const status of depot.watch(id)) if (fits(status)) return status;
  throw new Error(`the depot closed before "${id}" was as expected`);
}

/** The error that a promise is rejected with; throws if it is not, or with anything but one of ours. */
export async function refusalOf(promise: Promise<unknown>): Promise<LadingError> {
  const outcome = await promise.then(
    () => null,
    (error: unknown) => error,
  );
  if (outcome instanceof LadingError) return outcome;
  throw outcome ?? new Error('nothing was refused');
}

/** What must hold of every request, whatever the server does. Throws at the first that breaks a rule. */
export function checkManners(requests: readonly LoggedRequest[]): void {
  for (const request of requests) {
    const names = request.rawHeaders.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());
    const count = (name: string): number => names.filter((each) => each === name).length;
    const fail = (why: string): never => {
      throw new Error(
        `request ${request.at} ${request.method} ${request.url}: ${why}\n${request.rawHeaders.join('\n')}`,
      );
    };
    if (request.method !== 'GET') fail('every request is a GET');
    if (count('range') > 1) fail('at most one Range header');
    if (request.range !== null && !/^bytes=\d+-\d*$/.test(request.range)) fail('one range per request');
    if (count('if-range') > count('range')) fail('If-Range only with Range');
    if (/^W\//.test(String(request.headers['if-range'] ?? ''))) fail('If-Range only with a strong validator');
    if (count('accept-encoding') !== 1 || request.headers['accept-encoding'] !== 'identity') fail('identity encoding');
  }
}
