import type { DigestAlgorithm } from '@lading/runtime';
import { md5, sha1 } from '@noble/hashes/legacy.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';

/** A digest in the making: plain JavaScript, so that the simulated world runs wherever JavaScript does. */
export interface Digest {
  update(bytes: Uint8Array): void;
  hex(): string;
}

/** `sizeBytes` is the declared size: a git blob's digest begins with it. */
export function digestOf(algorithm: DigestAlgorithm, sizeBytes: number): Digest {
  const hash = { sha256, sha1, md5, gitBlob: sha1 }[algorithm].create();
  if (algorithm === 'gitBlob') hash.update(utf8ToBytes(`blob ${sizeBytes}\0`));
  return {
    update: (bytes) => {
      hash.update(bytes);
    },
    hex: () => bytesToHex(hash.digest()),
  };
}

/** Hex digest of bytes that are all there. */
export function hexDigest(algorithm: DigestAlgorithm, bytes: Uint8Array): string {
  const digest = digestOf(algorithm, bytes.length);
  digest.update(bytes);
  return digest.hex();
}
