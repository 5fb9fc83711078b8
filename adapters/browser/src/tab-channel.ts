import type { Channel } from '@lading/runtime';

/** The name of the channel on which all tabs of a site speak of one depot. */
export const channelName = (depot: string): string => `lading:channel:v1:${depot}`;

/** The channel of all tabs. A page that sleeps leaves it, because one that listens is not kept in the back/forward cache. */
export class TabChannel implements Channel {
  private channel: BroadcastChannel | null;
  private readonly listeners = new Set<(word: unknown) => void>();

  constructor(private readonly depot: string) {
    this.channel = this.open();
  }

  private open(): BroadcastChannel {
    const channel = new BroadcastChannel(channelName(this.depot));
    channel.onmessage = ({ data }) => {
      for (const listener of this.listeners) listener(data);
    };
    return channel;
  }

  post(word: unknown): void {
    this.channel?.postMessage(word);
  }

  listen(listener: (word: unknown) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Nothing is heard or said until `wake`. */
  sleep(): void {
    this.channel?.close();
    this.channel = null;
  }

  wake(): void {
    this.channel ??= this.open();
  }

  close(): void {
    this.sleep();
    this.listeners.clear();
  }
}
