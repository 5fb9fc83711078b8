import type { PauseReason } from './event.js';

export const VOICE_PHASES = [
  'absent',
  'waiting',
  'ready',
  'paused',
  'failed',
  'unavailable',
  'cancelling',
  'deleting',
] as const;

export type VoicePhase = (typeof VOICE_PHASES)[number];

export interface VoiceContext {
  readonly id: string;
  /** The cores it needs, resolved for the platform when it was asked for. */
  readonly cores: readonly string[];
  readonly pauseReason: PauseReason | null;
  /** The core that failed, or that was lost under it. */
  readonly core: string | null;
}

export interface VoiceState {
  readonly phase: VoicePhase;
  readonly context: VoiceContext;
}

/** Nobody may take away a core that such a voice names. */
const HOLDING: ReadonlySet<VoicePhase> = new Set(['waiting', 'ready', 'paused', 'failed', 'unavailable']);
/** Such a voice makes its missing cores be fetched. A failed one still wants its other cores. */
const WANTING: ReadonlySet<VoicePhase> = new Set(['waiting', 'ready', 'failed']);
const LEAVING: ReadonlySet<VoicePhase> = new Set(['cancelling', 'deleting']);

export const isHolding = (phase: VoicePhase): boolean => HOLDING.has(phase);
export const isWanting = (phase: VoicePhase): boolean => WANTING.has(phase);
export const isLeaving = (phase: VoicePhase): boolean => LEAVING.has(phase);

export function emptyVoiceContext(id: string): VoiceContext {
  return { id, cores: [], pauseReason: null, core: null };
}

/**
 * A core that somebody asked for by its own id is held by a voice of this name, which needs just that core. Ids have no colon, so it
 * cannot be mistaken for a voice of the catalog.
 */
export const directWish = (core: string): string => `core:${core}`;
export const coreOfDirectWish = (voice: string): string | null => (voice.startsWith('core:') ? voice.slice(5) : null);
