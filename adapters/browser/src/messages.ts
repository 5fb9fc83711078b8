import type {
  BundleSpec,
  Command,
  CoreSpec,
  Defect,
  Fault,
  LiveBytes,
  Refusal,
  StateImage,
  VoiceSpec,
} from '@lading/core';
import type { Inspection, JournalRecord, Usage } from '@lading/runtime';
import type { StorageKind } from './capabilities.js';

/** Raised when messages change their meaning: a tab that loaded another release must not talk to this one's owner. */
export const PROTOCOL = 1;

/** A catalog as it crosses to a worker. */
export interface CatalogParts {
  readonly platform: string;
  readonly cores: readonly CoreSpec[];
  readonly voices: readonly VoiceSpec[];
  readonly bundles: readonly BundleSpec[];
}

/** Manifests that the worker loads; relative to `base`, the page's address. */
export interface CatalogAddresses {
  readonly addresses: readonly string[];
  readonly base: string;
  readonly platform: string;
}

export interface OpenRequest {
  readonly type: 'open';
  readonly protocol: typeof PROTOCOL;
  readonly dir: string;
  readonly catalog: CatalogParts | CatalogAddresses;
  readonly concurrency: number;
  readonly stallMs?: number;
  readonly retryBaseMs?: number;
  readonly limitBytesPerSecond?: number;
}

/** What a tab may ask of the owner. */
export type Ask =
  | { readonly type: 'command'; readonly command: Command }
  | { readonly type: 'inspect'; readonly cores: readonly string[] }
  | { readonly type: 'setAside'; readonly damaged: readonly Inspection[] }
  | { readonly type: 'clean' }
  | { readonly type: 'usage' }
  | { readonly type: 'history' }
  | { readonly type: 'file'; readonly place: string }
  /** The last thing that is asked: work ends, the lease is let go. */
  | { readonly type: 'close' };

export interface Answers {
  readonly command: Refusal | null;
  readonly inspect: readonly Inspection[];
  readonly setAside: null;
  readonly clean: number;
  readonly usage: Usage;
  readonly history: readonly JournalRecord[];
  readonly file: File;
  readonly close: null;
}

/** An error as it crosses: structured cloning keeps neither class nor fields. */
export type PlainError =
  | { readonly type: 'fault'; readonly fault: Fault; readonly owner: unknown }
  | {
      readonly type: 'configuration';
      readonly message: string;
      readonly code: string;
      readonly remedy: string;
      readonly defects: readonly Defect[];
    }
  | { readonly type: 'error'; readonly name: string; readonly message: string };

export type ToOwner = OpenRequest | { readonly type: 'ask'; readonly id: number; readonly ask: Ask };

export type FromOwner =
  | {
      readonly type: 'opened';
      readonly image: StateImage;
      readonly storage: StorageKind;
      readonly catalog: CatalogParts;
    }
  | { readonly type: 'refused'; readonly error: PlainError }
  | { readonly type: 'answer'; readonly id: number; readonly value: Answers[keyof Answers] }
  | { readonly type: 'denial'; readonly id: number; readonly error: PlainError }
  | { readonly type: 'recorded'; readonly records: readonly JournalRecord[] }
  | { readonly type: 'flow'; readonly core: string; readonly live: LiveBytes }
  | { readonly type: 'broken'; readonly error: PlainError };
