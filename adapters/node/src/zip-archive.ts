import { type FileHandle, open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { ArchiveError, corrupt, quoted, type UnpackedTree, unsafe } from '@lading/runtime/archive';
import { type Entry, openPromise, type ZipFile } from 'yauzl';
import { asCorrupt } from './archive-error.js';

const FILE_TYPE = 0o170000;
const REGULAR = 0o100000;
const DIRECTORY = 0o040000;
const STORED = 0;
const DEFLATED = 8;

/** What may follow the last entry of a central directory: its end, the end in the large format, or a signature. */
const AFTER_ENTRIES: ReadonlySet<number> = new Set([0x06054b50, 0x06064b50, 0x05054b50]);

/** yauzl's refusals that are about what an archive wants, not about damage. */
const UNSAFE_MESSAGE =
  /^(?:invalid characters in fileName|absolute path|invalid relative path|strong encryption|multi-disk)/;

function asZipError(error: unknown): unknown {
  if (!(error instanceof ArchiveError) && error instanceof Error && UNSAFE_MESSAGE.test(error.message)) {
    return unsafe(`zip: ${quoted(error.message)}`);
  }
  return asCorrupt(error, 'zip');
}

/** Refuses what is neither a regular file nor a directory, or cannot be read. Names are the tree's affair. */
function kindOf(entry: Entry): 'file' | 'directory' {
  const name = quoted(entry.fileName);
  if (entry.isEncrypted()) throw unsafe(`${name}: expected plain content, found it encrypted`);
  if (entry.compressionMethod !== STORED && entry.compressionMethod !== DEFLATED) {
    throw unsafe(`${name}: expected it stored or deflated, found compression method ${entry.compressionMethod}`);
  }
  // The upper half holds a Unix mode, or nothing. A link in it is refused whichever system claims to have made it.
  const type = (entry.externalFileAttributes >>> 16) & FILE_TYPE;
  if (type !== 0 && type !== REGULAR && type !== DIRECTORY) {
    throw unsafe(`${name}: expected regular files and directories only, found a file of type 0o${type.toString(8)}`);
  }
  const isDirectory = entry.fileName.endsWith('/');
  if ((type === DIRECTORY) !== isDirectory && type !== 0)
    throw unsafe(`${name}: is a file by its name or its mode, and a directory by the other`);
  if (isDirectory && entry.uncompressedSize !== 0)
    throw corrupt(`${name}: expected an empty directory entry, found ${entry.uncompressedSize} bytes`);
  return isDirectory ? 'directory' : 'file';
}

async function unpackFile(zip: ZipFile, entry: Entry, tree: UnpackedTree, signal: AbortSignal): Promise<void> {
  const header = await zip.readLocalFileHeaderPromise(entry);
  if (!header.fileName.equals(entry.fileNameRaw)) {
    throw corrupt(
      `${quoted(entry.fileName)}: is called ${quoted(header.fileName.toString('latin1'))} in its own header`,
    );
  }
  await tree.beginFile(entry.fileName, entry.uncompressedSize);
  const content = await zip.openReadStreamPromise(entry);
  let crc = 0;
  for await (const chunk of content as AsyncIterable<Buffer>) {
    signal.throwIfAborted();
    crc = crc32(chunk, crc);
    await tree.write(chunk);
  }
  if (crc !== entry.crc32) {
    throw corrupt(
      `${quoted(entry.fileName)}: checksum, expected ${entry.crc32.toString(16)}, found ${crc.toString(16)}`,
    );
  }
  await tree.endFile();
}

/** The count of entries stands apart from the entries; a smaller one would hide files, and nobody would miss them. */
async function expectNoMoreEntries(archivePath: string, end: number): Promise<void> {
  const mark = Buffer.alloc(4);
  const file: FileHandle = await open(archivePath, 'r');
  try {
    await file.read(mark, 0, 4, end);
  } finally {
    await file.close();
  }
  if (!AFTER_ENTRIES.has(mark.readUInt32LE()))
    throw corrupt('zip: expected the end after the last counted entry, found more');
}

/**
 * Unpacks a zip file into `tree`, by its central directory. yauzl reads the format and holds each entry to its declared sizes; the
 * checksums, which it does not look at, are held here. Refuses encrypted entries, links, and methods other than deflate.
 */
export async function unpackZip(archivePath: string, tree: UnpackedTree, signal: AbortSignal): Promise<void> {
  try {
    const zip = await openPromise(archivePath, {
      lazyEntries: true,
      decodeStrings: true,
      strictFileNames: true,
      validateEntrySizes: true,
    });
    // The iterator takes its own listener away with it; an error after that must not end the process.
    zip.on('error', () => {});
    for await (const entry of zip.eachEntry()) {
      signal.throwIfAborted();
      if (kindOf(entry) === 'directory') await tree.directory(entry.fileName);
      else await unpackFile(zip, entry, tree, signal);
    }
    await expectNoMoreEntries(archivePath, Number(zip.readEntryCursor));
  } catch (error) {
    throw signal.aborted ? error : asZipError(error);
  }
}
