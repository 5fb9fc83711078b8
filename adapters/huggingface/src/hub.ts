import {
  type Catalog,
  type DownloadError,
  type Fault,
  LIMITS,
  type ManifestReading,
  readJson,
  readManifest,
  readManifestValue,
  type UrlRules,
} from '@lading/core';
import { type Clock, DEFAULT_STALL_MS, FaultError, type Fetcher, type Hub } from '@lading/runtime';
import { HubAddress } from './address.js';
import { HubApi, type Patience } from './api.js';
import { type CacheFiles, HubCache } from './cache.js';
import { CachedFetcher } from './cached-fetcher.js';
import { hubError } from './hub-error.js';
import { Listings } from './listing.js';
import { type FilePlace, placesIn, rewritten, without, withUrls } from './manifest-references.js';
import { isCommit, type Reference, textOf } from './reference.js';
import type { TreeEntry } from './tree.js';

export interface HuggingFaceOptions extends Partial<Patience> {
  readonly clock: Clock;
  /** Address of the hub; default the public one. */
  readonly endpoint?: string;
  /** The cache of the hub's own programs on this machine. */
  readonly cache?: { readonly dir: string; readonly files: CacheFiles };
  /**
   * What becomes of a file whose size neither the manifest nor the hub tells: its error is thrown, or it is left out of the manifest with all
   * that needs it, and `leftOut` says why.
   */
  readonly unresolved?: 'throw' | 'leaveOut';
}

/** What a reference was resolved to. */
export interface Pin {
  readonly reference: string;
  readonly url: string;
  /** Null if the hub could not be asked: then nothing but the manifest's digest says which file it is. */
  readonly commit: string | null;
  /** Why it is not pinned, or in what the hub and the manifest disagree. */
  readonly fault: Fault | null;
}

interface Resolved {
  readonly urls: ReadonlyMap<string, string>;
  readonly entry: TreeEntry | null;
  readonly error: DownloadError | null;
}

const isDigest = (value: unknown): boolean => typeof value === 'string';
const hasDigest = ({ entry }: FilePlace): boolean =>
  [entry.sha256, entry.sha1, entry.md5, entry.gitBlob].some(isDigest);

/** The Hugging Face hub: `hf://` references in manifests, and the copies of its files that are on this machine. */
export class HuggingFace implements Hub {
  private readonly address: HubAddress;
  private readonly patience: Patience;
  private readonly listings = new WeakMap<Fetcher, Listings>();
  private readonly resolved: Pin[] = [];
  private readonly missing = new Map<string, DownloadError>();

  constructor(private readonly options: HuggingFaceOptions) {
    this.address = new HubAddress(options.endpoint);
    this.patience = {
      attempts: options.attempts ?? 3,
      retryBaseMs: options.retryBaseMs ?? 1_000,
      stallMs: options.stallMs ?? DEFAULT_STALL_MS,
      ...(options.onWait === undefined ? {} : { onWait: options.onWait }),
    };
  }

  /** Every reference of the manifests that were read. */
  get pins(): readonly Pin[] {
    return this.resolved;
  }

  /** Ids of the cores, voices and bundles that were left out, and why. */
  get leftOut(): ReadonlyMap<string, DownloadError> {
    return this.missing;
  }

  async readManifest(text: string, rules: UrlRules, fetcher: Fetcher): Promise<ManifestReading> {
    const json = text.length > LIMITS.manifestBytes ? null : readJson(text);
    if (json?.ok !== true) return readManifest(text, rules);
    const { places, defects } = placesIn(json.value);
    if (places.length === 0 && defects.length === 0) return readManifestValue(json.value, rules);
    // Judged with what is unknown left open first: a manifest that is refused causes no request.
    const draft = readManifestValue(this.drafted(json.value), rules);
    if (!draft.ok || defects.length > 0)
      return { ok: false, defects: [...defects, ...(draft.ok ? [] : draft.defects)] };
    return readManifestValue(await this.pinned(json.value, places, fetcher), rules);
  }

  fetcherFor(catalog: Catalog, fetcher: Fetcher): Fetcher {
    const { cache } = this.options;
    if (cache === undefined) return fetcher;
    return new CachedFetcher(fetcher, new HubCache(cache.files, cache.dir), catalog, this.address);
  }

  private drafted(manifest: unknown): unknown {
    const urlOf = (reference: Reference) => this.address.fileUrl(reference, reference.revision);
    const { places } = placesIn(manifest);
    return rewritten(manifest, (entry, core, file) => {
      const isPlace = places.some((place) => place.core === core && place.file === file);
      const changed = withUrls(entry, urlOf);
      return isPlace && entry.sizeBytes === undefined ? { ...changed, sizeBytes: 0 } : changed;
    });
  }

  private async pinned(manifest: unknown, places: readonly FilePlace[], fetcher: Fetcher): Promise<unknown> {
    const known = this.listings.get(fetcher) ?? this.listingsOf(fetcher);
    const outcomes = new Map<string, Resolved>();
    const errors = new Map<number, DownloadError>();
    for (const place of places) {
      const outcome = await this.resolve(place, known);
      outcomes.set(`${place.core}/${place.file}`, outcome);
      if (outcome.error === null) continue;
      if (this.options.unresolved !== 'leaveOut') throw outcome.error;
      if (!errors.has(place.core)) errors.set(place.core, outcome.error);
    }
    const changed = rewritten(manifest, (entry, core, file) => {
      const outcome = outcomes.get(`${core}/${file}`);
      if (outcome === undefined) return entry;
      return filled(
        withUrls(entry, (reference) => outcome.urls.get(textOf(reference)) ?? ''),
        outcome.entry,
      );
    });
    return without(changed, new Set(errors.keys()), (id, core) => {
      const error = errors.get(core);
      if (error !== undefined) this.missing.set(id, error);
    });
  }

  private listingsOf(fetcher: Fetcher): Listings {
    const listings = new Listings(new HubApi(fetcher, this.options.clock, this.patience), this.address);
    this.listings.set(fetcher, listings);
    return listings;
  }

  private async resolve(place: FilePlace, listings: Listings): Promise<Resolved> {
    const urls = new Map<string, string>();
    const isSized = typeof place.entry.sizeBytes === 'number';
    let entry: TreeEntry | null = null;
    let error: DownloadError | null = null;
    for (const reference of place.references) {
      const isWhole = isSized && hasDigest(place) && isCommit(reference.revision);
      const found = isWhole ? null : await this.ask(reference, listings);
      const fault = found !== null && 'fault' in found ? found.fault : null;
      const seen = found !== null && 'entry' in found ? found : null;
      const commit = seen?.commit ?? (isCommit(reference.revision) ? reference.revision : null);
      const url = this.address.fileUrl(reference, commit ?? reference.revision);
      urls.set(textOf(reference), url);
      entry ??= seen?.entry ?? null;
      if (fault !== null) error ??= hubError(fault, reference, this.address);
      const doubt = fault ?? (seen === null ? null : disagreement(place, reference, seen.entry));
      this.resolved.push({ reference: textOf(reference), url, commit, fault: doubt });
    }
    return { urls, entry, error: isSized || entry !== null ? null : error };
  }

  private async ask(reference: Reference, listings: Listings) {
    try {
      return await listings.find(reference);
    } catch (error) {
      if (error instanceof FaultError) return { fault: error.fault };
      throw error;
    }
  }
}

type Entry = Readonly<Record<string, unknown>>;

/** What the manifest says itself stands; the hub fills in what it leaves open, as far as it speaks of the same bytes. */
function filled(entry: Entry, found: TreeEntry | null): Entry {
  if (found === null) return entry;
  if (entry.sizeBytes === undefined) entry = { ...entry, sizeBytes: found.sizeBytes };
  if (entry.sizeBytes !== found.sizeBytes || isDigest(entry.sha256)) return entry;
  if (found.sha256 !== null) return { ...entry, sha256: found.sha256 };
  return isDigest(entry.gitBlob) ? entry : { ...entry, gitBlob: found.gitBlob };
}

/** In what the hub contradicts the manifest; null if it does not. A content that is merely accepted is no contradiction. */
function disagreement({ entry }: FilePlace, reference: Reference, found: TreeEntry): Fault | null {
  const contents = [entry, ...(Array.isArray(entry.accepted) ? (entry.accepted as Entry[]) : [])];
  const agrees = contents.some((content) => {
    const pairs = [
      [content.sizeBytes, found.sizeBytes],
      [content.sha256, found.sha256],
      [content.gitBlob, found.gitBlob],
    ];
    return pairs.every(([ours, theirs]) => (ours ?? null) === null || theirs === null || ours === theirs);
  });
  if (agrees) return null;
  const theirs = `${found.sizeBytes} bytes with ${found.sha256 === null ? `git blob id ${found.gitBlob}` : `sha256 ${found.sha256}`}`;
  const message = `${textOf(reference)}: the hub has ${theirs}, and the manifest names something else`;
  return { type: 'upstreamChanged', detail: 'manifest', message };
}
