/**
 * What entering a phase asks the world to do, as data. Every effect carries the ticket of its phase; a report that comes back under an older
 * ticket is dropped. At most one job per core runs at a time: the runtime ends the old one before it starts the next.
 */
export type Effect =
  /** Look at what is staged, check space. Reports `prepared`. */
  | { readonly type: 'prepare'; readonly core: string; readonly ticket: number }
  /** Fetch what is missing. Reports `checkpointed` and `downloaded`. */
  | { readonly type: 'transfer'; readonly core: string; readonly ticket: number }
  /** Prove size and digest of every staged file. Reports `verified`. */
  | { readonly type: 'verify'; readonly core: string; readonly ticket: number }
  /** Unpack the archive beside the final place. Reports `extracted`. */
  | { readonly type: 'extract'; readonly core: string; readonly ticket: number }
  /** Move the files under their final name, durably. Reports `installed`. */
  | { readonly type: 'publish'; readonly core: string; readonly ticket: number }
  /** End the job, keep what is staged. Reports nothing. */
  | { readonly type: 'stop'; readonly core: string; readonly ticket: number }
  /** End the job, drop what is staged. Reports `discarded`. */
  | { readonly type: 'discard'; readonly core: string; readonly ticket: number }
  /** Remove everything the core has on disk. Reports `removed`. */
  | { readonly type: 'remove'; readonly core: string; readonly ticket: number }
  /** Remove generations that are no longer named and leftovers of staging. Reports nothing. */
  | { readonly type: 'sweep'; readonly core: string; readonly ticket: number }
  /** Report `due` at this wall-clock time. */
  | { readonly type: 'wake'; readonly core: string; readonly ticket: number; readonly at: number };

export type EffectType = Effect['type'];
