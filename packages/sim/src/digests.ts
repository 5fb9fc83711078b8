import { hexDigest } from '@lading/memory';

/** What vouches for a file of a made-up catalog. */
export type DigestKind = 'sha256' | 'sha1' | 'md5' | 'gitBlob' | 'none';

/** The digest fields of a manifest's file entry. */
export function digestsOf(kind: DigestKind, bytes: Uint8Array): Readonly<Record<string, string>> {
  return kind === 'none' ? {} : { [kind]: hexDigest(kind, bytes) };
}
