import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, copyFile, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errnoOf } from './fs-fault.js';
import { onceLetGo, removeHeld } from './held-file.js';

/** No allowed name begins with a dot. */
const ASIDE = '.copy-';

/** What a process left that died over a copy. Under the lease nobody else is copying. */
export const isHalfCopy = (path: string): boolean => basename(path).startsWith(ASIDE);

/**
 * Copies a file under a name beside its target, syncs it, and then gives it its name: under the name itself nothing is ever half there. Short,
 * so that no allowed name becomes too long by it; hidden, so that it is not taken for a file.
 */
export async function copyDurably(source: string, target: string): Promise<void> {
  const aside = join(dirname(target), `${ASIDE}${randomBytes(6).toString('hex')}`);
  try {
    const { mode } = await stat(source);
    await copyFile(source, aside, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    // A copy of a read-only file is read-only, and where only a file that may be written can be synced, it could not be.
    await chmod(aside, 0o600);
    const handle = await open(aside, 'r+');
    try {
      await handle.chmod(mode & 0o777);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await onceLetGo(() => rename(aside, target));
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  }
}

type Move = (source: string, target: string) => Promise<void> | void;

/** Moves a file, also to another file system: then it is copied, and removed where it was when the copy has its name. */
export async function moveFile(source: string, target: string, move: Move = rename): Promise<void> {
  try {
    await onceLetGo(async () => move(source, target));
  } catch (error) {
    if (errnoOf(error) !== 'EXDEV') throw error;
    await copyDurably(source, target);
    await removeHeld(source);
  }
}
