import { DECISIONS } from './decisions.js';
import { MEMORY } from './memory.js';
import { NODE } from './node.js';
import { PURE_MODULES } from './pure-modules.js';
import { RUNTIME } from './runtime.js';
import type { Safeguard } from './safeguard.js';
import { SHARING } from './sharing.js';
import { TRANSFERS } from './transfers.js';

/** Every safeguard that is taken away once, by where it lives. */
export const SAFEGUARDS = {
  core: [...DECISIONS, ...PURE_MODULES],
  runtime: [...RUNTIME, ...TRANSFERS, ...SHARING],
  memory: MEMORY,
  node: NODE,
} as const satisfies Readonly<Record<string, readonly Safeguard[]>>;

export const ALL: readonly Safeguard[] = Object.values(SAFEGUARDS).flat();
