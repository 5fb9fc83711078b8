import { fileNameDefect, idDefect, LadingError, LIMITS, readJson } from '@lading/core';
import { ArchiveError, corrupt, quoted, tooLarge, unsafe } from './archive/archive-error.js';
import { BLOCK_BYTES, END_BYTES, paddedBytes, readHeader, readRecords } from './archive/tar-header.js';
import { type ImportSource, partOf, piece } from './import-source.js';

/**
 * What stands first in an archive that a depot exported: what it holds. It comes from another machine, so it is told and compared, and never
 * believed: what is imported is judged by the catalog of the machine that imports.
 */
export interface ExportManifest {
  readonly lading: 'export';
  readonly version: 1;
  /** What was asked to be exported. */
  readonly ids: readonly string[];
  readonly cores: readonly ExportedCore[];
  /** Cores that are not in it, because they were unpacked from archives that nobody kept. */
  readonly leftOut: readonly string[];
}

export interface ExportedCore {
  readonly id: string;
  readonly revision: string;
  readonly files: readonly { readonly filename: string; readonly sizeBytes: number; readonly sha256: string }[];
}

export const EXPORT_MANIFEST = 'lading-export.json';
/** An extended header of ours names one file: more is no archive of ours. */
const RECORDS_BYTES = 4 * 1024;

export const entryName = (core: string, filename: string): string => `cores/${core}/${filename}`;

export interface ExportContents {
  readonly manifest: ExportManifest;
  readonly sources: readonly ImportSource[];
}

/** What an exported archive holds; null for any other file. Throws `LadingError` `exportInvalid` if it begins as one and is none. */
export async function contentsOf(source: ImportSource): Promise<ExportContents | null> {
  try {
    return await new Reading(source).contents();
  } catch (error) {
    if (!(error instanceof ArchiveError)) throw error;
    throw new LadingError(`${source.name} is no whole export: ${error.message}`, {
      code: 'exportInvalid',
      remedy: 'Export it again on the other machine, and copy it whole.',
      cause: error,
    });
  }
}

/** Walks from header to header; the bodies are passed over, and read only when their files are. */
class Reading {
  private at = 0;

  constructor(private readonly source: ImportSource) {}

  async contents(): Promise<ExportContents | null> {
    if (!(await this.isExport())) return null;
    const manifest = await this.manifest();
    const expected = new Map<string, number>();
    for (const core of manifest.cores)
      for (const file of core.files) expected.set(entryName(core.id, file.filename), file.sizeBytes);
    const sources: ImportSource[] = [];
    for (let entry = await this.entry(); entry !== null; entry = await this.entry()) {
      const { name, sizeBytes } = entry;
      if (expected.get(name) !== sizeBytes)
        throw unsafe(`${quoted(name)}: ${sizeBytes} bytes that its manifest does not name, or a second time`);
      expected.delete(name);
      sources.push(partOf(this.source, name, this.at, sizeBytes));
      this.at += paddedBytes(sizeBytes);
    }
    const [absent] = expected.keys();
    if (absent !== undefined) throw corrupt(`${quoted(absent)}: its manifest names it, and it is not there`);
    return { manifest, sources };
  }

  private async isExport(): Promise<boolean> {
    const block = await piece(this.source, 0, BLOCK_BYTES);
    return block !== null && new TextDecoder('latin1').decode(block).startsWith(`${EXPORT_MANIFEST}\0`);
  }

  private async manifest(): Promise<ExportManifest> {
    const entry = await this.entry();
    if (entry === null || entry.name !== EXPORT_MANIFEST) throw corrupt('expected its manifest first');
    if (entry.sizeBytes > LIMITS.manifestBytes)
      throw tooLarge(`expected a manifest of at most ${LIMITS.manifestBytes} bytes, found ${entry.sizeBytes}`);
    const bytes = await this.piece(entry.sizeBytes);
    this.at += paddedBytes(entry.sizeBytes);
    const reading = readJson(new TextDecoder().decode(bytes));
    if (!reading.ok)
      throw corrupt(`its manifest at ${reading.defects[0]?.path ?? '$'}: ${reading.defects[0]?.message}`);
    return manifestIn(reading.value);
  }

  private async piece(length: number): Promise<Uint8Array> {
    const bytes = await piece(this.source, this.at, this.at + length);
    if (bytes === null) throw corrupt(`expected ${length} bytes at ${this.at}, found the end of the archive`);
    return bytes;
  }

  /** The next file, or null at the end mark. The place is then at the first byte of its body. */
  private async entry(): Promise<{ readonly name: string; readonly sizeBytes: number } | null> {
    const header = readHeader(await this.piece(BLOCK_BYTES));
    this.at += BLOCK_BYTES;
    if (header === null) return await this.end();
    const found = header.type === 'x' ? await this.extended(header.sizeBytes) : header;
    if (found.type !== '0')
      throw unsafe(`${quoted(found.name)}: expected regular files only, found type ${quoted(found.type)}`);
    if (this.at + paddedBytes(found.sizeBytes) + END_BYTES > this.source.sizeBytes)
      throw corrupt(`${quoted(found.name)}: expected ${found.sizeBytes} bytes, found the end of the archive`);
    return found;
  }

  private async extended(sizeBytes: number) {
    if (sizeBytes > RECORDS_BYTES)
      throw tooLarge(`expected an extended header of at most ${RECORDS_BYTES} bytes, found ${sizeBytes}`);
    const records = readRecords(await this.piece(sizeBytes));
    this.at += paddedBytes(sizeBytes);
    const header = readHeader(await this.piece(BLOCK_BYTES));
    this.at += BLOCK_BYTES;
    if (header === null) throw corrupt('expected a file behind an extended header, found the end mark');
    const [strange] = [...records.keys()].filter((key) => key !== 'path' && key !== 'size');
    if (strange !== undefined) throw unsafe(`an extended header that says ${quoted(strange)}`);
    const size = records.get('size');
    if (size !== undefined && !/^\d{1,15}$/.test(size))
      throw corrupt(`expected a size in whole bytes, found ${quoted(size)}`);
    return {
      ...header,
      name: records.get('path') ?? header.name,
      sizeBytes: size === undefined ? header.sizeBytes : Number(size),
    };
  }

  /** Nothing may follow: what does is of no use to us, and was put there for somebody else's. */
  private async end(): Promise<null> {
    if (readHeader(await this.piece(BLOCK_BYTES)) !== null) throw corrupt('an entry after a block of zeros');
    this.at += BLOCK_BYTES;
    if (this.at !== this.source.sizeBytes)
      throw corrupt(`expected its end at ${this.at}, found ${this.source.sizeBytes} bytes`);
    return null;
  }
}

const isText = (value: unknown): value is string => typeof value === 'string';
const listIn = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

function manifestIn(value: unknown): ExportManifest {
  const { lading, version, ids, cores, leftOut } = (value ?? {}) as Record<string, unknown>;
  if (lading !== 'export' || version !== 1)
    throw corrupt('its manifest is of another version: expected "lading": "export", "version": 1');
  const named = (list: unknown) =>
    listIn(list)
      .filter(isText)
      .filter((id) => idDefect(id) === null);
  const read = listIn(cores).map((core): ExportedCore => {
    const { id, revision, files } = (core ?? {}) as Record<string, unknown>;
    if (!isText(id) || idDefect(id) !== null || !isText(revision)) throw unsafe('its manifest names a core by no id');
    return { id, revision, files: listIn(files).map((file) => fileIn(file, id)) };
  });
  const places = new Set(read.flatMap(({ id, files }) => files.map(({ filename }) => entryName(id, filename))));
  const count = read.reduce((sum, { files }) => sum + files.length, 0);
  if (count > LIMITS.archiveFiles) throw tooLarge(`expected at most ${LIMITS.archiveFiles} files, found ${count}`);
  if (places.size !== count) throw corrupt('its manifest names a file twice');
  return { lading, version, ids: named(ids), cores: read, leftOut: named(leftOut) };
}

function fileIn(file: unknown, core: string): ExportedCore['files'][number] {
  const { filename, sizeBytes, sha256 } = (file ?? {}) as Record<string, unknown>;
  const defect = isText(filename) ? fileNameDefect(filename) : 'is no text';
  if (!isText(filename) || defect !== null) throw unsafe(`its manifest names a file of ${core} that ${defect}`);
  if (!Number.isSafeInteger(sizeBytes) || (sizeBytes as number) < 0)
    throw corrupt(`${quoted(filename)}: expected a size in whole bytes, found ${JSON.stringify(sizeBytes)}`);
  if (!isText(sha256) || !/^[0-9a-f]{64}$/.test(sha256))
    throw corrupt(`${quoted(filename)}: its manifest gives no sha256`);
  return { filename, sizeBytes: sizeBytes as number, sha256 };
}
