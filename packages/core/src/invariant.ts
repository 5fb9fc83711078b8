/** Something that our own code promised did not hold. A bug, never a fault of the world. */
export class BugError extends Error {
  override readonly name = 'BugError';
}

/** The only `throw` in core: states what must be true at this line. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new BugError(message);
}
