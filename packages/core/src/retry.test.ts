import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FAULT_TYPES, type Fault, isRetryable } from './fault.js';
import { DEFAULT_POLICY, type Policy } from './policy.js';
import { backoffMs, retryVerdict } from './retry.js';

const luck = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const policy: fc.Arbitrary<Policy> = fc
  .record({
    base: fc.integer({ min: 1, max: 5_000 }),
    more: fc.integer({ min: 0, max: 60_000 }),
    maxAttempts: fc.integer({ min: 1, max: 24 }),
    maxStrikes: fc.integer({ min: 1, max: 4 }),
  })
  .map(({ base, more, maxAttempts, maxStrikes }) => ({
    ...DEFAULT_POLICY,
    retryBaseMs: base,
    retryCapMs: base + more,
    maxAttempts,
    maxStrikes,
  }));
const fault = (type: Fault['type'], more: Partial<Fault> = {}): Fault => ({ type, detail: 'x', message: 'x', ...more });

describe('the delay before another attempt', () => {
  it('is within [base, cap] for every attempt and every luck', () => {
    fc.assert(
      fc.property(policy, fc.integer({ min: 1, max: 2_000 }), luck, (p, attempt, l) => {
        const delay = backoffMs(p, attempt, l, 0);
        expect(Number.isSafeInteger(delay)).toBe(true);
        expect(delay).toBeGreaterThanOrEqual(p.retryBaseMs);
        expect(delay).toBeLessThanOrEqual(p.retryCapMs);
      }),
      { numRuns: 2000 },
    );
  });

  it('is never before Retry-After, which may exceed the cap but not its own maximum', () => {
    fc.assert(
      fc.property(policy, fc.integer({ min: 1, max: 40 }), luck, fc.nat(1e12), (p, attempt, l, asked) => {
        const delay = backoffMs(p, attempt, l, asked);
        expect(delay).toBeGreaterThanOrEqual(Math.min(asked, p.retryAfterMaxMs));
        expect(delay).toBeLessThanOrEqual(Math.max(p.retryCapMs, p.retryAfterMaxMs));
        if (asked <= p.retryBaseMs) expect(delay).toBe(backoffMs(p, attempt, l, 0));
      }),
      { numRuns: 2000 },
    );
  });

  it('doubles until the cap, and the upper half is luck', () => {
    const delays = [1, 2, 3, 4, 5, 6, 7].map((attempt) => backoffMs(DEFAULT_POLICY, attempt, 0.999_999, 0));
    expect(delays).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 32_000]);
    expect(backoffMs(DEFAULT_POLICY, 4, 0, 0)).toBe(4000);
    expect(backoffMs(DEFAULT_POLICY, 4, 0.5, 0)).toBe(6000);
  });

  it('spreads attempts: equal faults at equal times do not come back together', () => {
    const delays = new Set(Array.from({ length: 100 }, (_, i) => backoffMs(DEFAULT_POLICY, 5, i / 100, 0)));
    expect(delays.size).toBe(100);
  });
});

describe('whether there is another attempt', () => {
  it('every fault that repeats comes to an end', () => {
    fc.assert(
      fc.property(policy, fc.constantFrom(...FAULT_TYPES), luck, (p, type, l) => {
        let tries = { attempt: 0, strikes: 0 };
        let retries = 0;
        for (;;) {
          const verdict = retryVerdict(p, tries, fault(type), l);
          if (verdict.type === 'giveUp') break;
          expect(verdict.attempt).toBe(tries.attempt + 1);
          tries = verdict;
          retries++;
          expect(retries).toBeLessThan(p.maxAttempts);
        }
        if (!isRetryable(fault(type))) expect(retries).toBe(0);
      }),
    );
  });

  it('wrong bytes have a budget of their own, which progress does not renew', () => {
    const wrong = fault('checksumMismatch');
    const first = retryVerdict(DEFAULT_POLICY, { attempt: 0, strikes: 0 }, wrong, 0.5);
    expect(first).toMatchObject({ type: 'retry', attempt: 1, strikes: 1 });
    expect(retryVerdict(DEFAULT_POLICY, { attempt: 0, strikes: 1 }, wrong, 0.5)).toEqual({ type: 'giveUp' });
    expect(retryVerdict(DEFAULT_POLICY, { attempt: 0, strikes: 1 }, fault('interrupted'), 0.5)).toMatchObject({
      type: 'retry',
      strikes: 1,
    });
  });

  it('waits as long as the server asks', () => {
    const busy = fault('serverError', { retryAfterMs: 120_000 });
    expect(retryVerdict(DEFAULT_POLICY, { attempt: 0, strikes: 0 }, busy, 0.5)).toMatchObject({ delayMs: 120_000 });
    const forever = fault('serverError', { retryAfterMs: 999_999_999_000 });
    expect(retryVerdict(DEFAULT_POLICY, { attempt: 0, strikes: 0 }, forever, 0.5)).toMatchObject({
      delayMs: DEFAULT_POLICY.retryAfterMaxMs,
    });
  });
});
