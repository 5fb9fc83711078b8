import { fileNameDefect, foldName, type InstalledFile } from '@lading/core';
import { type ExtractOptions, FaultError } from '@lading/runtime';
import { hexDigest } from './digest.js';
import { type Mount, parentOf } from './mount.js';

const BLOCK = 512;
const decoder = new TextDecoder('latin1');

interface Entry {
  readonly name: string;
  readonly isFolder: boolean;
  readonly bytes: Uint8Array;
}

const refused = (detail: string, message: string): FaultError => FaultError.of('archiveInvalid', detail, message);

/** A field of a header: text up to the first NUL. */
function field(header: Uint8Array, from: number, length: number): string {
  return decoder.decode(header.slice(from, from + length)).replace(/\0.*$/s, '');
}

function octal(header: Uint8Array, from: number, length: number): number {
  const text = field(header, from, length).trim();
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number.NaN;
}

/** The checksum of a header counts its own field as spaces (POSIX.1-2024, pax, ustar interchange format). */
function isWhole(header: Uint8Array): boolean {
  let sum = 0;
  for (const [at, byte] of header.entries()) sum += at >= 148 && at < 156 ? 0x20 : byte;
  return sum === octal(header, 148, 8);
}

/** Reads plain ustar: regular files and folders. Links, devices and extension headers are refused, not passed over. */
function* entriesOf(archive: Uint8Array): Generator<Entry, void, undefined> {
  for (let at = 0; ; ) {
    const header = archive.subarray(at, at + BLOCK);
    if (header.length === BLOCK && header.every((byte) => byte === 0)) {
      const end = archive.subarray(at);
      if (end.length >= 2 * BLOCK && end.every((byte) => byte === 0)) return;
      throw refused('archiveCorrupt', `expected nothing but zeros from byte ${at} on`);
    }
    if (header.length < BLOCK || !isWhole(header)) throw refused('archiveCorrupt', `no tar header at byte ${at}`);
    const size = octal(header, 124, 12);
    const type = field(header, 156, 1);
    const prefix = field(header, 257, 5) === 'ustar' ? field(header, 345, 155) : '';
    const name = prefix === '' ? field(header, 0, 100) : `${prefix}/${field(header, 0, 100)}`;
    if (type !== '' && type !== '0' && type !== '5')
      throw refused('archiveUnsafe', `${JSON.stringify(name)} has the type ${JSON.stringify(type)}`);
    const bytes = archive.subarray(at + BLOCK, at + BLOCK + size);
    if (!(bytes.length === size)) throw refused('archiveCorrupt', `${JSON.stringify(name)} is cut off`);
    yield { name, isFolder: type === '5', bytes };
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
}

/** The name below the generation, or null for what lies above it. The grammar is that of manifests, and `!` and inner spaces, which espeak-ng needs. */
function placeOf(name: string, stripComponents: number): string | null {
  const segments = name.replace(/\/$/, '').replace(/^\.\//, '').split('/');
  if (segments.some((segment) => segment === '..' || (segment === '.' && segments.length > 1)))
    throw refused('archiveUnsafe', `${JSON.stringify(name)} climbs`);
  if (name.startsWith('/') || name.includes('\\'))
    throw refused('archiveUnsafe', `${JSON.stringify(name)} is no relative path`);
  const place = segments.slice(stripComponents).join('/');
  if (place === '' || place === '.') return null;
  const defect = fileNameDefect(place.replaceAll('!', 'x').replaceAll(/(?<=[^ /]) +(?=[^ /])/g, 'x'));
  if (defect !== null) throw refused('archiveUnsafe', `${JSON.stringify(name)}: ${defect}`);
  return place;
}

/** What a file or folder costs beside its bytes and its name: its record in the journal, and some of the folder. */
const ENTRY_BYTES = 128;
/** Room for that above `maxBytes`, which catalogs may declare as the files' exact sum: some thousand entries. */
const ENTRIES_GRACE_BYTES = 1024 * 1024;
/** Folders above one for each file that is allowed: enough for any sane tree, however few files it may have. */
const FOLDERS_GRACE = 256;

/** What stands where, by names that are one place on a case-insensitive disk; within the bounds of whoever unpacks. */
class Places {
  private readonly known = new Map<string, { readonly place: string; readonly kind: 'file' | 'folder' }>();
  private readonly counts = { file: 0, folder: 0 };
  private bytes = 0;
  private entryBytes = 0;

  constructor(
    private readonly core: string,
    private readonly options: ExtractOptions,
  ) {}

  /** A folder may be named again, in the same spelling; a file never. */
  claim(place: string, kind: 'file' | 'folder'): void {
    const above = place.lastIndexOf('/');
    if (above !== -1) this.claim(place.slice(0, above), 'folder');
    const before = this.known.get(foldName(place));
    if (before !== undefined && (before.place !== place || before.kind !== kind || kind === 'file'))
      throw refused('archiveUnsafe', `${JSON.stringify(place)} is there twice`);
    if (before !== undefined) return;
    this.known.set(foldName(place), { place, kind });
    this.counts[kind]++;
    this.entryBytes += place.length + ENTRY_BYTES;
    this.mustFit(0);
  }

  /** So many bytes more are to be unpacked. */
  mustFit(bytes: number): void {
    const { maxBytes, maxFiles } = this.options;
    this.bytes += bytes;
    const isTooMany = this.counts.file > maxFiles || this.counts.folder > maxFiles + FOLDERS_GRACE;
    const isTooLarge = this.bytes > maxBytes || this.bytes + this.entryBytes > maxBytes + ENTRIES_GRACE_BYTES;
    if (isTooMany || isTooLarge) throw refused('archiveTooLarge', `${this.core}: unpacks to more than it may`);
  }
}

/**
 * Unpacks a plain tar, bounded in bytes, files and names; throws `FaultError` of type `archiveInvalid`, also for every other kind of archive:
 * the simulated world is about order and loss, not about formats.
 */
export async function extractArchive(
  mount: Mount,
  core: string,
  archive: string,
  folder: string,
  options: ExtractOptions,
  signal: AbortSignal,
): Promise<readonly InstalledFile[]> {
  if (options.extractType !== 'tar')
    throw refused('unsupported', `${core}: the simulated disk unpacks tar only, not ${options.extractType}`);
  const files: InstalledFile[] = [];
  const places = new Places(core, options);
  const folders = new Set([folder]);
  for (const entry of entriesOf(await mount.read(archive))) {
    signal.throwIfAborted();
    const place = placeOf(entry.name, options.stripComponents);
    if (place === null && entry.isFolder) continue;
    if (place === null) throw refused('archiveUnsafe', `${JSON.stringify(entry.name)} lies above what is unpacked`);
    places.claim(place, entry.isFolder ? 'folder' : 'file');
    const path = `${folder}/${place}`;
    const inside = entry.isFolder ? path : parentOf(path);
    await mount.makeFolder(inside);
    for (let each = inside; each !== folder; each = parentOf(each)) folders.add(each);
    if (entry.isFolder) continue;
    places.mustFit(entry.bytes.length);
    const fd = await mount.open(path);
    await mount.writeFully(fd, entry.bytes, 0);
    await mount.sync(fd);
    await mount.close(fd);
    files.push({ filename: place, sizeBytes: entry.bytes.length, sha256: hexDigest('sha256', entry.bytes) });
  }
  if (files.length === 0) throw refused('archiveCorrupt', `${core}: the archive holds no file`);
  for (const each of [...folders].sort((a, b) => b.length - a.length)) await mount.syncFolder(each);
  return files;
}
