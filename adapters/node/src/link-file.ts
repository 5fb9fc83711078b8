import { constants } from 'node:fs';
import { chmod, copyFile, link, open, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeDirectory } from './durable.js';
import { errnoOf, isMissing } from './fs-fault.js';

/** Where links cannot be: another file system, one that knows none, too many of them already. */
const NO_LINK: ReadonlySet<string> = new Set(['EXDEV', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EMLINK', 'ENOSYS']);

/** Gives a file a second name, or where that cannot be, a copy under it, synced. Its length in bytes, or null if there is no such file. */
export async function linkFile(source: string, path: string): Promise<number | null> {
  try {
    const { size } = await stat(source);
    await makeDirectory(dirname(path));
    await rm(path, { force: true });
    await link(source, path).catch(async (error: unknown) => {
      if (!NO_LINK.has(errnoOf(error) ?? '')) throw error;
      await copyOf(source, path);
    });
    return size;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** A file of its own with the same bytes, durable, that may be written to. */
export async function copyOf(source: string, path: string): Promise<void> {
  await rm(path, { force: true });
  await copyFile(source, path, constants.COPYFILE_FICLONE);
  await chmod(path, 0o600);
  const handle = await open(path, 'r+');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
