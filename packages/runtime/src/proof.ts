import type { Content, FileSpec } from '@lading/core';
import type { Proven } from './job.js';
import type { DigestAlgorithm } from './ports.js';

/** Weak digests, the best first. md5 and sha1 can be forged; a git blob id is a sha1. */
const WEAK: readonly Exclude<DigestAlgorithm, 'sha256'>[] = ['gitBlob', 'sha1', 'md5'];

/** The digests that must be computed to prove a file: sha256 always (it is what we record), a weak one where that is all there is. */
export function algorithmsFor({ contents }: FileSpec): readonly DigestAlgorithm[] {
  const all = new Set<DigestAlgorithm>(['sha256']);
  for (const content of contents) {
    if (content.sha256 === null) for (const name of WEAK) if (content[name] !== null) all.add(name);
  }
  return [...all];
}

/** The strong digests that a file may have. */
export function strongDigests({ contents }: FileSpec): readonly string[] {
  const found: string[] = [];
  for (const { sha256 } of contents) if (sha256 !== null) found.push(sha256);
  return found;
}

/** Whether no content is taken for its size alone. */
export const hasDigest = ({ contents }: FileSpec): boolean =>
  contents.every((content) => content.sha256 !== null || WEAK.some((name) => content[name] !== null));

function proofBy(content: Content, digests: Partial<Record<DigestAlgorithm, string>>): Proven['proof'] | null {
  if (content.sha256 !== null) return content.sha256 === digests.sha256 ? 'strong' : null;
  const weak = WEAK.filter((name) => content[name] !== null);
  if (weak.length === 0) return 'size';
  return weak.every((name) => content[name] === digests[name]) ? 'weak' : null;
}

/** What vouches for these bytes, or null if they are none of the accepted contents. */
export function proofOf(
  file: FileSpec,
  sizeBytes: number,
  digests: Partial<Record<DigestAlgorithm, string>>,
): Proven['proof'] | null {
  for (const content of file.contents) {
    if (content.sizeBytes !== sizeBytes) continue;
    const proof = proofBy(content, digests);
    if (proof !== null) return proof;
  }
  return null;
}

/** The digest that was expected, for a message. */
export function expectedDigest(file: FileSpec): string {
  const [content] = file.contents;
  if (content.sha256 !== null) return `sha256 ${content.sha256}`;
  const weak = WEAK.find((name) => content[name] !== null);
  return weak === undefined ? 'no digest' : `${weak} ${content[weak] ?? ''}`;
}
