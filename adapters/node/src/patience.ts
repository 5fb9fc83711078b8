/** Pauses between two tries: short at first, because most of what passes is over at once; milliseconds. */
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 100;
/** Whatever has not passed by then does not pass; milliseconds. */
const PATIENCE_MS = 60_000;

/** How time goes by. */
export interface Pace {
  readonly now: () => number;
  readonly pause: (ms: number) => Promise<void>;
}

const REAL: Pace = {
  now: () => performance.now(),
  pause: (ms) =>
    new Promise((resolve) => {
      setTimeout(resolve, ms);
    }),
};

/** Does the work again while what goes wrong with it passes by itself, for a minute; then the error stands. The work must bear being done again. */
export async function patiently<T>(
  passes: (error: unknown) => boolean,
  work: () => Promise<T>,
  { now, pause }: Pace = REAL,
): Promise<T> {
  const end = now() + PATIENCE_MS;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(LONGEST_PAUSE_MS, pauseMs * 2)) {
    try {
      return await work();
    } catch (error) {
      if (!passes(error) || now() + pauseMs > end) throw error;
      await pause(pauseMs);
    }
  }
}
