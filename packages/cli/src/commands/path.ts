import { CliError } from '../exit.js';
import { demandKnown, isHeld, type Reader, reading } from '../opening.js';
import { DONE, type Outcome, type Session } from '../session.js';
import { statusWords } from '../words.js';
import { subjectsOf } from './download.js';

/** Where the files of something ready are, one path a line. */
export async function path(session: Session, word: string, file: string | undefined): Promise<Outcome> {
  const { out } = session;
  const reader = await reading(session, [word]);
  const [id = word] = reader.asked.ids;
  demandKnown(reader, session, [id], isHeld(reader));
  const asset = reader.asset(id);
  const isAsked = subjectsOf(reader, [id]).every((subject) => isKept(reader, subject));
  if (asset === null || !isAsked) {
    const why = statusWords(reader.status(id), Date.now());
    throw new CliError(`"${id}" is not ready: ${why}`, 'notReady', `Run \`lading download ${id}\` first.`, { id });
  }
  const wanted = file === undefined ? null : asset.path(file);
  const files = asset.files.filter((each) => wanted === null || each.path === wanted);
  for (const each of files) {
    out.record('path', { id, ...each });
    out.result(each.path);
  }
  return { ...DONE, counts: { count: files.length } };
}

/** A voice that nobody asked for may lose its cores at any time, so its paths are not given out. */
function isKept(reader: Reader, subject: string): boolean {
  const { kind, phase } = reader.status(subject);
  return kind === 'core' || phase === 'ready' || phase === 'waiting' || phase === 'paused' || phase === 'failed';
}
