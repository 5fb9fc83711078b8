import { isRetryable, isWrongBytes } from '@lading/core';
import { eventsOf, hygiene, type RecordLaw } from './record-law.js';

/** How often, and not before when. */
export const RETRY_LAWS: readonly RecordLaw[] = [
  hygiene('nobody comes back before Retry-After', ({ retryAfterMaxMs }) => ({ record }) => {
    const early = eventsOf(record.events, 'RetryScheduled').find(
      ({ at, fault }) => at - record.at < Math.min(fault.retryAfterMs ?? 0, retryAfterMaxMs),
    );
    return early === undefined
      ? null
      : `${early.core} comes back after ${early.at - record.at} ms, asked for were ${early.fault.retryAfterMs}`;
  }),

  hygiene('attempts that bring nothing are bounded', ({ maxAttempts }) => {
    const inARow = new Map<string, number>();
    return ({ record, before }) => {
      for (const event of record.events) {
        if (event.type === 'CoreCheckpointed' && event.isProgress) inARow.delete(event.core);
        if (event.type === 'CoreQueued' && before.cores.get(event.core)?.phase !== 'backingOff')
          inARow.delete(event.core);
        // Who found a server that asks to be left alone has asked nobody.
        if (event.type !== 'RetryScheduled' || event.fault.requests === 0) continue;
        const count = (inARow.get(event.core) ?? 0) + 1;
        inARow.set(event.core, count);
        if (count >= maxAttempts)
          return `${event.core} is to be tried a ${count + 1}th time, allowed are ${maxAttempts}`;
      }
      return null;
    };
  }),

  hygiene('wrong bytes are fetched a bounded number of times', ({ maxStrikes }) => {
    const strikes = new Map<string, number>();
    return ({ record }) => {
      for (const event of record.events) {
        if (event.type === 'CoreInstalled' || event.type === 'CoreFailed') strikes.delete(event.core);
        // Another person's wish, or another version, is another matter.
        if (event.type === 'CorePaused' || event.type === 'CoreCancelled' || event.type === 'CoreDeleted')
          strikes.delete(event.core);
        if (event.type === 'CoreStarted' && !event.keepsStaged) strikes.delete(event.core);
        if (event.type !== 'RetryScheduled' || !isWrongBytes(event.fault)) continue;
        const count = (strikes.get(event.core) ?? 0) + 1;
        strikes.set(event.core, count);
        if (count >= maxStrikes) return `${event.core} brought wrong bytes ${count} times and is tried again`;
      }
      return null;
    };
  }),

  hygiene('a fault that repetition cannot mend is not repeated', () => ({ record }) => {
    const vain = eventsOf(record.events, 'RetryScheduled').find(({ fault }) => !isRetryable(fault));
    return vain === undefined ? null : `${vain.core} is tried again after ${vain.fault.type} ${vain.fault.detail}`;
  }),
];
