import type { Depot } from '@lading/runtime';
import { formatBytes } from '../bytes.js';
import { EXIT, exitCodeOf } from '../exit.js';
import { demandKnown, isHeld, owning, reading } from '../opening.js';
import type { Outcome, Session } from '../session.js';

const NOTHING_STARTS = 0;

async function bytesOnDisk(depot: Depot): Promise<number> {
  const { cores, staging } = await depot.usage();
  return [...Object.values(cores), ...Object.values(staging)].reduce((sum, bytes) => sum + bytes, 0);
}

/** Carries out something for each id; one that is refused does not keep the others from it. */
async function each(
  session: Session,
  ids: readonly string[],
  type: 'deleted' | 'cancelled',
  work: (depot: Depot, id: string) => Promise<void>,
): Promise<Outcome> {
  const { out } = session;
  const reader = await reading(session, ids);
  const wanted = reader.asked.ids;
  demandKnown(reader, session, wanted, isHeld(reader));
  return await owning(session, reader, NOTHING_STARTS, async (depot) => {
    let firstBad: number | null = null;
    let count = 0;
    let total = 0;
    for (const id of wanted) {
      const before = await bytesOnDisk(depot);
      try {
        await work(depot, id);
        const freedBytes = Math.max(0, before - (await bytesOnDisk(depot)));
        count += 1;
        total += freedBytes;
        out.record(type, { id, freedBytes });
        out.note(`${type} ${id}, ${formatBytes(freedBytes)} freed`);
      } catch (error) {
        const { code } = out.problem(error, 'error', { id });
        firstBad ??= exitCodeOf(code);
      }
    }
    return { exitCode: firstBad ?? EXIT.done, counts: { [type]: count, freedBytes: total } };
  });
}

/** Deletes voices with the cores that nobody else needs, or cores. */
export function remove(
  session: Session,
  ids: readonly string[],
  flags: { readonly force?: boolean },
): Promise<Outcome> {
  return each(session, ids, 'deleted', (depot, id) => depot.delete(id, { force: flags.force ?? false }));
}

/** Gives up downloads that are not ready, and what only they had brought. */
export function cancel(session: Session, ids: readonly string[]): Promise<Outcome> {
  return each(session, ids, 'cancelled', (depot, id) => depot.cancel(id));
}

/** Removes what no record names. */
export async function clean(session: Session): Promise<Outcome> {
  const reader = await reading(session);
  return await owning(session, reader, NOTHING_STARTS, async (depot) => {
    const freedBytes = await depot.clean();
    session.out.record('cleaned', { freedBytes });
    session.out.note(`${formatBytes(freedBytes)} freed`);
    return { exitCode: EXIT.done, counts: { freedBytes } };
  });
}
