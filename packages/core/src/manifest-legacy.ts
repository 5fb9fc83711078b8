import { lastSegmentOf } from './url.js';

/**
 * Reads the two older manifest shapes into version 3, field by field and in place, so that the JSON paths of defects stay those of the text.
 * Version 1 had one URL per core, an archive known by its suffix only, no digests. Version 2 added `extractType`, `files` and `platform`,
 * with the platform inside the core's id, while voices ask for the id without it.
 */
type Json = Record<string, unknown>;

const isRecord = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const SUFFIXES: readonly (readonly [RegExp, string])[] = [
  [/\.(tar\.gz|tgz)$/i, 'tar.gz'],
  [/\.(tar\.bz2|tbz2?)$/i, 'tar.bz2'],
  [/\.tar$/i, 'tar'],
  [/\.zip$/i, 'zip'],
];

function archiveTypeOf(url: unknown): string | null {
  if (typeof url !== 'string') return null;
  const segment = lastSegmentOf(url);
  return SUFFIXES.find(([pattern]) => pattern.test(segment))?.[1] ?? null;
}

function coreFrom(core: unknown): unknown {
  if (!isRecord(core)) return core;
  const { platform, required: _required, ...rest } = core;
  const next: Json = { ...rest };
  if (typeof core.url === 'string') next.extractType = core.extractType ?? archiveTypeOf(core.url);
  // The core's own size is "meant to be the sum of its files, and is not always": the files decide.
  if (Array.isArray(core.files)) delete next.sizeBytes;
  if (typeof platform === 'string') {
    next.platforms = [platform];
    if (typeof core.id === 'string' && core.id.includes(`_${platform}`))
      next.aliasOf = core.id.replace(`_${platform}`, '');
  }
  return next;
}

/** Older manifests may hold ids such as `piper:en_US-lessac-medium`; the colon becomes an underscore everywhere it is named. */
function idFrom(id: unknown): unknown {
  return typeof id === 'string' ? id.replaceAll(':', '_') : id;
}

function voiceFrom(voice: unknown): unknown {
  if (!isRecord(voice)) return voice;
  const requirements = voice.coreRequirements;
  return {
    ...voice,
    id: idFrom(voice.id),
    coreRequirements: Array.isArray(requirements) ? requirements.map(idFrom) : requirements,
  };
}

export function upgradeManifest(manifest: unknown): unknown {
  if (!isRecord(manifest) || (manifest.version !== 1 && manifest.version !== 2)) return manifest;
  const { cores, voices } = manifest;
  return {
    ...manifest,
    version: 3,
    cores: Array.isArray(cores)
      ? cores.map(coreFrom).map((c) => (isRecord(c) ? { ...c, id: idFrom(c.id) } : c))
      : cores,
    voices: Array.isArray(voices) ? voices.map(voiceFrom) : voices,
  };
}
