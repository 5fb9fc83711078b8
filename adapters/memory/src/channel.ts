import type { Channel } from '@lading/runtime';
import type { MemoryProcess } from './process.js';

/** Every word reaches every other end that listens, in the order of its speaker, as a copy: as with a BroadcastChannel. */
export class MemoryChannels {
  private readonly ends = new Set<End>();

  /** One process's end. Dead processes neither speak nor hear. */
  open(process: MemoryProcess): Channel {
    const end = new End(process, this.ends);
    this.ends.add(end);
    return end;
  }
}

class End implements Channel {
  private readonly listeners = new Set<(word: unknown) => void>();

  constructor(
    private readonly process: MemoryProcess,
    private readonly ends: Set<End>,
  ) {}

  post(word: unknown): void {
    if (!this.process.isAlive) return;
    for (const end of this.ends) if (end !== this) end.receive(structuredClone(word));
  }

  private receive(word: unknown): void {
    queueMicrotask(() => {
      if (this.process.isAlive) for (const listener of this.listeners) listener(word);
    });
  }

  listen(listener: (word: unknown) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  close(): void {
    this.ends.delete(this);
    this.listeners.clear();
  }
}
