import { corrupt, quoted, unsafe } from '@lading/runtime/archive';

/** An entry of a zip file's central directory (PKWARE APPNOTE 6.3.10, §4.3.12). */
export interface ZipEntry {
  readonly name: string;
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly packedBytes: number;
  readonly sizeBytes: number;
  /** Upper half: a Unix mode, or nothing. */
  readonly attributes: number;
  readonly offset: number;
}

const END_MARK = 0x06054b50;
const END_BYTES = 22;
const ENTRY_MARK = 0x02014b50;
const ENTRY_BYTES = 46;
const LOCAL_MARK = 0x04034b50;
const LOCAL_BYTES = 30;
/** The end may carry a comment of this much. */
const COMMENT_BYTES = 0xffff;
/** Enough for 100,000 names of the greatest length. */
const DIRECTORY_BYTES = 64 * 1024 * 1024;

const latin1 = new TextDecoder('latin1');
const utf8 = new TextDecoder();
const UTF8_NAME = 0x800;

async function viewOf(file: Blob, from: number, length: number): Promise<DataView> {
  const bytes = await file.slice(from, from + length).arrayBuffer();
  if (from < 0 || bytes.byteLength !== length) throw corrupt(`zip: expected ${length} bytes at ${from}, found the end`);
  return new DataView(bytes);
}

const textIn = (view: DataView, from: number, length: number, flags: number): string =>
  (flags & UTF8_NAME ? utf8 : latin1).decode(new Uint8Array(view.buffer, from, length));

/** Where the directory lies: told by the end record, which is looked for from the end on. */
async function endOf(file: Blob): Promise<{ readonly count: number; readonly offset: number; readonly end: number }> {
  const length = Math.min(file.size, END_BYTES + COMMENT_BYTES);
  const view = await viewOf(file, file.size - length, length);
  for (let at = length - END_BYTES; at >= 0; at--) {
    if (view.getUint32(at, true) !== END_MARK || view.getUint16(at + 20, true) !== length - END_BYTES - at) continue;
    const count = view.getUint16(at + 10, true);
    const offset = view.getUint32(at + 16, true);
    if (view.getUint16(at + 4, true) !== 0 || view.getUint16(at + 8, true) !== count)
      throw unsafe('zip: an archive in several parts');
    if (count === 0xffff || offset === 0xffffffff) throw unsafe('zip: the large format (zip64) is not read here');
    return { count, offset, end: file.size - length + at };
  }
  throw corrupt('zip: expected the end of a directory, found none');
}

export async function entriesOf(file: Blob): Promise<readonly ZipEntry[]> {
  const { count, offset, end } = await endOf(file);
  if (end < offset || end - offset > DIRECTORY_BYTES) throw corrupt('zip: the directory is not where the end says');
  const view = await viewOf(file, offset, end - offset);
  const entries: ZipEntry[] = [];
  let at = 0;
  for (let n = 0; n < count; n++) {
    if (at + ENTRY_BYTES > view.byteLength || view.getUint32(at, true) !== ENTRY_MARK)
      throw corrupt(`zip: expected ${count} entries, found ${n}`);
    const flags = view.getUint16(at + 8, true);
    const nameBytes = view.getUint16(at + 28, true);
    const length = ENTRY_BYTES + nameBytes + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (at + length > view.byteLength) throw corrupt(`zip: entry ${n} is cut off`);
    entries.push({
      name: textIn(view, at + ENTRY_BYTES, nameBytes, flags),
      flags,
      method: view.getUint16(at + 10, true),
      crc: view.getUint32(at + 16, true),
      packedBytes: view.getUint32(at + 20, true),
      sizeBytes: view.getUint32(at + 24, true),
      attributes: view.getUint32(at + 38, true),
      offset: view.getUint32(at + 42, true),
    });
    at += length;
  }
  // The count stands apart from the entries; a smaller one would hide files, and nobody would miss them.
  if (at !== view.byteLength) throw corrupt('zip: expected the end after the last counted entry, found more');
  return entries;
}

/** The packed bytes of an entry, behind a header of its own that must call it the same. */
export async function packedOf(file: Blob, entry: ZipEntry): Promise<Blob> {
  const head = await viewOf(file, entry.offset, LOCAL_BYTES);
  const nameBytes = head.getUint16(26, true);
  const names = await viewOf(file, entry.offset + LOCAL_BYTES, nameBytes);
  const name = textIn(names, 0, nameBytes, entry.flags);
  if (head.getUint32(0, true) !== LOCAL_MARK || name !== entry.name)
    throw corrupt(`${quoted(entry.name)}: is called ${quoted(name)} in its own header`);
  const begin = entry.offset + LOCAL_BYTES + nameBytes + head.getUint16(28, true);
  return file.slice(begin, begin + entry.packedBytes);
}
