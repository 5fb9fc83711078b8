import { rename, rm } from 'node:fs/promises';
import { errnoOf } from './fs-fault.js';
import { type Pace, patiently } from './patience.js';

/** On Windows a virus scanner or an indexer holds a file for a moment, and it can be neither moved nor removed. Elsewhere these codes stay true. */
const HELD: ReadonlySet<string> = new Set(['EPERM', 'EACCES', 'EBUSY']);

/** Does a move or a removal again while somebody else holds the file, on Windows only. */
export function onceLetGo<T>(
  work: () => Promise<T>,
  platform: NodeJS.Platform = process.platform,
  pace?: Pace,
): Promise<T> {
  if (platform !== 'win32') return work();
  return patiently((error) => HELD.has(errnoOf(error) ?? ''), work, pace);
}

export const renameHeld = (from: string, to: string): Promise<void> => onceLetGo(() => rename(from, to));

/** Removes a file, or a folder with all that is in it; nothing there is as good. */
export const removeHeld = (path: string): Promise<void> => onceLetGo(() => rm(path, { recursive: true, force: true }));
