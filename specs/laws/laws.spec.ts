/**
 * Every law on its own: random people and random weather, shrunk by fast-check to the few acts that break it. Each is a property of the whole
 * house, core to disk; `oracle.spec.ts` and `graph.spec.ts` look at the machines alone.
 */
import { LAWS, play, scripts, storyOf } from '@lading/sim';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

/** Worlds for each law. They are many together: each law sees worlds that no other saw. */
const WORLDS = Number(process.env['LADING_LAW_WORLDS'] ?? 25);

describe.each(['outcome', 'hygiene', 'liveness'] as const)('law (%s):', (kind) => {
  for (const law of LAWS.filter((each) => each.kind === kind)) {
    it(law.name, async () => {
      const result = await fc.check(
        fc.asyncProperty(scripts(), async (script) => (await play(script, [law])).violations.length === 0),
        { numRuns: WORLDS, endOnFailure: false },
      );
      const [script] = result.counterexample ?? [];
      expect(script === undefined ? 'holds' : await storyOf(script, [law])).toBe('holds');
    });
  }
});

describe('the laws', () => {
  it('are many, and each has a name of its own', () => {
    expect(LAWS.length).toBeGreaterThanOrEqual(40);
    expect(new Set(LAWS.map((law) => law.name)).size).toBe(LAWS.length);
  });
});
