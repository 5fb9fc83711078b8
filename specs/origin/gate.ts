/** A closed gate in the way of a reply: the test learns that the origin stands before it and decides when it goes on. */
export interface Gate {
  /** Resolves when the first reply has come to the gate. */
  readonly reached: Promise<void>;
  /** Resolves when the gate is open. */
  readonly opened: Promise<void>;
  /** Lets every reply through that waits or will ever come; a gate does not close again. */
  open(): void;
  /** Called by the origin. */
  reach(): void;
}

export function closedGate(): Gate {
  let reach!: () => void;
  let open!: () => void;
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { reached, opened, open, reach };
}
