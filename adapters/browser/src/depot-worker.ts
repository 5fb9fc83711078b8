import { Owner } from './owner.js';

/** The worker that owns a depot: only dedicated workers may open files for writing. It takes one `open`, and ends with `close`. */
declare const self: {
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(message: unknown): void;
};

const owner = new Owner((message) => self.postMessage(message));
self.onmessage = (event) => owner.hear(event.data);
