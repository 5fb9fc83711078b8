import { Candidate } from './candidate.js';

/** The worker that may own a depot: only dedicated workers may open files for writing. It takes one `open`, and ends with `close`. */
declare const self: {
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(message: unknown): void;
};

const candidate = new Candidate((message) => self.postMessage(message));
self.onmessage = (event) => candidate.hear(event.data);
