/**
 * Promise: whatever stops an extraction is named by a stable code and says which entry, what was expected and what was found.
 * File system errors are not dressed up as archive errors: a full disk says nothing about the archive, and their `code` and
 * `errno` (Node 20 knows EDQUOT only by number) decide what happens next.
 */
export type ArchiveErrorCode = 'archiveCorrupt' | 'archiveUnsafe' | 'archiveTooLarge';

/**
 * The archive cannot be unpacked: `archiveCorrupt` (not what its format or its own checksums say), `archiveUnsafe` (readable,
 * but refused by our rules), `archiveTooLarge` (more bytes or files than the caller allowed).
 */
export class ArchiveError extends Error {
  override readonly name = 'ArchiveError';
  readonly code: ArchiveErrorCode;

  constructor(code: ArchiveErrorCode, message: string, options?: ErrorOptions) {
    super(printable(message), options);
    this.code = code;
  }
}

/** Messages quote the archive and the libraries that read it; only printable ASCII is certain not to be obeyed by a terminal. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

export function corrupt(message: string, options?: ErrorOptions): ArchiveError {
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

/** True for errors of the operating system. zlib also sets `errno`, with codes that begin with `Z_`. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  if (!(error instanceof Error) || !('errno' in error) || typeof error.errno !== 'number') return false;
  return !('code' in error && String(error.code).startsWith('Z_'));
}

/** What a format's reader threw: system errors and our own pass, everything else means that the bytes are not that format. */
export function asCorrupt(error: unknown, what: string): unknown {
  if (error instanceof ArchiveError || isSystemError(error)) return error;
  return corrupt(`${what}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
}

/** An error as it crosses from the worker: structured cloning keeps neither class nor `code` of an Error. */
export interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly errno?: number;
  readonly syscall?: string;
  readonly path?: string;
}

export function plainError(error: unknown): PlainError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  const { code, errno, syscall, path } = error as NodeJS.ErrnoException;
  return {
    name: error.name,
    message: error.message,
    ...(code === undefined ? {} : { code }),
    ...(errno === undefined ? {} : { errno }),
    ...(syscall === undefined ? {} : { syscall }),
    ...(path === undefined ? {} : { path }),
  };
}

const CODES: ReadonlySet<string> = new Set<ArchiveErrorCode>(['archiveCorrupt', 'archiveUnsafe', 'archiveTooLarge']);

export function revivedError(plain: PlainError): Error {
  if (plain.name === 'ArchiveError' && plain.code !== undefined && CODES.has(plain.code)) {
    return new ArchiveError(plain.code as ArchiveErrorCode, plain.message);
  }
  return Object.assign(new Error(plain.message), plain);
}
