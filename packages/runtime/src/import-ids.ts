import { ConfigurationError } from '@lading/core';
import { contentsOf, type ExportContents } from './export-contents.js';
import type { ImportSource } from './import-source.js';
import type { DepotReader } from './view.js';

/** What is to be imported, with exported archives opened. */
interface Opened {
  readonly ids: readonly string[];
  readonly cores: readonly string[];
  readonly sources: readonly ImportSource[];
}

/** Finds out what sources are for: for the id that was named, or for what the exported archives among them hold. */
export async function openedSources(
  view: Pick<DepotReader, 'catalog' | 'coresOf'>,
  sources: readonly ImportSource[],
  id: string | undefined,
): Promise<Opened> {
  // Before a byte is read: who mistypes an id is told so at once.
  const named = id === undefined ? [] : view.coresOf(id);
  const exports: ExportContents[] = [];
  const plain: ImportSource[] = [];
  for (const source of sources) {
    const contents = await contentsOf(source);
    if (contents === null) plain.push(source);
    else exports.push(contents);
  }
  const held = exports.flatMap(({ manifest }) => manifest.cores.map((core) => core.id));
  const strange = held.filter((core) => view.catalog.core(core) === undefined);
  if (strange.length > 0) throw unknown(strange);
  const told = exports.flatMap(({ manifest }) => manifest.ids).filter((each) => view.catalog.knows(each));
  // An id that only the other catalog has still names cores that this one has.
  const ids = id === undefined ? [...new Set(told.length > 0 ? told : held)] : [id];
  if (ids.length === 0) throw nothingNamed(plain);
  const cores = new Set([...named, ...held, ...ids.flatMap((each) => view.coresOf(each))]);
  return { ids, cores: [...cores], sources: [...plain, ...exports.flatMap((contents) => contents.sources)] };
}

const unknown = (cores: readonly string[]) =>
  new ConfigurationError(
    `the archive holds ${cores.slice(0, 5).join(', ')}${cores.length > 5 ? ` and ${cores.length - 5} more` : ''}, which no catalog here names`,
    {
      code: 'unknownId',
      remedy: 'Use the catalog that they were exported under: without it nothing tells whether the files are right.',
      ids: cores,
    },
  );

const nothingNamed = ([source]: readonly ImportSource[]) =>
  new ConfigurationError(`${source?.name ?? 'nothing'} is no exported archive, so it must be said what it is for`, {
    code: 'usage',
    remedy: 'Name the id before the files: `lading import ID FILE`.',
  });
