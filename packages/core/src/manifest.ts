import type { Defect } from './defect.js';
import { pathOf } from './defect.js';
import { fingerprintOf } from './fingerprint.js';
import { readJson } from './json.js';
import { LIMITS } from './limits.js';
import { upgradeManifest } from './manifest-legacy.js';
import { RuleBook } from './manifest-rules.js';
import {
  bundleSchema,
  coreSchema,
  frameSchema,
  type RawCore,
  type RawFile,
  type RawManifest,
  type RawVoice,
  voiceSchema,
} from './manifest-schema.js';
import { fileNameDefect } from './name.js';
import { lastSegmentOf, readUrl, type UrlRules } from './url.js';

/** One known-good content of a file: its size and whatever digests are known of it. `sha256` is strong, the others are weak. */
export interface Content {
  readonly sizeBytes: number;
  readonly sha256: string | null;
  readonly sha1: string | null;
  readonly md5: string | null;
  readonly gitBlob: string | null;
}

export interface FileSpec {
  /** Name below the core's generation; for an archive, the name it has while it is staged. */
  readonly filename: string;
  /** Sources, best first. */
  readonly urls: readonly string[];
  /** The declared content, then the other accepted ones. Never empty. */
  readonly contents: readonly [Content, ...Content[]];
  readonly pieces: { readonly sizeBytes: number; readonly sha256: readonly string[] } | null;
}

export type ExtractType = 'tar' | 'tar.gz' | 'tar.bz2' | 'zip';
export type CoreType = 'engine_core' | 'voice_model' | 'engine_dependency';
export type WishKind = 'voice' | 'stt' | 'llm' | 'embedding';

export interface CoreSpec {
  readonly id: string;
  readonly type: CoreType;
  readonly engineType: string;
  readonly displayName: string;
  readonly license: string | null;
  /** Platforms it is for; null means all. */
  readonly platforms: readonly string[] | null;
  /** The stable id that this variant stands for. */
  readonly aliasOf: string | null;
  readonly archive: {
    readonly extractType: ExtractType;
    readonly stripComponents: number;
    readonly maxBytes: number;
  } | null;
  readonly files: readonly FileSpec[];
  /** Bytes to download. */
  readonly sizeBytes: number;
  /** Fingerprint of the content (names, sizes, digests), not of its URLs: a moved file is not a new revision. */
  readonly revision: string;
}

export interface VoiceSpec {
  readonly id: string;
  readonly kind: WishKind;
  readonly engineId: string;
  readonly displayName: string;
  readonly language: string | null;
  readonly gender: string | null;
  readonly coreRequirements: readonly string[];
  readonly speakerId: number | null;
  readonly modelKey: string | null;
  readonly sampleUrl: string | null;
  readonly aliases: readonly string[];
}

export interface BundleSpec {
  readonly id: string;
  readonly displayName: string;
  readonly requires: readonly string[];
}

export interface Manifest {
  readonly id: string;
  readonly revision: number;
  readonly lastUpdated: string | null;
  readonly expires: string | null;
  readonly cores: readonly CoreSpec[];
  readonly voices: readonly VoiceSpec[];
  readonly bundles: readonly BundleSpec[];
}

export type ManifestReading =
  | { readonly ok: true; readonly manifest: Manifest }
  | { readonly ok: false; readonly defects: readonly Defect[] };

function contentOf(
  raw: { sizeBytes: number } & Partial<Pick<RawFile, 'sha256' | 'sha1' | 'md5' | 'gitBlob'>>,
): Content {
  return {
    sizeBytes: raw.sizeBytes,
    sha256: raw.sha256 ?? null,
    sha1: raw.sha1 ?? null,
    md5: raw.md5 ?? null,
    gitBlob: raw.gitBlob ?? null,
  };
}

function fileOf(raw: RawFile, rules: UrlRules): FileSpec {
  const urls = [raw.url, ...(raw.mirrors ?? [])].map((url) => {
    const reading = readUrl(url, rules);
    return reading.ok ? reading.url : url;
  });
  return {
    filename: raw.filename,
    urls,
    contents: [contentOf(raw), ...(raw.accepted ?? []).map(contentOf)],
    pieces: raw.pieces ? { sizeBytes: raw.pieces.sizeBytes, sha256: raw.pieces.sha256 } : null,
  };
}

function singleFileName(raw: RawCore, url: string): string {
  if (raw.extractType) return `archive.${raw.extractType}`;
  const segment = raw.filename ?? lastSegmentOf(url);
  return fileNameDefect(segment) === null ? segment : 'file';
}

function revisionOf(files: readonly FileSpec[], archive: CoreSpec['archive']): string {
  const identity = files.map((file) => {
    const isProven = file.contents.some((c) => c.sha256 ?? c.sha1 ?? c.md5 ?? c.gitBlob);
    return [file.filename, file.contents, isProven ? null : file.urls];
  });
  return fingerprintOf(JSON.stringify([identity, archive && [archive.extractType, archive.stripComponents]]));
}

function coreOf(raw: RawCore, rules: UrlRules): CoreSpec {
  const url = raw.url ?? '';
  const files = raw.files
    ? raw.files.map((file) => fileOf(file, rules))
    : [fileOf({ ...raw, url, filename: singleFileName(raw, url), sizeBytes: raw.sizeBytes ?? 0 }, rules)];
  const sizeBytes = files.reduce((sum, file) => sum + file.contents[0].sizeBytes, 0);
  const largest = files.reduce((sum, file) => sum + Math.max(...file.contents.map((c) => c.sizeBytes)), 0);
  const archive = raw.extractType
    ? {
        extractType: raw.extractType,
        stripComponents: raw.stripComponents ?? 0,
        maxBytes: raw.unpackedBytes ?? largest * LIMITS.unpackedFactor + LIMITS.unpackedSlackBytes,
      }
    : null;
  return {
    id: raw.id,
    type: raw.type ?? 'engine_core',
    engineType: raw.engineType ?? 'any',
    displayName: raw.displayName ?? raw.id,
    license: raw.license ?? null,
    platforms: raw.platforms ?? null,
    aliasOf: raw.aliasOf ?? null,
    archive,
    files,
    sizeBytes,
    revision: revisionOf(files, archive),
  };
}

function voiceOf(raw: RawVoice): VoiceSpec {
  return {
    id: raw.id,
    kind: raw.kind ?? 'voice',
    engineId: raw.engineId ?? 'any',
    displayName: raw.displayName ?? raw.id,
    language: raw.language ?? null,
    gender: raw.gender ?? null,
    coreRequirements: raw.coreRequirements,
    speakerId: raw.speakerId ?? null,
    modelKey: raw.modelKey ?? null,
    sampleUrl: raw.sampleUrl ?? null,
    aliases: raw.aliases ?? [],
  };
}

function normalize(raw: RawManifest, rules: UrlRules): Manifest {
  return {
    id: raw.id ?? 'catalog',
    revision: raw.revision ?? 0,
    lastUpdated: raw.lastUpdated ?? null,
    expires: raw.expires ?? null,
    cores: raw.cores.map((core) => coreOf(core, rules)),
    voices: (raw.voices ?? []).map(voiceOf),
    bundles: (raw.bundles ?? []).map((b) => ({ id: b.id, displayName: b.displayName ?? b.id, requires: b.requires })),
  };
}

interface Schema<T> {
  safeParse(
    value: unknown,
    options: { error: typeof messageOf },
  ):
    | { success: true; data: T }
    | { success: false; error: { issues: readonly { path: readonly PropertyKey[]; message: string }[] } };
}

/** Collects defects up to the limit; beyond it nobody reads them, and a hostile text must not make us hold millions. */
class ShapeReader {
  readonly defects: Defect[] = [];

  get isFull(): boolean {
    return this.defects.length >= LIMITS.manifestDefects;
  }

  read<T>(schema: Schema<T>, value: unknown, base: string): T | null {
    const parsed = schema.safeParse(value, { error: messageOf });
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues) {
      if (this.isFull) return null;
      const path = issue.path.reduce<string>((at, key) => pathOf(at, typeof key === 'symbol' ? '?' : key), base);
      this.defects.push({ path, message: issue.message });
    }
    return null;
  }

  list<T>(schema: Schema<T>, value: unknown, base: string): T[] {
    const good: T[] = [];
    if (!Array.isArray(value)) return good;
    for (let i = 0; i < value.length && !this.isFull; i++) {
      const entry = this.read(schema, value[i], `${base}[${i}]`);
      if (entry !== null) good.push(entry);
    }
    return good;
  }
}

/** Reads the frame and each entry on its own: whatever is wrong elsewhere, every entry is judged. */
function readShape(value: unknown): { raw: RawManifest | null; defects: readonly Defect[] } {
  const reader = new ShapeReader();
  const frame = reader.read(frameSchema, value, '$');
  const found = (typeof value === 'object' && value !== null ? value : {}) as {
    cores?: unknown;
    voices?: unknown;
    bundles?: unknown;
  };
  const cores = reader.list(coreSchema, found.cores, '$.cores');
  const voices = reader.list(voiceSchema, found.voices, '$.voices');
  const bundles = reader.list(bundleSchema, found.bundles, '$.bundles');
  if (frame === null || reader.defects.length > 0) return { raw: null, defects: reader.defects };
  return { raw: { ...frame, cores, voices, bundles }, defects: [] };
}

function messageOf(issue: {
  code?: string;
  input?: unknown;
  expected?: unknown;
  values?: unknown;
  minimum?: unknown;
  maximum?: unknown;
}): string | undefined {
  const found = issue.input === undefined ? 'nothing' : JSON.stringify(issue.input)?.slice(0, 60);
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined
        ? `is missing (expected ${String(issue.expected)})`
        : `expected ${String(issue.expected)}, found ${found}`;
    case 'invalid_value':
      return `expected ${(issue.values as unknown[]).map((v) => JSON.stringify(v)).join(' or ')}, found ${found}`;
    case 'too_small':
      return `must not be below ${String(issue.minimum)}, found ${found}`;
    case 'too_big':
      return `must not be above ${String(issue.maximum)}, found ${found}`;
    default:
      return undefined;
  }
}

/** Reads a manifest from its parsed JSON. A manifest that fails names every defect with its JSON path. */
export function readManifestValue(value: unknown, rules: UrlRules): ManifestReading {
  const upgraded = upgradeManifest(value);
  const shape = readShape(upgraded);
  const defects = [...shape.defects, ...new RuleBook(rules).check(upgraded)].slice(0, LIMITS.manifestDefects);
  if (defects.length > 0 || shape.raw === null) return { ok: false, defects };
  return { ok: true, manifest: normalize(shape.raw, rules) };
}

/** Reads a manifest from its text (UTF-8, decoded). */
export function readManifest(text: string, rules: UrlRules): ManifestReading {
  if (text.length > LIMITS.manifestBytes) {
    return { ok: false, defects: [{ path: '$', message: `the manifest has more than ${LIMITS.manifestBytes} bytes` }] };
  }
  const json = readJson(text);
  return json.ok ? readManifestValue(json.value, rules) : { ok: false, defects: json.defects };
}
