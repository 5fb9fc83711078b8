import { errorOfFault } from '@lading/core';
import { writeExport } from '@lading/node';
import { FaultError } from '@lading/runtime';
import { formatBytes } from '../bytes.js';
import { EXIT } from '../exit.js';
import { demandKnown, isHeld, reading } from '../opening.js';
import { paint } from '../paint.js';
import type { Outcome, Session } from '../session.js';
import { plural } from '../words.js';

/** Writes installed cores as one archive. Only looks at the depot: no lease, so also beside an owner at work. */
export async function exportFrom(
  session: Session,
  words: readonly string[],
  flags: { readonly out: string },
): Promise<Outcome> {
  const { out } = session;
  const reader = await reading(session, words);
  const { ids } = reader.asked;
  demandKnown(reader, session, ids, isHeld(reader));
  try {
    const exported = await reader.export(...ids);
    const sha256 = await writeExport(exported, flags.out);
    const { cores, leftOut, sizeBytes } = exported;
    out.record('exported', { ids, file: flags.out, sizeBytes, sha256, cores: cores.map(({ id }) => id), leftOut });
    out.result(`${plural(cores.length, 'core')}, ${formatBytes(sizeBytes)} written to ${flags.out}`);
    if (leftOut.length > 0)
      out.note(
        `${paint('yellow', 'note:')} left out, for what was unpacked from an archive cannot be proven elsewhere: ${leftOut.join(', ')}`,
      );
    return { exitCode: EXIT.done, counts: { exported: cores.length, leftOut: leftOut.length, sizeBytes } };
  } catch (error) {
    throw error instanceof FaultError ? errorOfFault(error.fault, 'the export') : error;
  }
}
