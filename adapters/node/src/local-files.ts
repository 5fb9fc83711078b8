import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';

/** Files of this machine that belong to somebody else: looked at, never changed. */
export const localFiles = {
  /** Length of a regular file, links followed; null if there is none or it may not be looked at. */
  async size(path: string): Promise<number | null> {
    try {
      const found = await stat(path);
      return found.isFile() ? found.size : null;
    } catch {
      // Whatever keeps it from us, it is no use to us.
      return null;
    }
  },
  /** Its bytes from the start. */
  read(path: string): AsyncIterable<Uint8Array> {
    return createReadStream(path, { highWaterMark: 256 * 1024 }) as AsyncIterable<Uint8Array>;
  },
};
