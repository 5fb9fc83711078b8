import { mkdir, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { onceDescriptorFree } from './descriptors.js';
import { errnoOf, isMissing } from './fs-fault.js';

/** Makes names in a directory survive a power cut. Some systems cannot open a directory (Windows): there nothing better exists. */
export async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await onceDescriptorFree(() => open(path, 'r'));
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Makes a directory and its missing parents, for the owner only, each durable in its parent. Goes up once and comes down once: Node's own
 * recursive `mkdir` never ends where a parent exists and yet nothing can be made in it, as below `/proc`.
 */
export async function makeDirectory(path: string): Promise<void> {
  try {
    await makeOne(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT' || dirname(path) === path) throw error;
    // The parent may be there by now, made by another who needs it too: then one more try tells.
    if (!(await isDirectory(dirname(path)))) await makeDirectory(dirname(path));
    await makeOne(path);
  }
}

async function makeOne(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
    await syncDirectory(dirname(path));
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST' || !(await isDirectory(path))) throw error;
  }
}

async function isDirectory(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isDirectory(),
    (error: unknown) => {
      if (isMissing(error)) return false;
      throw error;
    },
  );
}
