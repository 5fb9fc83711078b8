import type { LadingEvent } from '@lading/core';

/**
 * Who wants to hear of what, by key. A listener is called once, when any of its keys is woken, and has to ask again: whoever knows already that
 * something changed is not told again before he has looked, so that a busy key costs nothing but the first time.
 */
export class Signals {
  private readonly listeners = new Map<string, Set<Listener>>();

  /** Calls back at the next change of any of the keys, once. Returns how to stop. */
  once(keys: readonly string[], call: () => void): () => void {
    const listener: Listener = { keys, call, isOver: false };
    for (const key of listener.keys) {
      const set = this.listeners.get(key);
      if (set === undefined) this.listeners.set(key, new Set([listener]));
      else set.add(listener);
    }
    return () => {
      listener.isOver = true;
      this.drop(listener);
    };
  }

  private drop(listener: Listener): void {
    for (const key of listener.keys) {
      const set = this.listeners.get(key);
      set?.delete(listener);
      if (set?.size === 0) this.listeners.delete(key);
    }
  }

  wakeAll(): void {
    this.wake([...this.listeners.keys()]);
  }

  /** Calls each listener once, whichever of the keys it listens to. */
  wake(keys: Iterable<string>): void {
    const due: Listener[] = [];
    for (const key of keys) {
      for (const listener of this.listeners.get(key) ?? []) {
        due.push(listener);
        this.drop(listener);
      }
    }
    // One who is called may stop another.
    for (const listener of due) if (!listener.isOver) listener.call();
  }
}

interface Listener {
  readonly keys: readonly string[];
  readonly call: () => void;
  isOver: boolean;
}

/** Key under which the whole depot is listened to. */
export const EVERYTHING = '*';

/** Key of how far a core has come. Bytes change much more often than anything else, and those who wait for an end need not hear of them. */
export const bytesOf = (core: string): string => `bytes of ${core}`;

/** What a record changes, for those who listen. */
export function keysOfRecord(events: readonly LadingEvent[]): Set<string> {
  const keys = new Set([EVERYTHING]);
  for (const event of events) {
    if (event.type === 'CoreCheckpointed') keys.add(bytesOf(event.core));
    else if ('voice' in event) keys.add(event.voice);
    else if ('core' in event) keys.add(event.core);
  }
  return keys;
}
