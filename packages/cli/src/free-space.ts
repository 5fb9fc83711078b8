import { statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** Free bytes where a directory is, or will be; null if the system does not tell. */
export async function freeBytesAt(dir: string): Promise<number | null> {
  for (let path = resolve(dir); ; path = dirname(path)) {
    try {
      const { bavail, bsize } = await statfs(path);
      return bavail * bsize;
    } catch {
      if (path === dirname(path)) return null;
    }
  }
}
