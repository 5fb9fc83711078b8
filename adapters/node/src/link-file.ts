import { link, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeDirectory } from './durable.js';
import { errnoOf, isMissing } from './fs-fault.js';
import { copyDurably } from './move-file.js';

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
      await copyDurably(source, path);
    });
    return size;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
