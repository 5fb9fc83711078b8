import { createHash, type Hash } from 'node:crypto';
import type { DigestAlgorithm } from '@lading/runtime';

/** Hashes by algorithm, nothing in them yet. A git blob's begins with the declared size. */
export function beginHashes(algorithms: readonly DigestAlgorithm[], sizeBytes: number): Map<DigestAlgorithm, Hash> {
  return new Map(
    algorithms.map((algorithm) => {
      const hash = createHash(algorithm === 'gitBlob' ? 'sha1' : algorithm);
      if (algorithm === 'gitBlob') hash.update(`blob ${sizeBytes}\0`);
      return [algorithm, hash];
    }),
  );
}

/** Of all that they were given; they take no more. */
export function digestsOf(hashes: ReadonlyMap<DigestAlgorithm, Hash>): Partial<Record<DigestAlgorithm, string>> {
  const digests: Partial<Record<DigestAlgorithm, string>> = {};
  for (const [algorithm, hash] of hashes) digests[algorithm] = hash.digest('hex');
  return digests;
}
