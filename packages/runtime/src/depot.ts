import type { DepotState, Status } from '@lading/core';
import type { Observable } from 'rxjs';
import type { Asset } from './asset.js';
import type { Export } from './export.js';
import type { Imported } from './import.js';
import type { ImportSource } from './import-source.js';
import type { Inspection } from './inspection.js';
import type { Usage } from './ports.js';
import type { PlacedEvent, Progress } from './streams.js';
import type { DepotReader } from './view.js';

/** The public face: commands that change a depot, and everything a reader may ask. */
export interface Depot extends DepotReader, AsyncDisposable {
  /**
   * Brings a voice, a bundle or a core, its cores first; resolves when it is ready. Safe to call twice. When the signal aborts, the download
   * pauses with its bytes kept and the promise rejects with the signal's reason. Throws `DownloadError`, `ChecksumError`, `ConfigurationError`.
   */
  download(id: string, options?: { readonly signal?: AbortSignal }): Promise<Asset>;
  pause(id: string): Promise<void>;
  resume(id: string): Promise<void>;
  /** Gives up a download that is not ready; what only it had brought is removed. Resolves when that is done. */
  cancel(id: string): Promise<void>;
  retry(id: string): Promise<void>;
  /** Removes a voice and the cores that nobody else needs, or (forced) a core under the voices that use it. Resolves when the files are gone. */
  delete(id: string, options?: { readonly force?: boolean }): Promise<void>;
  /** Higher goes first; 0 is usual. */
  prioritize(id: string, priority?: number): Promise<void>;
  /** Reads installed files again and compares them with what was installed. Changes nothing. */
  verify(...ids: string[]): Promise<readonly Inspection[]>;
  /** Like `verify`; what is damaged is set aside and fetched anew, file by file. Resolves when all is ready again. */
  repair(...ids: string[]): Promise<readonly Inspection[]>;
  /**
   * Stages files that somebody has already, for the cores of an id, or for what an exported archive among them names. They are matched by size and
   * digest, never by name alone; one that is none of the wanted files is refused, and nothing has changed then. `download` finds them there, proves
   * them again and installs them; what is missing it fetches. Throws `ChecksumError`, and `ConfigurationError` `coreBusy` for a core that is at work.
   */
  import(
    sources: readonly ImportSource[],
    options?: { readonly id?: string; readonly signal?: AbortSignal },
  ): Promise<Imported>;
  /** What is installed of these ids as one archive that `import` takes on another machine. Throws `ConfigurationError`, `ChecksumError`. */
  export(...ids: string[]): Promise<Export>;
  /** Removes what no record names: leftovers of crashes, older generations, quarantined files. Returns the bytes freed. */
  clean(): Promise<number>;
  /** Deletes everything that was asked for. Resolves when the files are gone. */
  clear(): Promise<void>;
  usage(): Promise<Usage>;
  readonly state$: Observable<DepotState>;
  readonly events$: Observable<PlacedEvent>;
  status$(id: string): Observable<Status>;
  progress$(id: string): Observable<Progress>;
  /** `status$` for those who would rather iterate; gives the newest value each time. */
  watch(id: string, signal?: AbortSignal): AsyncIterable<Status>;
  /** `status$` for those who would rather be called; returns how to stop. */
  onStatus(id: string, listener: (status: Status) => void): () => void;
  /** Lets running transfers make their last bytes durable, then lets go of the depot. */
  close(): Promise<void>;
}
