import type { InstalledFile } from '@lading/core';
import { type ExtractOptions, FaultError } from '@lading/runtime';
import { ArchiveError, UnpackedTree } from '@lading/runtime/archive';
import { asCorrupt, tarBytes } from './archive-bytes.js';
import type { Folder, Path } from './folder.js';
import { unpackTar } from './tar-archive.js';
import { OpfsGround } from './unpack-ground.js';
import { unpackZip } from './zip-archive.js';

/**
 * Unpacks an archive into a folder of its own, in this worker. Regular files and directories only; a single other entry refuses the whole.
 * Rejects with a fault of type `archiveInvalid`, with a storage error as it came, or with the signal's reason; what was written until then
 * stays for the caller to clear away.
 */
export async function extractArchive(
  folder: Folder,
  archive: Path,
  target: Path,
  { extractType, ...limits }: ExtractOptions,
  signal: AbortSignal,
): Promise<readonly InstalledFile[]> {
  const file = await (await folder.file(archive)).getFile();
  await folder.make(target);
  const tree = new UnpackedTree(new OpfsGround(folder, target), limits);
  try {
    if (extractType === 'zip') await unpackZip(file, tree, signal);
    else await unpackTar(tarBytes(file, extractType), tree, signal);
    return await tree.seal();
  } catch (error) {
    signal.throwIfAborted();
    const told = asCorrupt(error, extractType);
    if (told instanceof ArchiveError)
      throw FaultError.of('archiveInvalid', told.code, `${archive}: ${told.message}`, {}, told);
    throw told;
  } finally {
    await tree.abandon();
  }
}
