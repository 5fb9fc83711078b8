import { createHash, randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Export } from '@lading/runtime';
import { syncDirectory } from './durable.js';
import { fsFault } from './fs-fault.js';

/** Writes an export under a name: aside first, then synced, then renamed, so that nobody ever finds half of it. Resolves with its sha256. */
export async function writeExport(exported: Export, file: string): Promise<string> {
  const path = resolve(file);
  const aside = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}`);
  const hash = createHash('sha256');
  try {
    const handle = await open(aside, 'wx', 0o644).catch(failed(path, exported));
    try {
      for await (const chunk of exported.read()) {
        hash.update(chunk);
        // Writes again what a full disk took only a part of: the next write says why.
        for (let done = 0; done < chunk.length; )
          done += (await handle.write(chunk, done).catch(failed(path, exported))).bytesWritten;
      }
      await handle.sync().catch(failed(path, exported));
    } finally {
      await handle.close();
    }
    await rename(aside, path).catch(failed(path, exported));
    await syncDirectory(dirname(path));
    return hash.digest('hex');
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  }
}

const failed =
  (path: string, { sizeBytes }: Export) =>
  (error: unknown): never => {
    throw fsFault(error, 'write', path, sizeBytes);
  };
