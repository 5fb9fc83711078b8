import { errorOfFault } from '@lading/core';
import { type NodeReader, openDepot, readDepot } from '@lading/node';
import { type Depot, type DepotReader, faultOf } from '@lading/runtime';
import { CliError } from './exit.js';
import type { Session } from './session.js';

export type Reader = NodeReader;

/** Looks at the depot: without its lease, without the network unless the catalog is an address. */
export function reading({ settings }: Session): Promise<Reader> {
  return readDepot(settings);
}

/** Says of every id that the catalog and the depot do not know it, before anything happens. Throws for the last one. */
export function demandKnown(
  reader: DepotReader,
  { out }: Session,
  ids: readonly string[],
  also: (id: string) => boolean = () => false,
): void {
  const unknown = ids.filter((id) => !reader.catalog.knows(id) && !also(id));
  const errors = unknown.map((id) => {
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
    ...(slots === undefined ? {} : { concurrency: slots }),
  };
  const depot = await openDepot(options);
  session.onStop(() => depot.close().then(() => undefined));
  try {
    return await work(depot);
  } catch (error) {
    throw error instanceof Error && error.name === 'FaultError' ? errorOfFault(faultOf(error), 'the depot') : error;
  } finally {
    await depot.close();
  }
}
