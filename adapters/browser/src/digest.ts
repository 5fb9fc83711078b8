import type { DigestAlgorithm } from '@lading/runtime';
import { createMD5, createSHA1, createSHA256, type IHasher } from 'hash-wasm';

const CREATE: Readonly<Record<DigestAlgorithm, () => Promise<IHasher>>> = {
  sha256: createSHA256,
  sha1: createSHA1,
  md5: createMD5,
  gitBlob: createSHA1,
};

/** Digests in the making, one for each algorithm, whose state can be kept and taken up again. */
export class Digests {
  private constructor(private readonly hashers: ReadonlyMap<DigestAlgorithm, IHasher>) {}

  /** `sizeBytes` is the declared size: a git blob's digest begins with it. */
  static async begin(algorithms: readonly DigestAlgorithm[], sizeBytes: number): Promise<Digests> {
    const hashers = new Map<DigestAlgorithm, IHasher>();
    for (const algorithm of algorithms) {
      const hasher = (await CREATE[algorithm]()).init();
      if (algorithm === 'gitBlob') hasher.update(`blob ${sizeBytes}\0`);
      hashers.set(algorithm, hasher);
    }
    return new Digests(hashers);
  }

  update(bytes: Uint8Array): void {
    for (const hasher of this.hashers.values()) hasher.update(bytes);
  }

  /** Ends the hashing. */
  hex(): Partial<Record<DigestAlgorithm, string>> {
    return Object.fromEntries([...this.hashers].map(([algorithm, hasher]) => [algorithm, hasher.digest('hex')]));
  }

  save(): ReadonlyMap<DigestAlgorithm, Uint8Array> {
    return new Map([...this.hashers].map(([algorithm, hasher]) => [algorithm, hasher.save()]));
  }

  /** True if there was a state for each algorithm. */
  load(states: ReadonlyMap<DigestAlgorithm, Uint8Array>): boolean {
    if ([...this.hashers.keys()].some((algorithm) => !states.has(algorithm))) return false;
    for (const [algorithm, hasher] of this.hashers) hasher.load(states.get(algorithm) ?? new Uint8Array(0));
    return true;
  }
}
