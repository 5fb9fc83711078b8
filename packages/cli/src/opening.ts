import { setTimeout } from 'node:timers/promises';
import { coreIn, errorOfFault, InitializationError, isBusy, type LadingError, type Manifest } from '@lading/core';
import type { HuggingFace, Pin, Reference } from '@lading/huggingface';
import { HttpFetcher, loadCatalog, loadManifest, type NodeReader, openDepot, readDepot } from '@lading/node';
import { type Depot, type DepotReader, faultOf, initializationError } from '@lading/runtime';
import { builtIn } from './built-in.js';
import { CliError } from './exit.js';
import { type Asked, askedBy, hubOf, manifestOf, type Want } from './hub.js';
import type { Settings } from './options.js';
import { paint } from './paint.js';
import type { Session } from './session.js';
import { tuneSoon } from './tuning.js';
import { plural } from './words.js';

export interface Reader extends NodeReader {
  /** What was asked for, as ids. */
  readonly asked: Asked;
  /** What the references of the catalog, and those asked for, came to. */
  readonly pins: readonly Pin[];
  /** Why the hub's silence keeps some ids out of the catalog. */
  readonly leftOut: ReadonlyMap<string, LadingError>;
}

/** Looks at the depot: without its lease, and without the network unless a catalog is an address or names files of a hub. */
export async function reading(session: Session, words: readonly string[] = [], want: Want = 'look'): Promise<Reader> {
  const { settings } = session;
  const asked = askedBy(words);
  const hub = hubOf(session, want);
  const fetcher = fetcherOf(settings);
  const options = { ...settings, hub };
  try {
    const manifests: Manifest[] = [];
    for (const source of settings.catalog)
      manifests.push((await builtIn(source)) ?? (await loadManifest(source, fetcher, options)));
    const look = async () => await readDepot({ ...options, catalog: await loadCatalog(manifests, fetcher, options) });
    let reader = await look();
    const references = new Map([...heldBy(reader, want), ...(want === 'fetch' ? asked.references : [])]);
    if (references.size > 0) {
      // An id that is unknown is said before the hub is asked.
      const others = asked.ids.filter((id) => !references.has(id));
      // What it could not tell a moment ago is said by who needs it: a plan goes on without.
      const isHere = isHeld(reader);
      const also = (id: string) => isHere(id) || hub.leftOut.get(id)?.isRetryable === true;
      demandKnown({ catalog: reader.catalog, leftOut: hub.leftOut }, session, others, also);
      manifests.push(await manifestOf(references, hub, fetcher, settings.allowHttp ?? false));
      reader = await look();
    }
    tellLeftOut(session, hub);
    return Object.assign(reader, { asked, pins: hub.pins, leftOut: hub.leftOut });
  } catch (error) {
    throw initializationError(error);
  } finally {
    await fetcher.close();
  }
}

/** What was asked for by reference before and no catalog names: what is under way, or for updates all that is here. */
function heldBy({ catalog, state }: DepotReader, want: Want): ReadonlyMap<string, Reference> {
  const ids = want === 'look' ? [] : [...state.cores.keys()].filter((id) => !catalog.knows(id));
  const wanted = want === 'update' ? ids : ids.filter((id) => isBusy(coreIn(state, id)));
  return askedBy(wanted).references;
}

export function fetcherOf({ headers, allowHttp }: Settings): HttpFetcher {
  return new HttpFetcher({ ...(headers === undefined ? {} : { headers }), allowHttp: allowHttp ?? false });
}

function tellLeftOut({ out }: Session, { leftOut }: HuggingFace): void {
  for (const error of new Set(leftOut.values())) {
    const ids = [...leftOut].flatMap(([id, why]) => (why === error ? [id] : []));
    out.record('leftOut', { ids, code: error.code, message: error.message, remedy: error.remedy });
    out.note(`${paint('yellow', 'note:')} left out, ${plural(ids.length, 'id')} (${ids.join(', ')}): ${error.message}`);
  }
}

/** Says of every id that the catalog and the depot do not know it, before anything happens. Throws for the last one. */
export function demandKnown(
  reader: Pick<DepotReader, 'catalog'> & Partial<Pick<Reader, 'leftOut'>>,
  { out }: Session,
  ids: readonly string[],
  also: (id: string) => boolean = () => false,
): void {
  const unknown = ids.filter((id) => !reader.catalog.knows(id) && !also(id));
  const errors = unknown.map((id) => {
    const left = reader.leftOut?.get(id);
    if (left !== undefined) return left;
    const refusal = reader.catalog.unknownId(id);
    return new CliError(refusal.message, refusal.code, refusal.remedy, { id, ids: refusal.ids });
  });
  for (const error of errors.slice(0, -1)) out.problem(error);
  const last = errors.at(-1);
  if (last !== undefined) throw last;
}

/** True for ids that the depot holds though the catalog does not name them any more. */
export const isHeld =
  (reader: DepotReader) =>
  (id: string): boolean =>
    reader.state.voices.has(id) || reader.state.cores.has(id);

/** Owns the depot while `work` runs. `slots: 0` starts nothing that waits in its queue. */
export async function owning<T>(
  session: Session,
  reader: DepotReader,
  slots: number | undefined,
  work: (depot: Depot) => Promise<T>,
): Promise<T> {
  const options = {
    ...session.settings,
    catalog: reader.catalog,
    hub: hubOf(session, 'fetch'),
    ...(slots === undefined ? {} : { concurrency: slots }),
  };
  const depot = await opened(session, options);
  tuneSoon();
  session.onStop(() => depot.close().then(() => undefined));
  try {
    return await work(depot);
  } catch (error) {
    throw error instanceof Error && error.name === 'FaultError' ? errorOfFault(faultOf(error), 'the depot') : error;
  } finally {
    await depot.close();
  }
}

/** How often one who waits looks whether the depot is free, milliseconds. */
const LOOK_AGAIN_MS = 200;

/** Opens the depot; with `--wait`, as soon as whoever owns it has let go. */
async function opened({ flags, out }: Session, options: Parameters<typeof openDepot>[0]): Promise<Depot> {
  for (let isTold = false; ; isTold = true) {
    try {
      return await openDepot(options);
    } catch (error) {
      if (flags.wait !== true || !(error instanceof InitializationError) || error.code !== 'leaseHeld') throw error;
      if (!isTold) {
        out.record('waiting', { code: error.code, message: error.message, owner: error.owner });
        out.note(`${paint('yellow', 'waiting:')} ${error.message}`);
      }
      await setTimeout(LOOK_AGAIN_MS);
    }
  }
}
