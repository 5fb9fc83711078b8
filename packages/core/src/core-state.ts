import { bytesOf } from './checkpoint.js';
import type { Checkpoint, InstalledFile, PauseReason } from './event.js';
import type { Fault } from './fault.js';

export const CORE_PHASES = [
  'absent',
  'queued',
  'preparing',
  'downloading',
  'verifying',
  'extracting',
  'installing',
  'ready',
  'paused',
  'backingOff',
  'failed',
  'cancelling',
  'deleting',
] as const;

export type CorePhase = (typeof CORE_PHASES)[number];

export interface Installed {
  readonly revision: string;
  readonly generation: string;
  readonly files: readonly InstalledFile[];
  readonly weak: readonly string[];
}

/** What a core's machine remembers beside its phase. Plain data with every key present: it is stored as JSON. */
export interface CoreContext {
  readonly id: string;
  /** The fence of the present job; it never decreases. */
  readonly ticket: number;
  /** Place in the queue: lower first, among equal priorities. */
  readonly order: number;
  /** Higher first. */
  readonly priority: number;
  /** Revision that is being fetched, or was last. */
  readonly revision: string | null;
  readonly bytesTotal: number;
  /** Durable bytes per file of that revision. */
  readonly durable: Readonly<Record<string, Checkpoint>>;
  /** Failed attempts since the last progress. */
  readonly attempt: number;
  /** Most durable bytes there were when progress was last counted. */
  readonly highWater: number;
  /** Times that whole bytes turned out wrong. */
  readonly strikes: number;
  /** Wall clock of the next attempt; set if and only if the phase is backingOff. */
  readonly retryAt: number | null;
  readonly pauseReason: PauseReason | null;
  /** Files of the revision in work that only a weak digest, or none, vouches for. */
  readonly weak: readonly string[];
  /** The last fault, until something goes right again. */
  readonly fault: Fault | null;
  /** The version that is there and usable, whatever the phase does beside it. */
  readonly installed: Installed | null;
}

export interface CoreState {
  readonly phase: CorePhase;
  readonly context: CoreContext;
}

const IDLE_PHASES: ReadonlySet<CorePhase> = new Set(['absent', 'queued', 'ready', 'paused', 'backingOff', 'failed']);
const WORK_PHASES: ReadonlySet<CorePhase> = new Set([
  'preparing',
  'downloading',
  'verifying',
  'extracting',
  'installing',
]);

const NO_CHECKPOINTS: CoreContext['durable'] = {};
const NO_FILES: CoreContext['weak'] = [];

export function emptyCoreContext(id: string): CoreContext {
  return {
    id,
    ticket: 0,
    order: 0,
    priority: 0,
    revision: null,
    bytesTotal: 0,
    durable: NO_CHECKPOINTS,
    attempt: 0,
    highWater: 0,
    strikes: 0,
    retryAt: null,
    pauseReason: null,
    weak: NO_FILES,
    fault: null,
    installed: null,
  };
}

/** A job of the world is under way for this core: exactly the phases whose entry names an effect that reports back. */
export const isBusy = (state: CoreState): boolean => !IDLE_PHASES.has(state.phase);

/** The core holds a slot of the queue. */
export const isWorking = (state: CoreState): boolean => WORK_PHASES.has(state.phase);

/** An engine may use the core now. A version stays usable while another is fetched beside it. */
export const isUsable = (state: CoreState | undefined): boolean =>
  state !== undefined && state.context.installed !== null && state.phase !== 'deleting';

/** So many files are not counted twice: each event, and each look at a status, asks again for what has not changed. */
const MANY_FILES = 32;
const counted = new WeakMap<CoreContext['durable'], number>();

export function durableBytes(durable: CoreContext['durable']): number {
  const known = counted.get(durable);
  if (known !== undefined) return known;
  let sum = 0;
  let files = 0;
  for (const name in durable) {
    const checkpoint = durable[name];
    if (checkpoint !== undefined) sum += bytesOf(checkpoint);
    files++;
  }
  if (files >= MANY_FILES) counted.set(durable, sum);
  return sum;
}
