export type { ArchiveErrorCode } from './archive/archive-error.js';
export { ArchiveError, corrupt, quoted, tooLarge, unsafe } from './archive/archive-error.js';
export { bunzip2 } from './archive/bunzip2.js';
export type { TarHeader } from './archive/tar-header.js';
export {
  BLOCK_BYTES,
  END_BYTES,
  paddedBytes,
  readHeader,
  readLongName,
  readRecords,
  writeHeader,
} from './archive/tar-header.js';
export type { GrowingFile, TreeLimits, UnpackGround } from './archive/unpacked-tree.js';
export { UnpackedTree } from './archive/unpacked-tree.js';
