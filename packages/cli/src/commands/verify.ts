import { coreIn, coreOfDirectWish } from '@lading/core';
import type { Inspection } from '@lading/runtime';
import { formatBytes } from '../bytes.js';
import { CliError, EXIT } from '../exit.js';
import { demandKnown, isHeld, owning, type Reader, reading } from '../opening.js';
import { paint } from '../paint.js';
import { oneLine } from '../printable.js';
import type { Outcome, Session } from '../session.js';
import { Watch } from '../watch.js';
import { plural } from '../words.js';
import { subjectsOf } from './download.js';

/** Reads installed files again. Damage is exit 4, unless it was asked to be repaired and was. */
export async function verify(
  session: Session,
  ids: readonly string[],
  flags: { readonly repair?: boolean },
): Promise<Outcome> {
  const wanted = [...new Set(ids)];
  const reader = await reading(session);
  demandKnown(reader, session, wanted, isHeld(reader));
  for (const id of wanted) {
    if (reader.asset(id) !== null) continue;
    throw new CliError(`"${id}" is not installed`, 'notInstalled', `Run \`lading download ${id}\` first.`, { id });
  }
  const before = installedIn(reader, wanted);
  const isRepair = flags.repair ?? false;
  return await owning(session, reader, isRepair ? undefined : 0, async (depot) => {
    const lost = before.filter(({ core }) => coreIn(depot.state, core).context.installed === null);
    if (!isRepair) return told(session, [...lost, ...(await depot.verify(...wanted))], false);
    const held = wanted.length > 0 ? wanted : reader.installed().map((asset) => asset.id);
    const watch = new Watch(depot, session.out, { subjects: subjectsOf(depot, held), env: session.env });
    try {
      const users = usersOf(reader, new Set(lost.map(({ core }) => core)));
      const fetched = Promise.all(users.map((id) => depot.download(id)));
      const [repaired] = await Promise.all([depot.repair(...wanted), fetched]);
      watch.end();
      const isLost = ({ core }: Inspection) => lost.some((each) => each.core === core);
      return told(session, [...lost, ...repaired.filter((each) => !isLost(each))], true);
    } finally {
      watch.end();
    }
  });
}

/**
 * What should be installed, as if nothing of it were there. A core whose folder is gone is noticed when the depot opens, before anything can
 * be read again, and would go unsaid otherwise.
 */
function installedIn(reader: Reader, ids: readonly string[]): readonly Inspection[] {
  const { state } = reader;
  const cores =
    ids.length === 0
      ? [...state.cores.keys()]
      : ids.flatMap((id) => reader.asset(id)?.places.map(({ core }) => core) ?? []);
  return [...new Set(cores)].sort().flatMap((core) => {
    const { installed } = coreIn(state, core).context;
    if (installed === null) return [];
    const damaged = installed.files.map(({ filename, sha256 }) => ({ filename, expected: sha256, found: null }));
    const bytes = installed.files.reduce((sum, file) => sum + file.sizeBytes, 0);
    return [{ core, generation: installed.generation, files: installed.files.length, bytes, damaged }];
  });
}

/** What was asked for and needs one of the cores. */
function usersOf({ state }: Reader, cores: ReadonlySet<string>): readonly string[] {
  const users = [...state.voices.entries()].filter(
    ([, { phase, context }]) => phase === 'ready' && context.cores.some((core) => cores.has(core)),
  );
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
