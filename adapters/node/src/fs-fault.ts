import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { FaultType } from '@lading/core';
import { FaultError } from '@lading/runtime';

/** EDQUOT has no name in Node 20: `code` is then "Unknown system error -122". */
const EDQUOT = -122;

const TYPES: Readonly<Record<string, FaultType>> = {
  ENOSPC: 'noSpace',
  EDQUOT: 'noSpace',
  EFBIG: 'noSpace',
  EMFILE: 'storageError',
  ENFILE: 'storageError',
  ENOMEM: 'storageError',
  EIO: 'storageError',
  EINTR: 'storageError',
  EBUSY: 'storageError',
  EXDEV: 'storageError',
  ENOENT: 'storageError',
  ENOTEMPTY: 'storageError',
  ESTALE: 'storageError',
  ENAMETOOLONG: 'manifestError',
  EACCES: 'filePermissions',
  EPERM: 'filePermissions',
  EROFS: 'filePermissions',
  ENOTDIR: 'filePermissions',
  EISDIR: 'filePermissions',
  EEXIST: 'filePermissions',
  ELOOP: 'filePermissions',
};

interface SystemError {
  readonly code?: string;
  readonly errno?: number;
  readonly message?: string;
}

export function errnoOf(error: unknown): string | undefined {
  const { code, errno } = (error ?? {}) as SystemError;
  return errno === EDQUOT ? 'EDQUOT' : code;
}

/** Free bytes where a path lies, or would lie. */
function freeBytesAt(path: string): number | null {
  for (let place = path; ; place = dirname(place)) {
    try {
      const { bavail, bsize } = statfsSync(place);
      return bavail * bsize;
    } catch {
      if (dirname(place) === place) return null;
    }
  }
}

/** A file system error as a fault: what was tried, on what, and the system's own code. For a full disk, what is free and was needed. */
export function fsFault(error: unknown, action: string, subject: string, neededBytes?: number): FaultError {
  if (error instanceof FaultError) return error;
  const code = errnoOf(error) ?? 'unknown';
  const type = TYPES[code] ?? 'unknown';
  const why = (error as SystemError | null)?.message ?? String(error);
  const freeBytes = type === 'noSpace' ? freeBytesAt(subject) : null;
  const space = { ...(freeBytes === null ? {} : { freeBytes }), ...(neededBytes === undefined ? {} : { neededBytes }) };
  return FaultError.of(type, code, `cannot ${action} ${subject}: ${why}`, type === 'noSpace' ? space : {}, error);
}

/** Runs a piece of file work; whatever it throws comes out as a fault. */
export async function guarded<T>(action: string, subject: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw fsFault(error, action, subject);
  }
}

export const isMissing = (error: unknown): boolean => errnoOf(error) === 'ENOENT';
