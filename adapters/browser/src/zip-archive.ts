import { corrupt, quoted, type UnpackedTree, unsafe } from '@lading/runtime/archive';
import { inflated, piecesOf } from './archive-bytes.js';
import { crc32 } from './crc32.js';
import { entriesOf, packedOf, type ZipEntry } from './zip-directory.js';

const FILE_TYPE = 0o170000;
const REGULAR = 0o100000;
const DIRECTORY = 0o040000;
const STORED = 0;
const DEFLATED = 8;
const ENCRYPTED = 0x2041;

/** Refuses what is neither a regular file nor a directory, or cannot be read. Names are the tree's affair. */
function kindOf(entry: ZipEntry): 'file' | 'directory' {
  const name = quoted(entry.name);
  if ((entry.flags & ENCRYPTED) !== 0) throw unsafe(`${name}: expected plain content, found it encrypted`);
  if (entry.method !== STORED && entry.method !== DEFLATED)
    throw unsafe(`${name}: expected it stored or deflated, found compression method ${entry.method}`);
  const type = (entry.attributes >>> 16) & FILE_TYPE;
  if (type !== 0 && type !== REGULAR && type !== DIRECTORY)
    throw unsafe(`${name}: expected regular files and directories only, found a file of type 0o${type.toString(8)}`);
  const isDirectory = entry.name.endsWith('/');
  if ((type === DIRECTORY) !== isDirectory && type !== 0)
    throw unsafe(`${name}: is a file by its name or its mode, and a directory by the other`);
  if (isDirectory && entry.sizeBytes !== 0)
    throw corrupt(`${name}: expected an empty directory entry, found ${entry.sizeBytes} bytes`);
  return isDirectory ? 'directory' : 'file';
}

async function unpackFile(file: Blob, entry: ZipEntry, tree: UnpackedTree, signal: AbortSignal): Promise<void> {
  const packed = await packedOf(file, entry);
  await tree.beginFile(entry.name, entry.sizeBytes);
  let crc = 0;
  for await (const piece of entry.method === STORED ? piecesOf(packed.stream()) : inflated(packed, 'deflate-raw')) {
    signal.throwIfAborted();
    crc = crc32(piece, crc);
    await tree.write(piece);
  }
  await tree.endFile();
  if (crc !== entry.crc)
    throw corrupt(`${quoted(entry.name)}: checksum, expected ${entry.crc.toString(16)}, found ${crc.toString(16)}`);
}

/** Unpacks a zip file into `tree`, by its central directory. Refuses encrypted entries, links, methods other than deflate, and zip64. */
export async function unpackZip(file: Blob, tree: UnpackedTree, signal: AbortSignal): Promise<void> {
  for (const entry of await entriesOf(file)) {
    signal.throwIfAborted();
    if (kindOf(entry) === 'directory') await tree.directory(entry.name);
    else await unpackFile(file, entry, tree, signal);
  }
}
