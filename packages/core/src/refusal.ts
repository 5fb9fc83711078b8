/** "You may not": a command that the present state does not allow. A value, not an exception; it changes nothing. */
export const REFUSAL_CODES = [
  'unknownId',
  'coreMissing',
  'notAvailableHere',
  'inUse',
  'nothingToDo',
  'notInstalled',
] as const;

export type RefusalCode = (typeof REFUSAL_CODES)[number];

export interface Refusal {
  readonly type: 'refusal';
  readonly code: RefusalCode;
  readonly message: string;
  readonly remedy: string;
  /** Ids that the refusal is about: nearest names, or the voices that use a core. */
  readonly ids: readonly string[];
}

export function refuse(code: RefusalCode, message: string, remedy: string, ids: readonly string[] = []): Refusal {
  return { type: 'refusal', code, message, remedy, ids };
}
