import { hexDigest } from '@lading/memory';
import type { ShelfFile } from './goods.js';

/** The digest fields of a manifest's file entry. */
export function digestsOf(kind: NonNullable<ShelfFile['digest']>, bytes: Uint8Array): Readonly<Record<string, string>> {
  return kind === 'none' ? {} : { [kind]: hexDigest(kind, bytes) };
}
