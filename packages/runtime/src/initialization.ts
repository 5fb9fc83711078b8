import { errorOfFault, InitializationError, remedyOf } from '@lading/core';
import { FaultError } from './fault-error.js';

/** What kept a depot from opening, as the error that the one who opens it sees: who owns it, what cannot be written, what is damaged. */
export function initializationError(error: unknown): unknown {
  if (!(error instanceof FaultError)) return error;
  const { fault, owner } = error;
  if (fault.type !== 'leaseHeld' && fault.type !== 'filePermissions' && fault.detail !== 'journalCorrupt')
    return errorOfFault(fault, 'the depot');
  const code = fault.detail === 'journalCorrupt' ? 'journalCorrupt' : fault.type;
  const remedy =
    code === 'journalCorrupt'
      ? 'Keep the directory as it is and report this; installed files are untouched.'
      : remedyOf(fault);
  return new InitializationError(fault.message, { code, remedy, fault, owner, cause: error });
}
