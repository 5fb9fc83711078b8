/** How long is waited before the next attempt, whatever the policy, the server and luck say. */
import { backoffMs, DEFAULT_POLICY, type Policy } from '@lading/core';
import { expect, it } from 'vitest';
import { fc } from './chance.ts';

const policies = fc
  .record({ retryBaseMs: fc.integer({ min: 1, max: 5_000 }), doublings: fc.integer({ min: 0, max: 8 }) })
  .map(
    ({ retryBaseMs, doublings }): Policy => ({
      ...DEFAULT_POLICY,
      retryBaseMs,
      retryCapMs: retryBaseMs * 2 ** doublings,
    }),
  );

it('a delay is spread over the upper half of its ceiling, also where that is the cap: not all come back at once', () => {
  let capped = 0;
  fc.assert(
    fc.property(
      policies,
      fc.integer({ min: 1, max: 40 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (policy, attempt, luck) => {
        const ceiling = Math.min(policy.retryCapMs, policy.retryBaseMs * 2 ** (attempt - 1));
        const spread = ceiling / 2 + (luck * ceiling) / 2;
        expect(backoffMs(policy, attempt, luck, 0)).toBe(Math.round(Math.max(policy.retryBaseMs, spread)));
        if (ceiling === policy.retryCapMs && ceiling > 2 * policy.retryBaseMs) capped++;
      },
    ),
    { numRuns: 1_000 },
  );
  expect(capped).toBeGreaterThan(100);
});
