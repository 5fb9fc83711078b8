import { CORE } from './core.js';
import { MEMORY } from './memory.js';
import { NODE } from './node.js';
import { RUNTIME } from './runtime.js';
import type { Safeguard } from './safeguard.js';

/** Every safeguard that is taken away once, by where it lives. */
export const SAFEGUARDS: Readonly<Record<'core' | 'runtime' | 'memory' | 'node', readonly Safeguard[]>> = {
  core: CORE,
  runtime: RUNTIME,
  memory: MEMORY,
  node: NODE,
};

export const ALL: readonly Safeguard[] = Object.values(SAFEGUARDS).flat();
