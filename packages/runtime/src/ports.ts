import type { ExtractType, InstalledFile, LadingEvent, Range, Ranges, StateImage } from '@lading/core';

/**
 * What the runtime asks of a platform. Small, and in words that files, OPFS and a simulated disk all know: no descriptor, no path, no stream
 * class. Bytes are `Uint8Array`, places are a core and a name. An adapter never retries on its own; it throws `FaultError` and is asked again.
 */
export interface Ports {
  readonly fetcher: Fetcher;
  readonly store: Store;
  readonly journal: Journal;
  readonly lease: Lease;
  readonly clock: Clock;
  /** A number in [0, 1). */
  readonly luck: () => number;
}

export interface FetchRequest {
  /** Absolute URL of a source. Redirects are the adapter's, under the rules of the design. */
  readonly url: string;
  /** First byte wanted, as one `Range` (RFC 9110 §14.2); null for a plain GET. */
  readonly from: number | null;
  /** The byte behind the last one wanted; without it the range is open-ended. Only with `from`. */
  readonly to?: number;
  /** Validator for `If-Range` (RFC 9110 §13.1.5); only with `from`. */
  readonly ifRange: string | null;
  /** Asks caches on the way to fetch anew (RFC 9111 §5.2.1.4). */
  readonly isFresh: boolean;
}

export interface FetchResponse {
  readonly status: number;
  /** Lower-case names; repeated headers joined by ", ". */
  readonly headers: Readonly<Record<string, string>>;
  /** The bytes as sent, not decoded. A chunk is the reader's until he hands it to `StagedFile.write`. Throws `FaultError`. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Requests that it took, redirects included; one if it is not said. */
  readonly requests?: number;
  /** Headers of the last redirect that the asked origin itself sent: a hub says there what it leads to. A browser does not tell. */
  readonly redirect?: Readonly<Record<string, string>>;
}

export interface Fetcher {
  /** True where even the first request must carry a range, because only then a browser asks for identity encoding. */
  readonly isRangeFirst: boolean;
  /** Requests that one file may have under way at once; one if it is not said. */
  readonly connections?: number;
  /** Resolves with the head of the final response. The signal ends the request and the body. Throws `FaultError`. */
  fetch(request: FetchRequest, signal: AbortSignal): Promise<FetchResponse>;
  /** Removes from remote text what must never be shown or stored: a server may send back the token it was given. */
  readonly redact?: (text: string) => string;
}

export type DigestAlgorithm = 'sha256' | 'sha1' | 'md5' | 'gitBlob';

/**
 * One file that is being staged, written anywhere and in any order. Hashes what it holds behind the first hole, so that no second reading is
 * needed where bytes come in order.
 */
export interface StagedFile {
  /** Bytes held from the start, without a hole. */
  readonly bytes: number;
  /** All that is held. After a failed write, what of it went in. */
  readonly held: Ranges;
  /** Whether what is stored is found by the next `stage`, should this program die before a sync and the machine go on. Nothing is known of a power cut. */
  readonly survivesExit: boolean;
  /**
   * Takes a chunk, which is the file's from now on and whose memory may be used again once it is stored, at an offset or behind `bytes`. Resolves
   * when another may come: what went wrong with it may be told by a later write. After a failed write there is no other. Throws `FaultError` (`noSpace`, `filePermissions`).
   */
  write(chunk: Uint8Array, at?: number): Promise<void>;
  /** Resolves with what survives a power cut: at least what had been taken. A failed sync poisons the file: it is never tried twice. */
  sync(): Promise<Ranges>;
  /** What it holds of a range is void: it will be written again, or never. */
  drop(range: Range): Promise<void>;
  /** Drops everything. */
  reset(): Promise<void>;
  /** Hex sha256 of a range that is held, read from where it is stored. */
  sha256(range: Range): Promise<string>;
  /** Hex digests of all bytes held, which have no hole, of the algorithms it was opened with. Throws what a write could not do. */
  digests(): Promise<Partial<Record<DigestAlgorithm, string>>>;
  close(): Promise<void>;
}

export interface StageOptions {
  /**
   * Bytes to keep from the start; those kept are read again for the digest. More are cut off, but for what a program that died is known to have
   * stored: that is held too, and not durable yet.
   */
  readonly bytes: number;
  /** Ranges to keep beyond them. */
  readonly spans?: Ranges;
  /** Declared size, bytes: a git blob's digest begins with it. */
  readonly sizeBytes: number;
  readonly algorithms: readonly DigestAlgorithm[];
  /** A digest will tell whether the whole is right: without one, nothing counts that was not synced. */
  readonly hasDigest?: boolean;
}

export interface ExtractOptions {
  readonly file: string;
  readonly generation: string;
  readonly extractType: ExtractType;
  readonly stripComponents: number;
  readonly maxBytes: number;
  readonly maxFiles: number;
}

export interface Usage {
  /** Bytes on disk per core, installed. */
  readonly cores: Readonly<Record<string, number>>;
  /** Bytes of staged, not yet verified files per core. */
  readonly staging: Readonly<Record<string, number>>;
  /** Journal, snapshot, lease and what belongs to nobody. */
  readonly otherBytes: number;
}

/** A proven file on the disk: of a final generation, or (null) one that is staged still. */
export interface Resident {
  readonly core: string;
  readonly generation: string | null;
  readonly file: string;
}

/** The place of the bytes: staging and the installed generations. */
export interface Store {
  /**
   * Brings back to staging what an interrupted publish had moved of the named files, removes other generations than `keep`, and tells the
   * length of each staged file.
   */
  reclaim(core: string, keep: string | null, files: readonly string[]): Promise<Readonly<Record<string, number>>>;
  stage(core: string, file: string, options: StageOptions): Promise<StagedFile>;
  /**
   * Stages a file as a link to a proven one, or as a copy of it; its bytes are durable, its name need not be. Takes the place of what is staged
   * under that name. Resolves with its length in bytes, or with null if there is no such file: then nothing has changed.
   */
  adopt(core: string, file: string, from: Resident): Promise<number | null>;
  /** Drops what is staged for a core. */
  discard(core: string): Promise<void>;
  /** Unpacks a staged archive into a generation that is not final. Regular files and folders only, bounded. Throws `FaultError`. */
  extract(core: string, options: ExtractOptions, signal: AbortSignal): Promise<readonly InstalledFile[]>;
  /** Makes a generation final and durable: of the named staged files, or (null) of what was extracted into it. */
  publish(core: string, generation: string, files: readonly string[] | null): Promise<void>;
  /** The lengths of those of some files that a final generation has; none if there is none of that name. */
  sizes(core: string, generation: string, files: readonly string[]): Promise<Readonly<Record<string, number>>>;
  /** The final generations of a core. */
  generations(core: string): Promise<readonly string[]>;
  /** Removes generations except one, and what is staged. What was set aside as damaged stays unless it is to be dropped. */
  sweep(core: string, keep: string | null, quarantine?: 'keep' | 'drop'): Promise<void>;
  /** Removes all of a core. */
  remove(core: string): Promise<void>;
  /** Cores that have anything on disk. */
  residents(): Promise<readonly string[]>;
  /** Size and sha256 of an installed file, or of a range of it, read from the disk; null if it is not there. */
  inspect(core: string, generation: string, file: string, range?: Range): Promise<InstalledFile | null>;
  /** The bytes of an installed file. Throws `FaultError` (`storageError`) if it is not there. */
  read(core: string, generation: string, file: string): AsyncIterable<Uint8Array>;
  /**
   * Takes a generation out of use: the named good files go back to staging, the rest is set aside, not deleted. Of files that are good in parts
   * a copy goes to staging.
   */
  quarantine(
    core: string,
    generation: string,
    goodFiles: readonly string[],
    partFiles?: readonly string[],
  ): Promise<void>;
  /** Where an engine finds an installed file: a path, or what the platform has instead. */
  locate(core: string, generation: string, file: string): string;
  /** Free bytes, or null if the platform does not tell. */
  freeBytes(): Promise<number | null>;
  usage(): Promise<Usage>;
}

/** One input's events: appended as a whole or not at all. */
export interface JournalRecord {
  readonly v: 1;
  /** Events before this record since the depot began. */
  readonly from: number;
  /** Fence: the epoch of the lease it was written under. */
  readonly epoch: number;
  /** Wall clock, milliseconds since 1970. */
  readonly at: number;
  readonly events: readonly LadingEvent[];
}

export interface JournalImage {
  readonly snapshot: StateImage | null;
  /** Records from the snapshot on, or from the beginning. */
  readonly records: readonly JournalRecord[];
}

export interface Journal {
  /** Reads what is there. A torn tail is cut (when writing) or passed over (when only reading); a torn middle throws. */
  load(): Promise<JournalImage>;
  /** Resolves when all records are durable. After an error nothing of them counts, and nothing more may be appended. */
  append(records: readonly JournalRecord[]): Promise<void>;
  /** Stores a snapshot; records before it may go. */
  compact(snapshot: StateImage): Promise<void>;
  close(): Promise<void>;
}

export interface HeldLease {
  /** Higher than that of a dead owner it takes over from. Opening takes the maximum of it and the journal's, which never falls. */
  readonly epoch: number;
  release(): Promise<void>;
}

export interface Lease {
  /** Becomes the depot's one owner, or throws a `FaultError` of type `leaseHeld` that says who is. */
  acquire(): Promise<HeldLease>;
}

export interface Clock {
  /** Wall clock, milliseconds since 1970. */
  now(): number;
  /** Never goes back; milliseconds from an arbitrary zero. */
  monotonicMs(): number;
  /** Resolves after `ms`, or rejects with the signal's reason. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}
