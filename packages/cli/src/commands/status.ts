import type { Status } from '@lading/core';
import { padded } from '../bar.js';
import { formatBytes } from '../bytes.js';
import { demandKnown, isHeld, reading } from '../opening.js';
import { paint } from '../paint.js';
import { oneLine } from '../printable.js';
import { DONE, type Outcome, type Session } from '../session.js';
import { phaseColour, plural, statusWords } from '../words.js';
import { subjectsOf } from './download.js';

/** What is going on with one asset and its cores, or with everything that the depot knows. */
export async function status(session: Session, word: string | undefined): Promise<Outcome> {
  const { out } = session;
  const reader = await reading(session, word === undefined ? [] : [word]);
  const [id] = reader.asked.ids;
  let statuses: readonly Status[];
  if (id === undefined) {
    statuses = reader.list().filter(({ phase }) => phase !== 'absent');
  } else {
    demandKnown(reader, session, [id], isHeld(reader));
    const subjects = subjectsOf(reader, [id]).map((subject) => reader.status(subject));
    const cores = [...new Set(subjects.flatMap((subject) => subject.cores))].filter((core) =>
      subjects.every((s) => s.id !== core),
    );
    statuses = [...subjects, ...cores.map((core) => reader.status(core))];
  }
  for (const each of statuses) out.record('status', each);
  const now = Date.now();
  const idColumns = Math.max(4, ...statuses.map((each) => each.id.length));
  for (const each of statuses) for (const line of linesOf(each, idColumns, now)) out.result(line);
  if (statuses.length === 0) out.result('nothing is here yet; see what there is with `lading list`');
  return { ...DONE, counts: { count: statuses.length } };
}

export function linesOf(status: Status, idColumns: number, now: number): readonly string[] {
  const amount =
    status.phase === 'ready'
      ? formatBytes(status.bytesTotal)
      : `${formatBytes(status.bytesDone)} of ${formatBytes(status.bytesTotal)}`;
  const words = paint(phaseColour(status.phase), statusWords(status, now));
  const cores = status.cores.length > 0 ? `, ${plural(status.cores.length, 'core')}` : '';
  return [
    `${paint('bold', padded(status.id, idColumns))}  ${status.kind.padEnd(9)}  ${words}  ${paint('dim', amount + cores)}`,
    ...(status.fault === null ? [] : [`  ${oneLine(status.fault.message)}`]),
    ...(status.remedy === null ? [] : [`  ${paint('dim', oneLine(status.remedy))}`]),
  ];
}
