import type { Range, Ranges, StateImage } from '@lading/core';
import type { Inspection, JournalImage, JournalRecord, Moment, Usage } from '@lading/runtime';
import type { Act } from './act.js';

/** How a life of the program ended without its consent. */
export type Death = 'crash' | 'kill' | 'powerCut';

/** Where a staged file is: its core, and its name in the manifest. */
export interface FileName {
  readonly core: string;
  readonly file: string;
}

export type StoreCall = 'reclaim' | 'discard' | 'extract' | 'publish' | 'sweep' | 'remove' | 'quarantine';

/** A record that became durable, as the laws see it. */
export type SeenRecord = { readonly type: 'record' } & Moment;

/** Everything that happens between a depot and its world, as it happens. */
export type Observation =
  | { readonly type: 'act'; readonly act: Act }
  | { readonly type: 'answer'; readonly act: Act; readonly code: string; readonly message: string }
  | { readonly type: 'opening'; readonly pid: number }
  | { readonly type: 'loaded'; readonly image: JournalImage }
  | { readonly type: 'opened'; readonly epoch: number }
  | { readonly type: 'notOpened'; readonly error: unknown }
  | { readonly type: 'closed' }
  | { readonly type: 'died'; readonly how: Death }
  | { readonly type: 'append'; readonly records: readonly JournalRecord[] }
  /** An append has been acknowledged, and with it all that stands before it. */
  | { readonly type: 'durable' }
  | { readonly type: 'broken'; readonly error: unknown }
  | { readonly type: 'compact'; readonly image: StateImage }
  | SeenRecord
  | ({
      readonly type: 'request';
      readonly url: string;
      readonly from: number | null;
      readonly to: number | null;
      readonly ifRange: string | null;
      readonly id: number;
    } & FileName)
  /** `requests` counts the redirects that led to it. */
  | ({ readonly type: 'response'; readonly id: number; readonly status: number; readonly requests: number } & FileName)
  | ({ readonly type: 'requestEnded'; readonly id: number; readonly error: string | null } & FileName)
  | ({ readonly type: 'stage'; readonly sizeBytes: number } & FileName)
  | ({ readonly type: 'staged'; readonly held: Ranges } & FileName)
  | ({ readonly type: 'write'; readonly from: number; readonly bytes: number } & FileName)
  | ({ readonly type: 'written'; readonly held: Ranges } & FileName)
  | ({ readonly type: 'synced'; readonly held: Ranges } & FileName)
  | ({ readonly type: 'dropped'; readonly range: Range } & FileName)
  | ({ readonly type: 'reset' } & FileName)
  | ({ readonly type: 'unstaged' } & FileName)
  | {
      readonly type: 'store';
      readonly call: StoreCall;
      readonly core: string;
      readonly keep: string | null;
      readonly files: readonly string[] | null;
    }
  | { readonly type: 'stored'; readonly call: StoreCall; readonly core: string; readonly isDone: boolean }
  /** From here on nothing goes wrong any more. */
  | { readonly type: 'healed' }
  | { readonly type: 'inspected'; readonly inspections: readonly Inspection[] }
  | { readonly type: 'counted'; readonly usage: Usage }
  /** Everything that was due has happened. */
  | { readonly type: 'look' }
  /** Faults have ended, and all has come to rest or had the time to. */
  | { readonly type: 'rest' }
  /** Everything that was wanted has been asked for again, and whoever asked has been answered. */
  | { readonly type: 'settled' }
  /** And the depot was opened once more. */
  | { readonly type: 'end' };

export type Tell = (observation: Observation) => void;
