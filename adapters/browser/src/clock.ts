import type { Clock } from '@lading/runtime';

/** The longest that one timer can count; told more, it rings at once. Milliseconds. */
const TIMER_MS = 2 ** 31 - 1;

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const giveUp = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', giveUp);
      resolve();
    }, ms);
    signal.addEventListener('abort', giveUp, { once: true });
  });
}

/** The browser's clocks. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  wait: async (ms, signal) => {
    signal.throwIfAborted();
    const dueMs = performance.now() + ms;
    let leftMs = ms;
    // A timer counts whole milliseconds and may ring a part of one early: whatever is left is waited for too.
    do {
      await sleep(Math.min(Math.ceil(leftMs), TIMER_MS), signal);
      leftMs = dueMs - performance.now();
    } while (leftMs > 0);
  },
};
