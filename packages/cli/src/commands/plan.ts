import type { LadingError } from '@lading/core';
import { freeBytesAt } from '../free-space.js';
import { pinLines, referencesOf } from '../hub.js';
import { demandKnown, reading } from '../opening.js';
import { paint } from '../paint.js';
import { planLines, planRecord } from '../plan-text.js';
import { oneLine } from '../printable.js';
import { DONE, type Outcome, type Session } from '../session.js';

/** What a download would fetch, before a byte moves. Of what the hub cannot tell for now it says that its size is unknown, and plans the rest. */
export async function plan(session: Session, ids: readonly string[]): Promise<Outcome> {
  const reader = await reading(session, ids, 'fetch');
  const { asked, pins } = reader;
  const { catalog, leftOut } = reader;
  const unknown = asked.ids.flatMap((id) => {
    const error = catalog.knows(id) ? undefined : leftOut.get(id);
    // A hub that says no has answered: then it is the reference that is wrong.
    return error?.isRetryable === true ? [{ id, error }] : [];
  });
  const wanted = asked.ids.filter((id) => unknown.every((each) => each.id !== id));
  demandKnown(reader, session, wanted);
  const planned = reader.plan(...wanted);
  const freeBytes = await freeBytesAt(session.settings.dir);
  session.out.record('plan', {
    ...planRecord(asked.ids, planned, freeBytes),
    ...referencesOf(pins),
    ...unknownIn(unknown),
  });
  const lines = planLines(asked.ids, planned, freeBytes);
  for (const line of [...lines, ...pinLines(pins), ...unknown.map(unknownLine)]) session.out.result(line);
  return { ...DONE, counts: { bytesToFetch: planned.bytesToFetch, bytesTotal: planned.bytesTotal } };
}

interface Unknown {
  readonly id: string;
  readonly error: LadingError;
}

const unknownIn = (unknown: readonly Unknown[]): object =>
  unknown.length === 0 ? {} : { unknown: unknown.map(({ id, error: { code, message } }) => ({ id, code, message })) };

const unknownLine = ({ id, error }: Unknown): string =>
  `  ${paint('yellow', 'note:')} ${id}: size unknown, it is not in the sums above: ${oneLine(error.message)}`;
