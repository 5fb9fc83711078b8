import type { FaultType } from '@lading/core';
import { FaultError } from '@lading/runtime';

const TYPES: Readonly<Record<string, FaultType>> = {
  ENOSPC: 'noSpace',
  EDQUOT: 'noSpace',
  EFBIG: 'noSpace',
  EMFILE: 'storageError',
  EIO: 'storageError',
  EBUSY: 'storageError',
  ENOENT: 'storageError',
  ENOTEMPTY: 'storageError',
  EACCES: 'filePermissions',
  EPERM: 'filePermissions',
  EROFS: 'filePermissions',
  ENOTDIR: 'filePermissions',
  EISDIR: 'filePermissions',
  EEXIST: 'filePermissions',
  ELOOP: 'filePermissions',
};

/** An error as a file system gives it: with the system's own code. */
export class DiskError extends Error {
  override readonly name = 'DiskError';
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

const codeOf = (error: unknown): string | undefined => (error as { code?: string } | null)?.code;

/** A file system error as a fault: what was tried, on what, and the system's own code. */
export function fsFault(error: unknown, action: string, subject: string): FaultError {
  if (error instanceof FaultError) return error;
  const code = codeOf(error) ?? 'unknown';
  const why = error instanceof Error ? error.message : String(error);
  return FaultError.of(TYPES[code] ?? 'unknown', code, `cannot ${action} ${subject}: ${why}`, {}, error);
}

/** Runs a piece of file work; whatever it throws comes out as a fault. */
export async function guarded<T>(action: string, subject: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw fsFault(error, action, subject);
  }
}

export const isMissing = (error: unknown): boolean => codeOf(error) === 'ENOENT';
