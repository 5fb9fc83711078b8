import type { Defect } from '@lading/core';
import { isReference, type Reference, readReference } from './reference.js';

/** Where manifests name files: the cores that are one file or archive, and the files of the others. Reads and changes plain JSON. */
type Json = Readonly<Record<string, unknown>>;

/** One place of a manifest that names a file, with the references among its sources. */
export interface FilePlace {
  /** Index among the manifest's cores, and among the core's files; null for a core that is the file. */
  readonly core: number;
  readonly file: number | null;
  readonly entry: Json;
  readonly references: readonly Reference[];
}

const isRecord = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** The sources that an entry names, with their JSON paths. */
function sourcesOf(entry: Json, path: string): readonly { readonly text: string; readonly path: string }[] {
  const sources = [
    { text: entry.url, path: `${path}.url` },
    ...listOf(entry.mirrors).map((text, i) => ({ text, path: `${path}.mirrors[${i}]` })),
  ];
  return sources.flatMap(({ text, path: at }) => (typeof text === 'string' ? [{ text, path: at }] : []));
}

/** Every place that names a file of the hub, and what is wrong with the others that try. */
export function placesIn(manifest: unknown): {
  readonly places: readonly FilePlace[];
  readonly defects: readonly Defect[];
} {
  const places: FilePlace[] = [];
  const defects: Defect[] = [];
  const look = (entry: unknown, core: number, file: number | null, path: string): void => {
    if (!isRecord(entry)) return;
    const references: Reference[] = [];
    const named = sourcesOf(entry, path).filter(({ text }) => isReference(text));
    for (const { text, path: at } of named) {
      const reading = readReference(text);
      if (reading.ok) references.push(reading.reference);
      else defects.push({ path: at, message: `the reference ${reading.reason}` });
    }
    if (named.length > 0) places.push({ core, file, entry, references });
  };
  if (!isRecord(manifest)) return { places, defects };
  listOf(manifest.cores).forEach((core, i) => {
    if (!isRecord(core)) return;
    look(core, i, null, `$.cores[${i}]`);
    listOf(core.files).forEach((file, j) => look(file, i, j, `$.cores[${i}].files[${j}]`));
  });
  return { places, defects };
}

/** The entry with each of its references as a URL; those that cannot be read become none that would be taken for another defect. */
export function withUrls(entry: Json, urlOf: (reference: Reference) => string): Json {
  const change = (text: unknown): unknown => {
    if (typeof text !== 'string' || !isReference(text)) return text;
    const reading = readReference(text);
    return reading.ok ? urlOf(reading.reference) : 'https://reference.invalid/';
  };
  return {
    ...entry,
    ...(entry.url === undefined ? {} : { url: change(entry.url) }),
    ...(Array.isArray(entry.mirrors) ? { mirrors: entry.mirrors.map(change) } : {}),
  };
}

/** A copy of the manifest in which every entry that may name a file is what `change` makes of it. */
export function rewritten(
  manifest: unknown,
  change: (entry: Json, core: number, file: number | null) => Json,
): unknown {
  if (!isRecord(manifest) || !Array.isArray(manifest.cores)) return manifest;
  const cores = manifest.cores.map((core: unknown, i) => {
    if (!isRecord(core)) return core;
    const changed = change(core, i, null);
    if (!Array.isArray(core.files)) return changed;
    return { ...changed, files: core.files.map((file: unknown, j) => (isRecord(file) ? change(file, i, j) : file)) };
  });
  return { ...manifest, cores };
}

/** A copy without some cores, and without the voices and bundles that need one of them; `onGone` hears every name that goes. */
export function without(
  manifest: unknown,
  gone: ReadonlySet<number>,
  onGone: (id: string, core: number) => void,
): unknown {
  if (!isRecord(manifest) || gone.size === 0) return manifest;
  const lostCores = new Map<string, number>();
  const lostVoices = new Map<string, number>();
  const all = listOf(manifest.cores).filter(isRecord);
  const namesOf = (core: Json) => [core.id, core.aliasOf].filter((name) => typeof name === 'string');
  all.forEach((core, i) => {
    for (const name of namesOf(core)) if (gone.has(i)) lostCores.set(name, i);
  });
  const cores = all.filter((_, i) => !gone.has(i));
  // Another variant may stand for the same id.
  for (const name of cores.flatMap(namesOf)) lostCores.delete(name);
  const staying = (list: unknown, needs: string, lost: ReadonlyMap<string, number>): readonly Json[] =>
    listOf(list)
      .filter(isRecord)
      .filter((each) => {
        const core = listOf(each[needs]).flatMap((name) => lost.get(String(name)) ?? [])[0];
        if (core === undefined) return true;
        for (const name of [each.id, ...listOf(each.aliases)]) if (typeof name === 'string') lostVoices.set(name, core);
        return false;
      });
  const voices = staying(manifest.voices, 'coreRequirements', lostCores);
  const bundles = staying(manifest.bundles, 'requires', lostVoices);
  for (const lost of [lostCores, lostVoices]) for (const [id, core] of lost) onGone(id, core);
  return { ...manifest, cores, voices, bundles };
}
