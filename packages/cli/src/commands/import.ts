import { errorOfFault } from '@lading/core';
import { fileSources } from '@lading/node';
import { FaultError, type Imported, type ImportSource } from '@lading/runtime';
import { formatBytes } from '../bytes.js';
import { EXIT, UsageError } from '../exit.js';
import { demandKnown, owning, type Reader, reading } from '../opening.js';
import { paint } from '../paint.js';
import type { Outcome, Session } from '../session.js';
import { plural } from '../words.js';
import { bring } from './download.js';

/** While files are staged no job may begin that has them open. */
const NOTHING_STARTS = 0;

/**
 * Takes files that are here already. First they are judged and staged, with nothing else at work; then what is whole is installed like any
 * download, which has nothing to ask of the network.
 */
export async function importInto(session: Session, words: readonly string[]): Promise<Outcome> {
  // One word alone is an archive that says itself what it holds.
  const named = words.length > 1 ? words.slice(0, 1) : [];
  const paths = words.slice(named.length);
  const reader = await reading(session, named, 'fetch');
  const [id] = reader.asked.ids;
  if (id !== undefined) demandKnown(reader, session, [id]);
  const imported = await staged(session, reader, await sourcesOf(paths), id);
  tell(session, imported);
  const counts = { imported: imported.files.length, missing: imported.missing.length };
  if (imported.missing.length > 0) return { exitCode: EXIT.done, counts };
  const { ids } = imported;
  return await owning(session, reader, undefined, async (depot) => {
    const outcome = await bring(session, depot, { ids, asked: reader.asked, pins: reader.pins });
    return { ...outcome, counts: { ...counts, ...outcome.counts } };
  });
}

async function sourcesOf(paths: readonly string[]): Promise<readonly ImportSource[]> {
  const sources: ImportSource[] = [];
  for (const path of paths) {
    try {
      sources.push(...(await fileSources(path)));
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      if (error.fault.detail === 'ENOENT')
        throw new UsageError(`there is no file ${path}`, 'Name a file that is there.');
      throw errorOfFault(error.fault, 'the import');
    }
  }
  return sources;
}

async function staged(
  session: Session,
  reader: Reader,
  sources: readonly ImportSource[],
  id: string | undefined,
): Promise<Imported> {
  const leaving = new AbortController();
  return await owning(session, reader, NOTHING_STARTS, async (depot) => {
    session.onStop(async () => {
      leaving.abort();
      return await Promise.resolve(undefined);
    });
    return await depot.import(sources, { signal: leaving.signal, ...(id === undefined ? {} : { id }) });
  });
}

function tell({ out }: Session, { ids, files, missing, passedOver }: Imported): void {
  out.record('imported', { ids, files, missing, passedOver });
  for (const { core, filename, sizeBytes, proof } of files) {
    const by = proof === 'strong' ? '' : proof === 'weak' ? ', by a weak digest' : ', by its size alone';
    out.result(`${paint('green', 'imported')} ${core}/${filename}, ${formatBytes(sizeBytes)}${by}`);
  }
  if (passedOver.length > 0) out.note(`${plural(passedOver.length, 'other file')} passed over`);
  if (missing.length === 0) return;
  const bytes = missing.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const names = missing.slice(0, 3).map(({ core, filename }) => `${core}/${filename}`);
  const more = missing.length > 3 ? ` and ${missing.length - 3} more` : '';
  out.note(`${plural(missing.length, 'file')} still missing (${names.join(', ')}${more}), ${formatBytes(bytes)}`);
  out.note(`\`lading download ${ids.join(' ')}\` fetches the rest`);
}
