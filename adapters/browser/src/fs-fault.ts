import type { FaultType } from '@lading/core';
import { FaultError } from '@lading/runtime';

const TYPES: Readonly<Record<string, FaultType>> = {
  QuotaExceededError: 'noSpace',
  NotFoundError: 'storageError',
  NoModificationAllowedError: 'storageError',
  InvalidModificationError: 'storageError',
  InvalidStateError: 'storageError',
  NotReadableError: 'storageError',
  AbortError: 'storageError',
  UnknownError: 'storageError',
  TransactionInactiveError: 'storageError',
  TypeMismatchError: 'filePermissions',
  NotAllowedError: 'filePermissions',
  SecurityError: 'filePermissions',
};

export const nameOf = (error: unknown): string => (error as { readonly name?: string } | null)?.name ?? 'thrown';

export const isMissing = (error: unknown): boolean => nameOf(error) === 'NotFoundError';

/** A storage error as a fault: what was tried, on what, and the browser's own name for it. */
export function fsFault(error: unknown, action: string, subject: string): FaultError {
  if (error instanceof FaultError) return error;
  const name = nameOf(error);
  const why = error instanceof Error && error.message !== '' ? error.message : name;
  return FaultError.of(TYPES[name] ?? 'unknown', name, `cannot ${action} ${subject}: ${why}`, {}, error);
}

/** An open file reserves up to so much ahead, bytes: a browser that refuses while it reports more free does not see the limit that was met. */
const RESERVED_BYTES = 128 * 1024 * 1024;

/** What the origin may still store by the browser's own account, or null if it tells nothing that can be true where a write was refused. */
export async function estimatedFreeBytes(): Promise<number | null> {
  try {
    const { quota, usage } = await navigator.storage.estimate();
    const freeBytes = Math.max(0, (quota ?? Number.POSITIVE_INFINITY) - (usage ?? 0));
    return freeBytes > RESERVED_BYTES ? null : freeBytes;
  } catch {
    return null;
  }
}

/** Runs a piece of file work; whatever it throws comes out as a fault, a full disk with what is still free. */
export async function guarded<T>(action: string, subject: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const fault = fsFault(error, action, subject);
    const freeBytes = fault.fault.type === 'noSpace' ? await estimatedFreeBytes() : null;
    throw freeBytes === null ? fault : new FaultError({ ...fault.fault, freeBytes }, { cause: error });
  }
}

/** The site's files went away under an open handle, which goes on writing into nothing. */
export const evicted = (subject: string): FaultError =>
  FaultError.of(
    'storageError',
    'evicted',
    `${subject} is gone: the browser or a person has cleared this site's storage meanwhile`,
  );
