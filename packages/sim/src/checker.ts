import type { Law } from './law.js';
import type { Observation } from './observation.js';
import type { World } from './world.js';

export interface Violation {
  readonly law: string;
  readonly kind: Law['kind'];
  readonly message: string;
  /** Simulated milliseconds since the world began. */
  readonly atMs: number;
}

/** Violations of one world after which nobody counts any more. */
const MOST_VIOLATIONS = 20;

type See = (observation: Observation) => unknown;

/** Holds laws against everything that happens in a world. */
export class Checker {
  readonly violations: Violation[] = [];
  private readonly watchers = new Map<Observation['type'], { readonly law: Law; readonly see: See }[]>();

  constructor(
    private readonly world: World,
    laws: readonly Law[],
    private readonly onViolation: (violation: Violation) => void = () => undefined,
  ) {
    for (const law of laws) {
      for (const [type, see] of Object.entries(law.watch(world)) as [Observation['type'], See][]) {
        const known = this.watchers.get(type);
        if (known === undefined) this.watchers.set(type, [{ law, see }]);
        else known.push({ law, see });
      }
    }
    world.observe((observation) => this.see(observation));
  }

  private see(observation: Observation): void {
    const watchers = this.watchers.get(observation.type);
    if (watchers === undefined) return;
    for (const { law, see } of watchers) {
      const message = see(observation);
      if (typeof message !== 'string' || this.violations.length >= MOST_VIOLATIONS) continue;
      const violation = { law: law.name, kind: law.kind, message, atMs: this.world.elapsedMs };
      this.violations.push(violation);
      this.onViolation(violation);
    }
  }
}
