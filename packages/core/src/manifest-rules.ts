import { type Defect, pathOf } from './defect.js';
import { LIMITS } from './limits.js';
import { fileNameDefect, foldName, idDefect } from './name.js';
import { readUrl, type UrlRules } from './url.js';

/**
 * What the shape cannot say: grammar of names, uniqueness after case folding, URLs, references, sums. Works on unknown input and passes over
 * whatever has the wrong shape (the schema names that), so a manifest with twenty defects hears of all twenty at once.
 */
type Json = Record<string, unknown>;

const isRecord = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

export class RuleBook {
  readonly defects: Defect[] = [];
  private readonly requirable = new Set<string>();
  private readonly wishable = new Set<string>();
  private readonly owners = new Map<string, string>();

  constructor(private readonly urls: UrlRules) {}

  check(manifest: unknown): readonly Defect[] {
    if (!isRecord(manifest)) return [];
    listOf(manifest.cores).forEach((core, i) => {
      if (isRecord(core)) this.core(core, `$.cores[${i}]`);
    });
    const voices = listOf(manifest.voices);
    voices.forEach((voice, i) => {
      if (isRecord(voice)) this.voice(voice, `$.voices[${i}]`);
    });
    listOf(manifest.bundles).forEach((bundle, i) => {
      if (isRecord(bundle)) this.bundle(bundle, `$.bundles[${i}]`);
    });
    return this.defects;
  }

  private add(path: string, message: string): void {
    if (this.defects.length < LIMITS.manifestDefects) this.defects.push({ path, message });
  }

  private id(value: unknown, path: string, kind: string): string | null {
    if (typeof value !== 'string') return null;
    const defect = idDefect(value);
    if (defect !== null) {
      this.add(path, `the id ${JSON.stringify(value.slice(0, 80))}: ${defect}`);
      return null;
    }
    const key = `${kind} ${foldName(value)}`;
    const owner = this.owners.get(key);
    if (owner !== undefined) this.add(path, `the id "${value}" is already used at ${owner}`);
    else this.owners.set(key, path);
    return value;
  }

  private core(core: Json, path: string): void {
    const id = this.id(core.id, `${path}.id`, 'core');
    if (id !== null) this.requirable.add(id);
    if (typeof core.aliasOf === 'string') {
      const defect = idDefect(core.aliasOf);
      if (defect !== null) this.add(`${path}.aliasOf`, defect);
      else this.requirable.add(core.aliasOf);
    }
    const files = core.files ?? null;
    if (files !== null && (core.url ?? null) !== null)
      this.add(path, 'has both "files" and "url"; a core is one or the other');
    if (files === null && (core.url ?? null) === null)
      this.add(path, 'has neither "files" nor "url"; a core needs one of them');
    if (files !== null && (core.extractType ?? null) !== null) {
      this.add(`${path}.extractType`, 'only a core with "url" is one archive; listed files are installed as they are');
    }
    if (files === null && (core.url ?? null) !== null && core.sizeBytes === undefined) {
      this.add(`${path}.sizeBytes`, 'a size is required');
    }
    if (typeof core.filename === 'string') this.name(core.filename, `${path}.filename`);
    this.content(core, path);
    const names = new Map<string, string>();
    const folders = new Map<string, string>();
    let sum = 0;
    listOf(files).forEach((file, i) => {
      if (!isRecord(file)) return;
      const filePath = `${path}.files[${i}]`;
      if (typeof file.filename === 'string') this.fileName(file.filename, `${filePath}.filename`, names, folders);
      this.content(file, filePath);
      if (typeof file.sizeBytes === 'number') sum += file.sizeBytes;
    });
    if (!Number.isSafeInteger(sum)) this.add(`${path}.files`, 'the sizes add up to more than can be counted exactly');
  }

  private name(name: string, path: string): boolean {
    const defect = fileNameDefect(name);
    if (defect !== null) this.add(path, `the file name ${JSON.stringify(name.slice(0, 80))}: ${defect}`);
    return defect === null;
  }

  private fileName(name: string, path: string, names: Map<string, string>, folders: Map<string, string>): void {
    if (!this.name(name, path)) return;
    const fold = foldName(name);
    const known = names.get(fold);
    if (known !== undefined)
      this.add(path, `the file name "${name}" is already used at ${known} (upper and lower case count as one)`);
    names.set(fold, path);
    // By look-up, not by comparing all pairs: a hostile core may name a hundred thousand files.
    let clash = folders.get(fold);
    for (let slash = fold.indexOf('/'); slash !== -1; slash = fold.indexOf('/', slash + 1)) {
      const folder = fold.slice(0, slash);
      clash ??= names.get(folder);
      if (!folders.has(folder)) folders.set(folder, path);
    }
    if (clash !== undefined) this.add(path, `"${name}" would be a file and a folder at once, with ${clash}`);
  }

  private content(entry: Json, path: string): void {
    if (typeof entry.url === 'string') this.url(entry.url, `${path}.url`);
    listOf(entry.mirrors).forEach((mirror, i) => {
      if (typeof mirror === 'string') this.url(mirror, `${path}.mirrors[${i}]`);
    });
    const pieces = entry.pieces;
    if (!isRecord(pieces) || typeof entry.sizeBytes !== 'number' || typeof pieces.sizeBytes !== 'number') return;
    const expected = Math.ceil(entry.sizeBytes / pieces.sizeBytes);
    const found = listOf(pieces.sha256).length;
    if (pieces.sizeBytes > 0 && expected !== found) {
      this.add(
        `${path}.pieces.sha256`,
        `has ${found} digests, but ${entry.sizeBytes} bytes make ${expected} pieces of ${pieces.sizeBytes}`,
      );
    }
  }

  private url(url: string, path: string): void {
    const reading = readUrl(url, this.urls);
    if (!reading.ok) this.add(path, `the URL ${reading.reason}`);
  }

  private voice(voice: Json, path: string): void {
    const id = this.id(voice.id, `${path}.id`, 'voice');
    if (id !== null) this.wishable.add(id);
    listOf(voice.aliases).forEach((alias, i) => {
      const name = this.id(alias, `${path}.aliases[${i}]`, 'voice');
      if (name !== null) this.wishable.add(name);
    });
    if (typeof voice.sampleUrl === 'string') this.url(voice.sampleUrl, `${path}.sampleUrl`);
    listOf(voice.coreRequirements).forEach((core, i) => {
      if (typeof core !== 'string' || this.requirable.has(core)) return;
      const name = typeof voice.id === 'string' ? voice.id : '?';
      this.add(
        pathOf(`${path}.coreRequirements`, i),
        `the voice "${name}" needs the core "${core}", which this catalog does not have`,
      );
    });
  }

  private bundle(bundle: Json, path: string): void {
    this.id(bundle.id, `${path}.id`, 'voice');
    listOf(bundle.requires).forEach((wish, i) => {
      if (typeof wish !== 'string' || this.wishable.has(wish)) return;
      const name = typeof bundle.id === 'string' ? bundle.id : '?';
      this.add(pathOf(`${path}.requires`, i), `the bundle "${name}" names "${wish}", which this catalog does not have`);
    });
  }
}
