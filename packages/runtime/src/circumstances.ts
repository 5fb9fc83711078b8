import { type Fault, remedyOf, type Status } from '@lading/core';
import { isMoving } from './record-law.js';

/** Why nobody works on what the records say is under way. */
export type Halt =
  /** The journal could not be written: nothing happens that cannot be recorded. */
  | { readonly reason: 'journalBroken'; readonly fault: Fault }
  /** Whoever owned the depot has let go of it, and nobody has taken it up yet. */
  | { readonly reason: 'noOwner' };

const WAIT = 'Another tab or program takes over; if there is none, open the depot again.';

/** What a status owes to where it is shown, and not to the records. */
export interface Circumstances {
  readonly halt: Halt | null;
  /** What the platform cannot promise, in words. */
  readonly caveat: string | null;
}

export const ORDINARY: Circumstances = { halt: null, caveat: null };

/** A status as it must be shown: while nobody works, what would move says why it does not. */
export function shown(status: Status, { halt, caveat }: Circumstances): Status {
  return { ...(halt !== null && isMoving(status.phase) ? stopped(status, halt) : status), caveat };
}

function stopped(status: Status, halt: Halt): Status {
  const still = { ...status, reason: halt.reason, rateBytesPerSecond: null, etaMs: null, retryAt: null };
  if (halt.reason === 'noOwner') return { ...still, remedy: WAIT };
  return { ...still, fault: halt.fault, remedy: remedyOf(halt.fault), actions: [] };
}
