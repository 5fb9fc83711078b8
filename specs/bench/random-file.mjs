import { createHash, randomFillSync } from 'node:crypto';
import { open } from 'node:fs/promises';

const BLOCK_BYTES = 4 * 1024 * 1024;

/** Writes so many random bytes, a multiple of 4 MiB, and gives their sha256. */
export async function randomFile(path, sizeBytes) {
  const hash = createHash('sha256');
  const handle = await open(path, 'w');
  const block = Buffer.alloc(BLOCK_BYTES);
  for (let done = 0; done < sizeBytes; done += block.length) {
    randomFillSync(block);
    hash.update(block);
    await handle.write(block);
  }
  await handle.close();
  return hash.digest('hex');
}
