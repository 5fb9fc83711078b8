/**
 * Promise: whatever stops an extraction is named by a stable code and says which entry, what was expected and what was found.
 * Storage errors are not dressed up as archive errors: a full disk says nothing about the archive.
 */
export type ArchiveErrorCode = 'archiveCorrupt' | 'archiveUnsafe' | 'archiveTooLarge';

/**
 * The archive cannot be unpacked: `archiveCorrupt` (not what its format or its own checksums say), `archiveUnsafe` (readable,
 * but refused by our rules), `archiveTooLarge` (more bytes or files than the caller allowed).
 */
export class ArchiveError extends Error {
  override readonly name = 'ArchiveError';
  readonly code: ArchiveErrorCode;

  constructor(code: ArchiveErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(printable(message), options);
    this.code = code;
  }
}

/** Messages quote the archive and the libraries that read it; only printable ASCII is certain not to be obeyed by a terminal. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

export function corrupt(message: string, options?: { readonly cause?: unknown }): ArchiveError {
  return new ArchiveError('archiveCorrupt', message, options);
}

export function unsafe(message: string): ArchiveError {
  return new ArchiveError('archiveUnsafe', message);
}

export function tooLarge(message: string): ArchiveError {
  return new ArchiveError('archiveTooLarge', message);
}

const QUOTED_LENGTH = 120;

/** A name from an archive as it may stand in a message: escaped, and of bounded length. */
export function quoted(name: string): string {
  return JSON.stringify(name.length > QUOTED_LENGTH ? `${name.slice(0, QUOTED_LENGTH)}...` : name);
}
