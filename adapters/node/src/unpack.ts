import type { InstalledFile } from '@lading/core';
import { UnpackedTree } from '@lading/runtime/archive';
import { tarBytes } from './archive-bytes.js';
import { unpackTar } from './tar-archive.js';
import { DiskGround } from './unpack-ground.js';
import { unpackZip } from './zip-archive.js';

export interface ExtractRequest {
  readonly archivePath: string;
  readonly extractType: 'tar' | 'tar.gz' | 'tar.bz2' | 'zip';
  /** Leading path components that are taken off each name. */
  readonly stripComponents: number;
  /** An existing, empty directory. After a failure it holds what was unpacked so far; clearing it is the caller's affair. */
  readonly targetDir: string;
  /** Most unpacked bytes of all files together. */
  readonly maxBytes: number;
  readonly maxFiles: number;
  /** No caller chooses which code runs. */
  readonly workerUrl?: never;
}

/** A bound that is NaN compares as "never exceeded", so it must not get this far. */
function expectCount(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0)
    throw new RangeError(`${name}: expected a whole number, found ${value}`);
}

/**
 * Unpacks an archive in this thread. Promise: when it resolves, every file of the archive lies below `targetDir`, complete by the
 * archive's own checks, read-only, synced together with its directories, and is listed with its size and sha256. Regular files and
 * directories only; a single other entry refuses the whole archive.
 *
 * Rejects with `ArchiveError`, with a file system error as it came, or with the signal's reason.
 */
export async function unpack(request: ExtractRequest, signal: AbortSignal): Promise<InstalledFile[]> {
  signal.throwIfAborted();
  const { archivePath, extractType, targetDir, stripComponents, maxBytes, maxFiles } = request;
  expectCount('stripComponents', stripComponents);
  expectCount('maxBytes', maxBytes);
  expectCount('maxFiles', maxFiles);
  const tree = new UnpackedTree(await DiskGround.at(targetDir), { stripComponents, maxBytes, maxFiles });
  try {
    switch (extractType) {
      case 'zip':
        await unpackZip(archivePath, tree, signal);
        break;
      case 'tar':
      case 'tar.gz':
      case 'tar.bz2':
        await unpackTar(tarBytes(archivePath, extractType), tree, signal);
        break;
      default:
        throw extractType satisfies never;
    }
    return await tree.seal();
  } finally {
    await tree.abandon();
  }
}
