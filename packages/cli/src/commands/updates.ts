import { reading } from '../opening.js';
import { DONE, type Outcome, type Session } from '../session.js';

/** What is installed of which the catalog has another version. */
export async function updates(session: Session): Promise<Outcome> {
  const { out } = session;
  const reader = await reading(session, [], 'update');
  const found = reader.checkForUpdates();
  for (const status of found) {
    out.record('status', status);
    out.result(`${status.id}  update available, run \`lading download ${status.id}\``);
  }
  if (found.length === 0) out.result('everything is as the catalog has it');
  return { ...DONE, counts: { updates: found.length } };
}
