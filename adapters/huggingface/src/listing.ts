import { nearestNames, originOf, redactUrl } from '@lading/core';
import { FaultError, faultOf } from '@lading/runtime';
import type { HubAddress } from './address.js';
import type { HubApi } from './api.js';
import { isCommit, type Reference, textOf } from './reference.js';
import { commitIn, entryOfHead, nextPage, readTreePage, type TreeEntry } from './tree.js';

/** Pages of one listing: a thousand files each, and the largest repositories have some hundred thousand. */
const MAX_PAGES = 500;
/** Characters of all paths of one listing, and what a file costs besides: about a quarter of a million files, some 130 MB of memory. */
const MAX_CHARACTERS = 64 * 1024 * 1024;
const CHARACTERS_A_FILE = 200;

/** A referenced file as the hub has it now. */
export interface Found {
  readonly entry: TreeEntry;
  /** The commit that it was found in; null if the hub does not say, and then only the digest holds it. */
  readonly commit: string | null;
}

interface Listing {
  readonly commit: string | null;
  readonly entries: Map<string, TreeEntry>;
  characters: number;
  next: string | null;
}

/** The files of repositories, each revision asked for once and no further than needed. */
export class Listings {
  private readonly known = new Map<string, Promise<Listing>>();
  private reading: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly api: HubApi,
    private readonly address: HubAddress,
  ) {}

  /** Throws `FaultError`: `notFound` if the revision has no such file. */
  async find(reference: Reference): Promise<Found> {
    try {
      const found = await this.listed(reference);
      return found.commit === null ? ((await this.told(reference)) ?? found) : found;
    } catch (error) {
      // A listing that is not to be had now says nothing about the file, whose own address may.
      const found = faultOf(error).type === 'serverError' ? await this.told(reference) : null;
      if (found !== null) return found;
      throw error;
    }
  }

  private async listed(reference: Reference): Promise<Found> {
    const key = `${reference.owner}/${reference.repo}@${reference.revision}`;
    let listing = this.known.get(key);
    if (listing === undefined) {
      listing = this.begin(reference);
      this.known.set(key, listing);
    }
    const { commit, entries } = await this.upTo(reference, await listing);
    const entry = entries.get(reference.path);
    if (entry !== undefined) return { entry, commit };
    const near = nearestNames(reference.path, [...entries.keys()]);
    const hint = near.length === 0 ? '' : `; it has ${near.join(', ')}`;
    throw FaultError.of('notFound', 'EntryNotFound', `${textOf(reference)}: that revision has no such file${hint}`);
  }

  /** What the address of the file itself tells; null if that is not all that is needed. */
  private async told(reference: Reference): Promise<Found | null> {
    try {
      const headers = await this.api.headOf(this.address.fileUrl(reference, reference.revision));
      const entry = entryOfHead(headers);
      const commit = headers['x-repo-commit'] ?? '';
      return entry !== null && isCommit(commit) ? { entry, commit } : null;
    } catch (error) {
      // What the listing said stands, be it a file without its commit or a fault.
      if (error instanceof FaultError) return null;
      throw error;
    }
  }

  /** The commit first, and its files then: asked in the other order, a push in between would mix two of them. */
  private async begin(reference: Reference): Promise<Listing> {
    const commit = isCommit(reference.revision) ? reference.revision : await this.commitOf(reference);
    const first = this.address.treeUrl(reference, commit ?? reference.revision);
    const listing: Listing = { commit, entries: new Map(), characters: 0, next: first };
    if (commit !== null) return listing;
    const served = await this.page(listing, first);
    return { ...listing, next: listing.next, commit: served };
  }

  /** A mirror may know files and not revisions; what the hub itself says of a revision, or a repository, counts. */
  private async commitOf(reference: Reference): Promise<string | null> {
    try {
      return commitIn((await this.api.ask(this.address.revisionUrl(reference, reference.revision))).value);
    } catch (error) {
      const { type, detail } = faultOf(error);
      if (type === 'notFound' && (detail === 'http404' || detail === 'EntryNotFound')) return null;
      throw error;
    }
  }

  /** Reads on until the file has come or nothing is left; one page at a time, whoever asks. */
  private async upTo(reference: Reference, listing: Listing): Promise<Listing> {
    const read = async () => {
      for (let pages = 0; listing.next !== null && !listing.entries.has(reference.path); pages++) {
        if (pages >= MAX_PAGES) {
          throw FaultError.of(
            'serverError',
            'endlessListing',
            `${textOf(reference)}: the hub's list of files does not end`,
          );
        }
        await this.page(listing, listing.next);
      }
    };
    const before = this.reading;
    const mine = before.then(read, read);
    this.reading = mine.catch(() => undefined);
    await mine;
    return listing;
  }

  /** Adds one page; gives the commit that it says it is of. */
  private async page(listing: Listing, url: string): Promise<string | null> {
    const { value, headers } = await this.api.ask(url);
    for (const path of readTreePage(value, listing.entries, redactUrl(url))) {
      listing.characters += path.length + CHARACTERS_A_FILE;
    }
    if (listing.characters > MAX_CHARACTERS) {
      throw FaultError.of(
        'serverError',
        'endlessListing',
        `${redactUrl(url)}: the hub lists more files than can be kept`,
      );
    }
    const next = nextPage(headers['link']);
    if (next !== null && originOf(next) !== originOf(this.address.endpoint)) {
      throw FaultError.of('serverError', 'pageElsewhere', `${redactUrl(url)}: the next page is at ${redactUrl(next)}`);
    }
    listing.next = next;
    const served = headers['x-repo-commit'] ?? '';
    return isCommit(served) ? served : null;
  }
}
