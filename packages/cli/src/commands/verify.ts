import { coreOfDirectWish } from '@lading/core';
import type { Depot, Inspection } from '@lading/runtime';
import { formatBytes } from '../bytes.js';
import { CliError, EXIT } from '../exit.js';
import { demandKnown, isHeld, owning, reading } from '../opening.js';
import { paint } from '../paint.js';
import { oneLine } from '../printable.js';
import type { Outcome, Session } from '../session.js';
import { Watch } from '../watch.js';
import { plural } from '../words.js';
import { subjectsOf } from './download.js';

/** Reads installed files again: no lease, so also beside an owner at work. Damage is exit 4, unless it was asked to be repaired and was. */
export async function verify(
  session: Session,
  ids: readonly string[],
  flags: { readonly repair?: boolean },
): Promise<Outcome> {
  const reader = await reading(session, ids, flags.repair === true ? 'fetch' : 'look');
  const wanted = reader.asked.ids;
  demandKnown(reader, session, wanted, isHeld(reader));
  const found = await reader.verify(...wanted);
  for (const id of wanted) {
    const cores = reader.coresOf(id);
    if (found.some(({ core }) => cores.includes(core))) continue;
    throw new CliError(`"${id}" is not installed`, 'notInstalled', `Run \`lading download ${id}\` first.`, { id });
  }
  const damaged = new Set(found.filter((each) => each.damaged.length > 0).map(({ core }) => core));
  if (flags.repair !== true || damaged.size === 0) return told(session, found, false);
  return await owning(session, reader, undefined, async (depot) => {
    const users = usersOf(depot, damaged);
    const watch = new Watch(depot, session.out, { subjects: subjectsOf(depot, users), env: session.env });
    try {
      // What is gone or has another length was noticed when the depot opened; what has wrong bytes is set aside now.
      await Promise.all([depot.repair(...wanted), ...users.map((id) => depot.download(id))]);
    } finally {
      watch.end();
    }
    return told(session, found, true);
  });
}

/** What was asked for and needs one of the cores. */
function usersOf({ state }: Depot, cores: ReadonlySet<string>): readonly string[] {
  const users = [...state.voices.entries()].filter(([, { context }]) => context.cores.some((core) => cores.has(core)));
  return users.map(([key]) => coreOfDirectWish(key) ?? key);
}

function told({ out }: Session, inspections: readonly Inspection[], isRepaired: boolean): Outcome {
  let damagedFiles = 0;
  for (const { core, files, bytes, damaged } of inspections) {
    damagedFiles += damaged.length;
    out.record('verified', { core, files, bytes, damaged, isRepaired: isRepaired && damaged.length > 0 });
    const mark = damaged.length === 0 ? paint('green', 'whole') : paint('red', isRepaired ? 'repaired' : 'damaged');
    out.result(`${mark}  ${core}  ${plural(files, 'file')}, ${formatBytes(bytes)}`);
    for (const { filename, expected, found } of damaged) {
      out.result(`  ${oneLine(filename)}: expected sha256 ${expected}, found ${found ?? 'no file'}`);
    }
  }
  const counts = { cores: inspections.length, damaged: damagedFiles, repaired: isRepaired ? damagedFiles : 0 };
  if (damagedFiles === 0 || isRepaired) return { exitCode: EXIT.done, counts };
  out.problem(
    new CliError(
      `${plural(damagedFiles, 'installed file')} ${damagedFiles === 1 ? 'is' : 'are'} not what was installed`,
      'damaged',
      'Fetch what is damaged anew with `lading verify --repair`.',
    ),
  );
  return { exitCode: EXIT.verification, counts };
}
