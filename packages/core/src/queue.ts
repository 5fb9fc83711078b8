import { coreIn, type DepotState } from './state.js';

/**
 * The next core to start, or null. Higher priority first, then whoever queued first. A core that comes back from a backoff queues anew, at
 * the end, so that one bad source cannot hold a slot against the others. Single flight is the machine's: a core is queued once.
 */
export function nextInQueue(state: DepotState): string | null {
  let best: { id: string; priority: number; order: number } | null = null;
  for (const id of state.queued.keys()) {
    const { priority, order } = coreIn(state, id).context;
    if (best === null || priority > best.priority || (priority === best.priority && order < best.order))
      best = { id, priority, order };
  }
  return best?.id ?? null;
}

/** Cores in the order in which they will start. */
export function queueOf(state: DepotState): readonly string[] {
  const place = (id: string) => coreIn(state, id).context;
  return [...state.queued.keys()].sort(
    (a, b) => place(b).priority - place(a).priority || place(a).order - place(b).order,
  );
}
