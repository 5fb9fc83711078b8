/**
 * Turns the Piper publisher's catalog (`voices.json`) into a version 3 manifest: one `voice_model` core and one voice
 * for each of its keys. Pure and deterministic: the same catalog, in any order of keys, gives the same manifest.
 *
 * Refuses, with the JSON path of every defect: what is not of that shape, sizes and digests that cannot be right,
 * names that no file system or id may carry, and two keys that would become one id.
 */
import {
  claims,
  compare,
  described,
  expectFields,
  expectLanguage,
  expectMd5,
  expectName,
  expectSegments,
  expectSize,
  expectText,
  isFields,
  PiperCatalogError,
  type PiperDefect,
  pathOf,
  quoted,
  type Report,
  sortedEntries,
} from './piper-reading.js';

/** The commit of rhasspy/piper-voices that the URLs name when the caller names none. A commit never moves. */
export const PIPER_REVISION = 'c10ece1aade47bb51c153c893d14e5bf8e5b7117';

const PIPER_FILES = 'https://huggingface.co/rhasspy/piper-voices/resolve';

/** A digest that somebody else computed of one of the publisher's files; used only where its size and md5 agree. */
export interface PiperAsset {
  readonly file: string;
  readonly sizeBytes: number | null;
  readonly md5: string | null;
  readonly sha256: string | null;
}

export interface ImportPiperOptions {
  readonly assets?: readonly PiperAsset[] | undefined;
  /** A commit, tag or branch of rhasspy/piper-voices; {@link PIPER_REVISION} if absent. */
  readonly revision?: string | undefined;
  /** The manifest's date, `YYYY-MM-DD`. Asked for, because a conversion that reads the clock cannot be repeated. */
  readonly lastUpdated: string;
}

export interface PiperFile {
  readonly filename: string;
  readonly url: string;
  readonly sizeBytes: number;
  readonly sha256?: string;
  readonly md5: string;
}

export interface PiperCore {
  readonly id: string;
  readonly type: 'voice_model';
  readonly engineType: 'piper';
  readonly displayName: string;
  readonly license: string;
  readonly files: readonly PiperFile[];
}

export interface PiperVoice {
  readonly id: string;
  readonly kind: 'voice';
  readonly engineId: 'piper';
  readonly displayName: string;
  readonly language: string;
  readonly gender: null;
  readonly coreRequirements: readonly string[];
  readonly speakerId: null;
  readonly modelKey: string;
  /** Other ids of this voice, made of the keys that the publisher gave it before. */
  readonly aliases?: readonly string[];
}

export interface PiperManifest {
  readonly version: 3;
  readonly id: 'piper';
  readonly revision: 1;
  readonly lastUpdated: string;
  readonly cores: readonly PiperCore[];
  readonly voices: readonly PiperVoice[];
}

/** @throws {PiperCatalogError} naming every defect of `publisher` by its JSON path */
export function importPiper(publisher: unknown, options: ImportPiperOptions): PiperManifest {
  const { lastUpdated, revision = PIPER_REVISION, assets = [] } = options;
  const defects: PiperDefect[] = [];
  const report: Report = (path, message) => void defects.push({ path, message });
  const source: Source = {
    url: (segments) => [PIPER_FILES, ...[revision, ...segments].map(encodeURIComponent)].join('/'),
    // A name alone proves nothing, nor does a size: all three must agree before a foreign digest is believed.
    sha256: (file, sizeBytes, md5) =>
      assets.find((asset) => asset.file === file && asset.sizeBytes === sizeBytes && asset.md5 === md5)?.sha256 ?? null,
  };

  const entries = isFields(publisher) ? sortedEntries(publisher) : [];
  if (entries.length === 0) report('$', `expected an object of voices by key, found ${described(publisher)}`);
  const imported = entries.flatMap(([key, entry]) => importVoice(key, entry, source, report));

  // Voices and cores share one namespace. Aliases come last, so that a clash is reported at the alias, the lesser name.
  const claim = claims(report);
  for (const { path, core, voice } of imported) {
    // Two equal keys clash in both ids, which is one defect.
    if (claim(voice.id, path)) claim(core.id, path);
  }
  for (const { path, voice } of imported) {
    for (const alias of voice.aliases ?? []) claim(alias, pathOf(path, 'aliases'));
  }

  const [first, ...others] = defects;
  if (first !== undefined) throw new PiperCatalogError([first, ...others]);
  return {
    version: 3,
    id: 'piper',
    revision: 1,
    lastUpdated,
    cores: imported.map(({ core }) => core),
    voices: imported.map(({ voice }) => voice),
  };
}

interface Source {
  readonly url: (segments: readonly string[]) => string;
  readonly sha256: (file: string, sizeBytes: number, md5: string) => string | null;
}

interface Imported {
  readonly path: string;
  readonly core: PiperCore;
  readonly voice: PiperVoice;
}

function importVoice(key: string, entry: unknown, source: Source, report: Report): readonly Imported[] {
  const path = pathOf('$', key);
  const asciiKey = expectName(key, path, report);
  const fields = expectFields(entry, path, report);
  if (fields === null) return [];
  if (fields.key !== undefined && fields.key !== key) {
    report(pathOf(path, 'key'), `expected ${quoted(key)}, under which it stands, found ${described(fields.key)}`);
  }
  const languagePath = pathOf(path, 'language');
  const language = expectFields(fields.language, languagePath, report);
  const code = language === null ? '' : expectLanguage(language.code, pathOf(languagePath, 'code'), report);
  const displayName = displayNameOf(
    expectText(fields.name ?? key, pathOf(path, 'name'), report),
    [
      [language?.name_english ?? code, pathOf(languagePath, 'name_english')],
      [language?.country_english, pathOf(languagePath, 'country_english')],
      [fields.quality, pathOf(path, 'quality')],
    ],
    report,
  );
  const id = `piper_${asciiKey}`;
  const coreId = `piper_model_${asciiKey}`;
  const aliases = importAliases(fields.aliases, pathOf(path, 'aliases'), report).filter((alias) => alias !== id);

  const core: PiperCore = {
    id: coreId,
    type: 'voice_model',
    engineType: 'piper',
    displayName: `Piper ${displayName}`,
    // The repository is MIT, but each voice carries the terms of its data set, and only its card states them.
    license: 'see MODEL_CARD',
    files: importFiles(fields.files, pathOf(path, 'files'), source, report),
  };
  const voice: PiperVoice = {
    id,
    kind: 'voice',
    engineId: 'piper',
    displayName,
    language: code,
    gender: null,
    coreRequirements: [coreId],
    speakerId: null,
    modelKey: key,
    ...(aliases.length > 0 && { aliases }),
  };
  return [{ path, core, voice }];
}

/** `Lessac (English, United States, medium)`. A trait that the publisher leaves out is left out. */
function displayNameOf(name: string, traits: readonly (readonly [unknown, string])[], report: Report): string {
  const title = name
    .split(/[_\s]+/)
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join(' ')
    .trim();
  const given = traits
    .filter(([value]) => value !== undefined && value !== '')
    .map(([value, path]) => expectText(value, path, report).replaceAll('_', '-'));
  return `${title} (${given.join(', ')})`;
}

function importFiles(files: unknown, path: string, source: Source, report: Report): readonly PiperFile[] {
  const listing = expectFields(files, path, report);
  if (listing === null) return [];
  const entries = sortedEntries(listing);
  if (entries.length === 0) report(path, 'expected at least one file, found none');
  const claim = claims(report);
  const imported = entries.flatMap(([file, entry]): readonly PiperFile[] => {
    const filePath = pathOf(path, file);
    const segments = expectSegments(file, filePath, report);
    const basename = segments.at(-1);
    const filename = basename === undefined ? '' : expectName(basename, filePath, report);
    claim(filename, filePath);
    const fields = expectFields(entry, filePath, report);
    if (fields === null) return [];
    const sizeBytes = expectSize(fields.size_bytes, pathOf(filePath, 'size_bytes'), report);
    const md5 = expectMd5(fields.md5_digest, pathOf(filePath, 'md5_digest'), report);
    const sha256 = source.sha256(file, sizeBytes, md5);
    return [{ filename, url: source.url(segments), sizeBytes, ...(sha256 !== null && { sha256 }), md5 }];
  });
  return imported.sort((one, other) => rankOf(one) - rankOf(other) || compare(one.filename, other.filename));
}

/** The model, then what describes it, then the rest: the order in which people look for them. */
function rankOf({ filename }: PiperFile): number {
  if (filename.endsWith('.onnx')) return 0;
  return filename.endsWith('.onnx.json') ? 1 : 2;
}

function importAliases(aliases: unknown, path: string, report: Report): readonly string[] {
  if (aliases === undefined || aliases === null) return [];
  if (!Array.isArray(aliases)) {
    report(path, `expected a list of names, found ${described(aliases)}`);
    return [];
  }
  return aliases.map((alias: unknown, index) => {
    const aliasPath = `${path}[${index}]`;
    const text = expectText(alias, aliasPath, report);
    return text === '' ? '' : `piper_${expectName(text, aliasPath, report)}`;
  });
}
