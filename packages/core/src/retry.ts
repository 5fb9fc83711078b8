import { type Fault, isRetryable, isWrongBytes } from './fault.js';
import type { Policy } from './policy.js';

/**
 * The delay before attempt `attempt` (counted from 1), in milliseconds: exponential, `min(cap, base * 2^(attempt-1))`, of which the upper half
 * is jitter; always within [base, cap], and never before the server's `Retry-After` (RFC 9110 §10.2.3), which may exceed the cap.
 */
export function backoffMs(policy: Policy, attempt: number, luck: number, retryAfterMs: number): number {
  const ceiling = Math.min(policy.retryCapMs, policy.retryBaseMs * 2 ** Math.max(0, attempt - 1));
  const jittered = Math.max(policy.retryBaseMs, ceiling / 2 + (luck * ceiling) / 2);
  return Math.round(Math.max(Math.min(policy.retryCapMs, jittered), Math.min(retryAfterMs, policy.retryAfterMaxMs)));
}

/** Six attempts of so many requests are the most that a source which never works is asked. */
const REQUESTS_PER_ATTEMPT = 4;

export type RetryVerdict =
  | { readonly type: 'retry'; readonly attempt: number; readonly strikes: number; readonly delayMs: number }
  | { readonly type: 'giveUp' };

/**
 * Whether a core is tried again. Two budgets: attempts that brought nothing, which progress resets, and strikes for whole bytes that were
 * wrong, which nothing resets: otherwise a bad source could be downloaded for ever.
 */
export function retryVerdict(
  policy: Policy,
  tries: { attempt: number; strikes: number },
  fault: Fault,
  luck: number,
): RetryVerdict {
  if (!isRetryable(fault)) return { type: 'giveUp' };
  // An attempt that took many requests, because every one of them was redirected, counts as several; one that asked nobody as none.
  const attempt = tries.attempt + Math.ceil((fault.requests ?? 1) / REQUESTS_PER_ATTEMPT);
  const strikes = tries.strikes + (isWrongBytes(fault) ? 1 : 0);
  if (attempt >= policy.maxAttempts || strikes >= policy.maxStrikes) return { type: 'giveUp' };
  return { type: 'retry', attempt, strikes, delayMs: backoffMs(policy, attempt, luck, fault.retryAfterMs ?? 0) };
}
