import type { Command, Fault, LiveBytes, StateImage } from '@lading/core';
import type { Inspection } from '../inspection.js';
import type { JournalRecord } from '../ports.js';

/** Of the language below: who speaks another is not understood, and not answered. */
export const LANGUAGE = 1;

/** What a guest may ask the owner to do. */
export type Ask =
  | { readonly do: 'command'; readonly command: Command }
  | { readonly do: 'verify'; readonly cores: readonly string[] }
  | { readonly do: 'setAside'; readonly damaged: readonly Inspection[] }
  | { readonly do: 'clean' }
  | { readonly do: 'usage' };

/** An error on its way to a guest: all that its class is made of. */
export interface SpokenError {
  readonly message: string;
  readonly code: string;
  readonly remedy: string;
  readonly fault: Fault | null;
}

export type Answer = { readonly value: unknown } | { readonly error: SpokenError };

/** A guest: who it is, and what it wants. */
export type GuestWord =
  | { readonly v: typeof LANGUAGE; readonly type: 'join'; readonly guest: string }
  | {
      readonly v: typeof LANGUAGE;
      readonly type: 'call';
      readonly guest: string;
      readonly call: number;
      /** The owner it is meant for. */
      readonly epoch: number;
      readonly ask: Ask;
    };

/** The owner: what it has recorded, and what is flowing. Its epoch tells it from owners before and after it. */
export type OwnerWord = { readonly v: typeof LANGUAGE; readonly epoch: number } & (
  | { readonly type: 'hello'; readonly image: StateImage; readonly live: Readonly<Record<string, LiveBytes>> }
  | { readonly type: 'record'; readonly record: JournalRecord }
  | { readonly type: 'live'; readonly live: Readonly<Record<string, LiveBytes | null>> }
  | {
      readonly type: 'answer';
      readonly guest: string;
      readonly call: number;
      /** Events that the answer rests on. */
      readonly position: number;
      readonly answer: Answer;
    }
  | { readonly type: 'bye' }
);

export type Word = GuestWord | OwnerWord;

/** What is spoken in our language, or null. */
export function wordOf(heard: unknown): Word | null {
  return typeof heard === 'object' && heard !== null && (heard as { v?: unknown }).v === LANGUAGE
    ? (heard as Word)
    : null;
}

/** An owner that speaks another language, of another release of this code, and has not been replaced since. */
export function isForeign(heard: unknown, newest: number): boolean {
  const { v, type, epoch } = (heard ?? {}) as { v?: unknown; type?: unknown; epoch?: unknown };
  const isPast = typeof epoch === 'number' && epoch < newest;
  return typeof v === 'number' && v !== LANGUAGE && type === 'hello' && !isPast;
}
