/**
 * What may turn red. `worlds` are simulated depots under all laws, and the seeds that once broke one; `laws/NAME` is a spec of laws that need no
 * random world, `scenarios/NAME` one that plays a story; `memory/PORT` and `node/PORT` are the conformance suite of one port.
 */
export type Suite =
  | 'worlds'
  | `laws/${string}`
  | `scenarios/${string}`
  | `${'memory' | 'node'}/${'store' | 'journal' | 'lease' | 'fetcher'}`;

/** One thing that the code does so that a promise holds, and the patch that stops it doing so. */
export interface Safeguard {
  /** Short, and never used again for another. */
  readonly id: string;
  /** What it protects: a sentence. */
  readonly protects: string;
  /** From the root of the repository. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  /** What stands there when the safeguard is gone. It compiles. */
  readonly replace: string;
  /** Runs in a worker thread, which is started from what was compiled. */
  readonly isInWorker?: true;
  /** Where to look, the cheapest first. */
  readonly suites: readonly Suite[];
  /** Why nothing can turn red: another safeguard, which is listed too, holds the same. */
  readonly survives?: string;
}

/** A safeguard as it is written down: those of one place share their suites. */
export type Sketch = Omit<Safeguard, 'file' | 'suites'> & { readonly suites?: readonly Suite[] };

/** The safeguards of one file. */
export function inFile(file: string, suites: readonly Suite[], sketches: readonly Sketch[]): readonly Safeguard[] {
  return sketches.map((sketch) => ({ suites, ...sketch, file }));
}

/** Those of a file that workers run. */
export function inWorker(file: string, suites: readonly Suite[], sketches: readonly Sketch[]): readonly Safeguard[] {
  return inFile(file, suites, sketches).map((safeguard) => ({ ...safeguard, isInWorker: true }));
}
