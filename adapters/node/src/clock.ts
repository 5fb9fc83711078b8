import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '@lading/runtime';

/** The longest that one timer can count; told more, it rings at once. Milliseconds. */
const TIMER_MS = 2 ** 31 - 1;

/** The machine's clocks. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  wait: async (ms, signal) => {
    signal.throwIfAborted();
    const dueMs = performance.now() + ms;
    let leftMs = ms;
    try {
      // A timer counts whole milliseconds and may ring a part of one early: whatever is left is waited for too.
      do {
        await sleep(Math.min(Math.ceil(leftMs), TIMER_MS), undefined, { signal });
        leftMs = dueMs - performance.now();
      } while (leftMs > 0);
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    }
  },
};
