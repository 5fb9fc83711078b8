// Files of bytes that nothing can compress and that are the same in every run: the key stream of a cipher whose key is made of the seed.
import { createCipheriv, createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

const BLOCK_BYTES = 4 * 1024 * 1024;
const zeros = Buffer.alloc(BLOCK_BYTES);

/** Writes so many bytes and gives their sha256. */
export async function seededFile(path, sizeBytes, seed) {
  const key = createHash('sha256').update(seed).digest();
  const stream = createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16));
  const hash = createHash('sha256');
  const handle = await open(path, 'w');
  for (let done = 0; done < sizeBytes; done += BLOCK_BYTES) {
    const block = stream.update(zeros.subarray(0, Math.min(BLOCK_BYTES, sizeBytes - done)));
    hash.update(block);
    await handle.writeFile(block);
  }
  await handle.close();
  return hash.digest('hex');
}

/** A whole number from `from` to `to`, always the same for one seed. */
export function seededBetween(from, to, seed) {
  return from + (createHash('sha256').update(seed).digest().readUInt32BE() % (to - from + 1));
}
