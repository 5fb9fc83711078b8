import type { Checkpoint, InstalledFile } from './event.js';
import type { Fault } from './fault.js';

/** What a person or an app asks for. Refused or turned into events by `decide`. */
export type Command =
  | { readonly type: 'download'; readonly id: string }
  | { readonly type: 'pause'; readonly id: string }
  | { readonly type: 'resume'; readonly id: string }
  | { readonly type: 'cancel'; readonly id: string }
  | { readonly type: 'retry'; readonly id: string }
  | { readonly type: 'prioritize'; readonly id: string; readonly priority: number }
  | { readonly type: 'delete'; readonly id: string; readonly force: boolean };

/** What the world says back about an effect, under the effect's ticket. */
export type Report =
  | {
      readonly type: 'prepared';
      readonly core: string;
      readonly ticket: number;
      readonly staged: Readonly<Record<string, number>>;
    }
  | {
      readonly type: 'checkpointed';
      readonly core: string;
      readonly ticket: number;
      readonly files: Readonly<Record<string, Checkpoint>>;
    }
  | { readonly type: 'downloaded'; readonly core: string; readonly ticket: number }
  | { readonly type: 'verified'; readonly core: string; readonly ticket: number; readonly weak: readonly string[] }
  | { readonly type: 'extracted'; readonly core: string; readonly ticket: number }
  | {
      readonly type: 'installed';
      readonly core: string;
      readonly ticket: number;
      readonly generation: string;
      readonly files: readonly InstalledFile[];
    }
  | { readonly type: 'discarded'; readonly core: string; readonly ticket: number }
  | { readonly type: 'removed'; readonly core: string; readonly ticket: number }
  | { readonly type: 'due'; readonly core: string; readonly ticket: number }
  | {
      readonly type: 'faulted';
      readonly core: string;
      readonly ticket: number;
      readonly fault: Fault;
      /** Files whose staged bytes are void. */
      readonly voided: readonly string[];
    }
  /** Files of a core that were brought by hand are staged, while no job was at work on it. */
  | {
      readonly type: 'staged';
      readonly core: string;
      readonly revision: string;
      readonly files: Readonly<Record<string, Checkpoint>>;
    }
  /** A check found installed files gone or changed. */
  | {
      readonly type: 'lost';
      readonly core: string;
      readonly generation: string;
      readonly detail: 'missing' | 'damaged';
      /** Good files of it that went back to staging. */
      readonly kept: Readonly<Record<string, Checkpoint>>;
    };

/** The depot was opened: what the disk really holds, per core. The disk may only lower a checkpoint, never raise it. */
export interface Wake {
  readonly type: 'woke';
  readonly epoch: number;
  readonly staged: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Installed cores of which files are gone or have another length, and what of them is still good and goes back to staging. */
  readonly missing: Readonly<Record<string, Readonly<Record<string, Checkpoint>>>>;
}

export type Input = Command | Report | Wake;

/** Time and luck arrive as data. */
export interface Stamp {
  /** Wall clock, milliseconds since 1970. */
  readonly now: number;
  /** A number in [0, 1). */
  readonly luck: number;
}
