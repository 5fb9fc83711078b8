/** Where the owner of a depot and its guests speak: every word reaches everybody else, in the order of its speaker. */
export interface Channel {
  /** Structured data only. Words spoken before somebody listens are lost to him. */
  post(word: unknown): void;
  /** Returns how to stop. */
  listen(listener: (word: unknown) => void): () => void;
  close(): void;
}
