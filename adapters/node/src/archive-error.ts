import { ArchiveError, type ArchiveErrorCode, corrupt } from '@lading/runtime/archive';

/**
 * True for errors of the operating system, which are not dressed up as archive errors: their `code` and `errno` (Node 20 knows EDQUOT only by
 * number) decide what happens next. zlib also sets `errno`, with codes that begin with `Z_`.
 */
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
