import { setImmediate as turn } from 'node:timers/promises';

/** How long calls that the system answers at once may keep everybody else waiting, milliseconds. */
const LONGEST_MS = 8;

let lastTurnMs = 0;

/**
 * Between two of many calls that are made at once, because a turn of the thread pool would cost ten times as much as each: lets others have
 * their turn when it is time.
 */
export async function breath(): Promise<void> {
  if (performance.now() - lastTurnMs < LONGEST_MS) return;
  await turn();
  lastTurnMs = performance.now();
}
