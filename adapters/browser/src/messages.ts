import type { BundleSpec, CoreSpec, Defect, Fault, VoiceSpec } from '@lading/core';
import type { JournalRecord } from '@lading/runtime';
import type { StorageKind } from './capabilities.js';

/** Raised when messages change their meaning: a page must not talk to the worker of another release. */
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

/** What a page asks of its own worker, whoever owns the depot. What concerns the depot goes over the channel of all tabs. */
export type Ask =
  | { readonly type: 'history' }
  | { readonly type: 'file'; readonly place: string }
  /** The last thing that is asked: if it is the owner its work ends, and the lease is let go. */
  | { readonly type: 'close' };

export interface Answers {
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

export type ToWorker = OpenRequest | { readonly type: 'ask'; readonly id: number; readonly ask: Ask };

export type FromWorker =
  /** It is ready to own the depot, and does so as soon as nobody else does. */
  | { readonly type: 'opened'; readonly storage: StorageKind; readonly catalog: CatalogParts }
  | { readonly type: 'refused'; readonly error: PlainError }
  | { readonly type: 'answer'; readonly id: number; readonly value: Answers[keyof Answers] }
  | { readonly type: 'denial'; readonly id: number; readonly error: PlainError }
  /** It owns the depot from now on. */
  | { readonly type: 'owning' }
  /** It cannot be the owner any more. */
  | { readonly type: 'broken'; readonly error: PlainError };
