import type { LadingEvent } from '@lading/core';

/** Listeners by key: a change wakes those who listen to what changed, and nobody else. */
export class Signals {
  private readonly listeners = new Map<string, Set<() => void>>();

  listen(keys: Iterable<string>, listener: () => void): () => void {
    const mine = [...new Set(keys)];
    for (const key of mine) {
      const set = this.listeners.get(key) ?? new Set();
      set.add(listener);
      this.listeners.set(key, set);
    }
    return () => {
      for (const key of mine) {
        const set = this.listeners.get(key);
        set?.delete(listener);
        if (set?.size === 0) this.listeners.delete(key);
      }
    };
  }

  /** Calls every listener once. */
  wakeAll(): void {
    this.wake(this.listeners.keys());
  }

  /** Calls each listener once, whichever of the keys it listens to. */
  wake(keys: Iterable<string>): void {
    const due = new Set<() => void>();
    for (const key of keys) for (const listener of this.listeners.get(key) ?? []) due.add(listener);
    for (const listener of due) listener();
  }
}

/** Ids that a record touches, for those who listen. */
export function keysOfEvent(event: LadingEvent): readonly string[] {
  if (event.type === 'Woken') return [];
  return 'voice' in event ? [event.voice] : [event.core];
}
