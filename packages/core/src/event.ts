import type { Fault } from './fault.js';
import type { Ranges } from './ranges.js';

/**
 * Facts in the past tense: the only input of the machines, and all that the journal holds. Whatever policy decided is in the event.
 * Retired shapes are never edited here; they go through `upcast` in the journal format, so every history replays for ever.
 */
export interface Checkpoint {
  /** Durable bytes from the start of the file: what a resume may build on. */
  readonly bytes: number;
  /** The validator (RFC 9110 §8.8) that these bytes came under, as received; null if the server gave none that is strong. */
  readonly validator: string | null;
  /** Origin of the source they came from; a validator means nothing to another one. */
  readonly origin: string | null;
  /** Durable ranges beyond a hole, of files that are fetched in several parts at once. Absent if there are none. */
  readonly spans?: Ranges;
}

export interface InstalledFile {
  readonly filename: string;
  readonly sizeBytes: number;
  /** Hex sha256, as computed from the bytes that were installed. */
  readonly sha256: string;
}

/** Why nothing moves though nothing is wrong. */
export type PauseReason = 'user' | 'noSpace';

export type CoreEvent =
  | { readonly type: 'CoreQueued'; readonly core: string; readonly order: number; readonly priority: number }
  | { readonly type: 'CorePrioritized'; readonly core: string; readonly priority: number }
  | {
      readonly type: 'CoreStarted';
      readonly core: string;
      readonly ticket: number;
      readonly revision: string;
      readonly bytesTotal: number;
      /** What was staged for another revision is not this one's. */
      readonly keepsStaged: boolean;
    }
  | {
      readonly type: 'CorePrepared';
      readonly core: string;
      readonly ticket: number;
      readonly staged: Readonly<Record<string, number>>;
    }
  | {
      readonly type: 'CoreCheckpointed';
      readonly core: string;
      readonly ticket: number;
      readonly files: Readonly<Record<string, Checkpoint>>;
      /** True if enough is new that earlier failures no longer count. */
      readonly isProgress: boolean;
    }
  /** Whole files that were brought by hand are staged: of this revision, checked against the catalog, durable. */
  | {
      readonly type: 'CoreStaged';
      readonly core: string;
      readonly revision: string;
      readonly files: Readonly<Record<string, Checkpoint>>;
    }
  | { readonly type: 'CoreDownloaded'; readonly core: string; readonly ticket: number }
  | {
      readonly type: 'CoreVerified';
      readonly core: string;
      readonly ticket: number;
      readonly isArchive: boolean;
      readonly weak: readonly string[];
    }
  | { readonly type: 'CoreExtracted'; readonly core: string; readonly ticket: number }
  | {
      readonly type: 'CoreInstalled';
      readonly core: string;
      readonly ticket: number;
      readonly revision: string;
      readonly generation: string;
      readonly files: readonly InstalledFile[];
      /** Files that only a weak digest, or none, vouches for. */
      readonly weak: readonly string[];
    }
  | {
      readonly type: 'RetryScheduled';
      readonly core: string;
      readonly fault: Fault;
      readonly attempt: number;
      readonly strikes: number;
      /** Wall clock, milliseconds since 1970. */
      readonly at: number;
      /** Files whose staged bytes are void. */
      readonly voided: readonly string[];
    }
  | { readonly type: 'CoreFailed'; readonly core: string; readonly fault: Fault; readonly voided: readonly string[] }
  | {
      readonly type: 'CorePaused';
      readonly core: string;
      readonly ticket: number;
      readonly reason: PauseReason;
      readonly fault: Fault | null;
    }
  | { readonly type: 'CoreCancelStarted'; readonly core: string; readonly ticket: number }
  | { readonly type: 'CoreCancelled'; readonly core: string }
  | { readonly type: 'CoreDeletionStarted'; readonly core: string; readonly ticket: number }
  | { readonly type: 'CoreDeleted'; readonly core: string }
  | {
      readonly type: 'CoreLost';
      readonly core: string;
      readonly detail: 'missing' | 'damaged';
      /** Good files of it that went back to staging. */
      readonly kept: Readonly<Record<string, Checkpoint>>;
    }
  | {
      readonly type: 'CoreWoken';
      readonly core: string;
      readonly ticket: number;
      readonly staged: Readonly<Record<string, number>>;
      readonly order: number;
    };

export type VoiceEvent =
  | { readonly type: 'VoiceRequested'; readonly voice: string; readonly cores: readonly string[] }
  | { readonly type: 'VoiceReady'; readonly voice: string }
  | { readonly type: 'VoicePaused'; readonly voice: string; readonly reason: PauseReason }
  | { readonly type: 'VoiceResumed'; readonly voice: string }
  | { readonly type: 'VoiceFailed'; readonly voice: string; readonly core: string }
  | { readonly type: 'VoiceUnavailable'; readonly voice: string; readonly core: string }
  | { readonly type: 'VoiceCancelStarted'; readonly voice: string }
  | { readonly type: 'VoiceCancelled'; readonly voice: string }
  | { readonly type: 'VoiceDeletionStarted'; readonly voice: string }
  | { readonly type: 'VoiceDeleted'; readonly voice: string };

/** The depot was opened under a new epoch of the lease; everything with an older one is history. */
export type DepotEvent = { readonly type: 'Woken'; readonly epoch: number };

export type LadingEvent = CoreEvent | VoiceEvent | DepotEvent;
export type EventType = LadingEvent['type'];
