import { DEFAULT_POLICY, type Policy } from '@lading/core';
import type { Observation } from './observation.js';
import type { World } from './world.js';

/** What one law looks at in one world: for each kind of observation a string that says what is wrong, or anything else. */
export type Watcher = {
  readonly [K in Observation['type']]?: (observation: Extract<Observation, { type: K }>) => unknown;
};

/**
 * Outcome: what people get. Hygiene: how it comes about; a good final check hides every bug before it, so the way is watched too. Liveness:
 * that it comes about.
 */
export type LawKind = 'outcome' | 'hygiene' | 'liveness';

/** Something that holds in every world, whatever its weather and its people. */
export interface Law {
  readonly kind: LawKind;
  /** A sentence. */
  readonly name: string;
  /** Begins to watch a world. */
  readonly watch: (world: World) => Watcher;
}

export const outcome = (name: string, watch: Law['watch']): Law => ({ kind: 'outcome', name, watch });
export const hygiene = (name: string, watch: Law['watch']): Law => ({ kind: 'hygiene', name, watch });
export const liveness = (name: string, watch: Law['watch']): Law => ({ kind: 'liveness', name, watch });

/** The numbers that a world's depot goes by. */
export const policyOf = (world: World): Policy => ({ ...DEFAULT_POLICY, ...world.options.policy });
