import type { LadingEvent, Policy, Status } from '@lading/core';
import type { Moment } from './moment.js';

/** The numbers of a policy without which a history cannot be judged. Delays and slots are the process's own, and differ from life to life. */
export type Bounds = Pick<Policy, 'maxAttempts' | 'maxStrikes' | 'retryAfterMaxMs'>;

/**
 * Something that holds in every history, whatever the world did: it needs the records and the states between them, and nothing else.
 * The simulated world holds it against every step of a live depot, `lading replay` against a file.
 */
export interface RecordLaw {
  /** Outcome: what people get. Hygiene: how it comes about. */
  readonly kind: 'outcome' | 'hygiene';
  /** A sentence. */
  readonly name: string;
  /** Begins to watch a history. A string says what is wrong. */
  readonly watch: (bounds: Bounds) => (moment: Moment) => string | null;
}

export const outcome = (name: string, watch: RecordLaw['watch']): RecordLaw => ({ kind: 'outcome', name, watch });
export const hygiene = (name: string, watch: RecordLaw['watch']): RecordLaw => ({ kind: 'hygiene', name, watch });

/** The events of one type. */
export function eventsOf<T extends LadingEvent['type']>(
  events: readonly LadingEvent[],
  type: T,
): readonly Extract<LadingEvent, { type: T }>[] {
  return events.filter((event): event is Extract<LadingEvent, { type: T }> => event.type === type);
}

const MOVING: ReadonlySet<Status['phase']> = new Set([
  'queued',
  'preparing',
  'downloading',
  'verifying',
  'extracting',
  'installing',
  'backingOff',
  'cancelling',
  'deleting',
  'waiting',
]);

/** Whatever is in such a phase moves by itself. */
export const isMoving = (phase: Status['phase']): boolean => MOVING.has(phase);
