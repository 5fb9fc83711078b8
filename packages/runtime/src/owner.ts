import type { Command, Refusal } from '@lading/core';
import type { Export } from './export.js';
import type { Imported } from './import.js';
import type { ImportSource } from './import-source.js';
import type { Inspection } from './inspection.js';
import type { Usage } from './ports.js';

/** Who may change a depot, as its face needs it: in this process, or behind a channel in another one. */
export interface Owner {
  /** Resolves with null when the command's record is durable, or with the refusal. */
  command(command: Command): Promise<Refusal | null>;
  /** Reads the installed files of these cores again. Changes nothing. */
  verify(cores: readonly string[]): Promise<readonly Inspection[]>;
  /** Takes what was found damaged out of use; its good files are kept for the next download. */
  setAside(damaged: readonly Inspection[]): Promise<void>;
  /** Stages files that somebody has for these cores. Those that are none of theirs are refused, and nothing has changed then. */
  import(
    cores: readonly string[],
    sources: readonly ImportSource[],
    signal?: AbortSignal,
  ): Promise<Omit<Imported, 'ids'>>;
  /** The installed files of these cores as one archive. */
  export(ids: readonly string[], cores: readonly string[]): Promise<Export>;
  /** Removes what no record names. Returns the bytes freed. */
  clean(): Promise<number>;
  usage(): Promise<Usage>;
  /** Lets go. */
  close(): Promise<void>;
}
