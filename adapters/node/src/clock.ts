import type { Clock } from '@lading/runtime';

/** The longest that one timer can count; told more, it rings at once. Milliseconds. */
const TIMER_MS = 2 ** 31 - 1;

/** The machine's clocks. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  // By a timer of its own: what makes a promise of one makes an error, with its stack, of each that is given up, and every request gives one up.
  wait: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const dueMs = performance.now() + ms;
      let timer: NodeJS.Timeout;
      const leave = (): void => {
        clearTimeout(timer);
        reject(signal.reason);
      };
      // A timer counts whole milliseconds and may ring a part of one early: whatever is left is waited for too.
      const set = (leftMs: number): void => {
        timer = setTimeout(ring, Math.min(Math.ceil(leftMs), TIMER_MS));
      };
      const ring = (): void => {
        const leftMs = dueMs - performance.now();
        if (leftMs > 0) return set(leftMs);
        signal.removeEventListener('abort', leave);
        resolve();
      };
      signal.addEventListener('abort', leave, { once: true });
      set(ms);
    }),
};
