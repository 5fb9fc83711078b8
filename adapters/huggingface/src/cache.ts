import type { Content } from '@lading/core';
import { isCommit, type Reference } from './reference.js';

/** The files of this machine, as far as a cache needs them: a port, because a page has none. */
export interface CacheFiles {
  /** Length of a regular file, links followed; null if there is none, or it may not be read. */
  size(path: string): Promise<number | null>;
  /** Its bytes from the start. */
  read(path: string): AsyncIterable<Uint8Array>;
}

export interface CachedCopy {
  readonly path: string;
  readonly sizeBytes: number;
}

const hasDigest = ({ sha256, sha1, md5, gitBlob }: Content): boolean => (sha256 ?? sha1 ?? md5 ?? gitBlob) !== null;

/**
 * The cache of the hub's own programs: `models--owner--repo/{blobs/<digest>, snapshots/<commit>/<path>}`. Only looked at. That a file is there
 * proves nothing, so only contents with a digest are looked for, and whoever takes a copy checks its bytes as if they had been sent.
 */
export class HubCache {
  constructor(
    private readonly files: CacheFiles,
    private readonly dir: string,
  ) {}

  /** A copy of the right size of one of the contents, or null. */
  async find(reference: Reference, contents: readonly Content[]): Promise<CachedCopy | null> {
    const home = `${this.dir}/models--${reference.owner}--${reference.repo}`;
    for (const { sizeBytes, ...digests } of contents.filter(hasDigest)) {
      const names = [digests.sha256, digests.gitBlob].flatMap((digest) => (digest === null ? [] : [`blobs/${digest}`]));
      // Where there are no links a snapshot holds the file itself.
      if (isCommit(reference.revision)) names.push(`snapshots/${reference.revision}/${reference.path}`);
      for (const path of names.map((name) => `${home}/${name}`)) {
        if ((await this.files.size(path)) === sizeBytes) return { path, sizeBytes };
      }
    }
    return null;
  }

  read(copy: CachedCopy): AsyncIterable<Uint8Array> {
    return this.files.read(copy.path);
  }
}
