/** The numbers that `decide` goes by. What it decided is written into the event, so a new policy never rewrites an old history. */
export interface Policy {
  /** Cores that may be in work at once; 0 holds everything in the queue. */
  readonly slots: number;
  /** First delay of the backoff, milliseconds. */
  readonly retryBaseMs: number;
  /** Longest delay of the backoff, milliseconds. */
  readonly retryCapMs: number;
  /** Longest `Retry-After` (RFC 9110 §10.2.3) that is honoured, milliseconds. */
  readonly retryAfterMaxMs: number;
  /** Attempts in a row that bring nothing new before a core has failed. */
  readonly maxAttempts: number;
  /** Times whole, well-transported bytes may turn out wrong before a core has failed; progress does not reset it. */
  readonly maxStrikes: number;
  /** New bytes that count as progress, at most; a hundredth of the core if that is less. */
  readonly progressBytes: number;
}

export const DEFAULT_POLICY: Policy = {
  slots: 3,
  retryBaseMs: 1_000,
  retryCapMs: 32_000,
  retryAfterMaxMs: 600_000,
  maxAttempts: 6,
  maxStrikes: 2,
  progressBytes: 64 * 1024,
};
