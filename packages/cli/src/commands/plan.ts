import { freeBytesAt } from '../free-space.js';
import { pinLines, referencesOf } from '../hub.js';
import { demandKnown, reading } from '../opening.js';
import { planLines, planRecord } from '../plan-text.js';
import { DONE, type Outcome, type Session } from '../session.js';

/** What a download would fetch, before a byte moves. */
export async function plan(session: Session, ids: readonly string[]): Promise<Outcome> {
  const reader = await reading(session, ids, 'fetch');
  const { asked, pins } = reader;
  const wanted = asked.ids;
  demandKnown(reader, session, wanted);
  const planned = reader.plan(...wanted);
  const freeBytes = await freeBytesAt(session.settings.dir);
  session.out.record('plan', { ...planRecord(wanted, planned, freeBytes), ...referencesOf(pins) });
  for (const line of [...planLines(wanted, planned, freeBytes), ...pinLines(pins)]) session.out.result(line);
  return { ...DONE, counts: { bytesToFetch: planned.bytesToFetch, bytesTotal: planned.bytesTotal } };
}
