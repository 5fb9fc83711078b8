import type { InstalledFile } from '@lading/core';
import { corrupt, quoted, tooLarge, unsafe } from './archive-error.js';
import { foldArchiveName, MAX_NAME_SEGMENTS, stripArchiveName } from './archive-name.js';

/** A new file of the tree, while it is written. */
export interface GrowingFile {
  write(chunk: Uint8Array): Promise<void>;
  /** Makes it durable and closes it. Returns the lower-case hex sha256 of what was written. */
  seal(): Promise<string>;
  /** Lets go of it, unfinished as it is; throws nothing. */
  abandon(): Promise<void>;
}

/** Where a tree is unpacked: one directory that was empty. Names are relative, checked, segments joined by `/`; parents come first. */
export interface UnpackGround {
  makeDirectory(name: string): Promise<void>;
  createFile(name: string): Promise<GrowingFile>;
  /** Makes the names durable; the deepest directories come first. */
  syncDirectories(names: readonly string[]): Promise<void>;
}

export interface TreeLimits {
  readonly stripComponents: number;
  /** Unpacked bytes of all files together. */
  readonly maxBytes: number;
  readonly maxFiles: number;
}

/** What a file or directory costs beside its bytes and its name: its record in the journal, and some of the directory. */
const ENTRY_BYTES = 128;
/** Room for that above `maxBytes`, which catalogs may declare as the files' exact sum: some thousand entries. */
const ENTRIES_GRACE_BYTES = 1024 * 1024;

type Kind = 'file' | 'directory';

/**
 * Promise: everything an archive writes goes through here, lies below one directory that was empty, under names that mean the same
 * on every system, within the caller's bounds; after `seal` it survives a power cut. Refuses: names outside the grammar, two
 * names that differ only in case, anything twice. Every check happens before the disk is touched.
 */
export class UnpackedTree {
  readonly #ground: UnpackGround;
  readonly #limits: TreeLimits;
  /** What each name is, by its fold. */
  readonly #places = new Map<string, { readonly name: string; readonly kind: Kind }>();
  readonly #directories: string[] = [];
  readonly #files: InstalledFile[] = [];
  #current: { readonly name: string; readonly declaredBytes: number; readonly file: GrowingFile } | null = null;
  #currentBytes = 0;
  #fileCount = 0;
  #bytes = 0;
  /** Names and `ENTRY_BYTES` of all entries. */
  #entryBytes = 0;

  constructor(ground: UnpackGround, limits: TreeLimits) {
    this.#ground = ground;
    this.#limits = limits;
  }

  /** Distinct files and directories so far; what a reader may spend on overhead is measured against it. */
  get entryCount(): number {
    return this.#places.size;
  }

  /** Unpacked bytes so far. */
  get bytes(): number {
    return this.#bytes;
  }

  async directory(entryName: string): Promise<void> {
    const name = this.#nameOf(entryName, 'directory');
    if (name !== null) await this.#makeDirectories(name.split('/'));
  }

  /** Begins a file; until `endFile` its bytes go to `write`. */
  async beginFile(entryName: string, declaredBytes: number): Promise<void> {
    const name = this.#nameOf(entryName, 'file');
    if (name === null) {
      const { stripComponents } = this.#limits;
      throw unsafe(`${quoted(entryName)}: a file above the ${stripComponents} stripped components has no place to go`);
    }
    this.#fileCount += 1;
    if (this.#fileCount > this.#limits.maxFiles) {
      throw tooLarge(`${quoted(entryName)}: expected at most ${this.#limits.maxFiles} files, found more`);
    }
    // Only an early end: the bytes are counted again while they arrive.
    this.#expectRoom(entryName, declaredBytes);
    const segments = name.split('/');
    await this.#makeDirectories(segments.slice(0, -1));
    this.#claim(name, 'file');
    this.#current = { name, declaredBytes, file: await this.#ground.createFile(name) };
    this.#currentBytes = 0;
  }

  async write(chunk: Uint8Array): Promise<void> {
    const { name, declaredBytes, file } = this.#open();
    if (this.#currentBytes + chunk.length > declaredBytes) throw wrongLength(name, declaredBytes, 'more');
    this.#expectRoom(name, chunk.length);
    this.#bytes += chunk.length;
    this.#currentBytes += chunk.length;
    await file.write(chunk);
  }

  async endFile(): Promise<void> {
    const { name, declaredBytes, file } = this.#open();
    const sizeBytes = this.#currentBytes;
    if (sizeBytes !== declaredBytes) throw wrongLength(name, declaredBytes, `${sizeBytes}`);
    this.#files.push({ filename: name, sizeBytes, sha256: await file.seal() });
    this.#current = null;
  }

  /** Makes the whole tree durable. Refuses a tree without files: an archive of nothing is never what was meant. */
  async seal(): Promise<InstalledFile[]> {
    if (this.#files.length === 0) throw corrupt('the archive holds no file');
    const depth = (name: string): number => name.split('/').length;
    const deepestFirst = this.#directories.toSorted((a, b) => depth(b) - depth(a));
    await this.#ground.syncDirectories(deepestFirst);
    return this.#files;
  }

  /** Closes what is open. The bytes stay for the caller to clear away. */
  async abandon(): Promise<void> {
    await this.#current?.file.abandon();
    this.#current = null;
  }

  #open() {
    if (this.#current === null) throw new Error('bug: bytes outside a file');
    return this.#current;
  }

  #nameOf(entryName: string, kind: Kind): string | null {
    const stripped = stripArchiveName(entryName, this.#limits.stripComponents);
    switch (stripped.type) {
      case 'name':
        return stripped.name;
      case 'consumed':
        return null;
      case 'refused':
        throw unsafe(`${quoted(entryName)}: the name of this ${kind} ${stripped.reason}`);
      default:
        throw stripped satisfies never;
    }
  }

  /** True if the name is new. A directory may be named again, in the same spelling; a file never. */
  #claim(name: string, kind: Kind): boolean {
    const fold = foldArchiveName(name);
    const known = this.#places.get(fold);
    if (known === undefined) {
      // Checked names are ASCII.
      this.#entryBytes += name.length + ENTRY_BYTES;
      this.#expectRoom(name, 0);
      this.#places.set(fold, { name, kind });
      return true;
    }
    if (known.name !== name) throw unsafe(`${quoted(name)}: differs only in case from ${quoted(known.name)}`);
    if (known.kind !== kind) throw unsafe(`${quoted(name)}: is a ${known.kind} and a ${kind}`);
    if (kind === 'file') throw unsafe(`${quoted(name)}: is in the archive twice`);
    return false;
  }

  async #makeDirectories(segments: readonly string[]): Promise<void> {
    for (let end = 1; end <= segments.length; end += 1) {
      const name = segments.slice(0, end).join('/');
      if (!this.#claim(name, 'directory')) continue;
      // Enough for any sane tree, however few files it may have; without it a tiny archive could make millions.
      const most = this.#limits.maxFiles + 16 * MAX_NAME_SEGMENTS;
      if (this.#directories.length >= most)
        throw tooLarge(`${quoted(name)}: expected at most ${most} directories, found more`);
      await this.#ground.makeDirectory(name);
      this.#directories.push(name);
    }
  }

  #expectRoom(name: string, bytes: number): void {
    if (this.#bytes + bytes > this.#limits.maxBytes) {
      throw tooLarge(`${quoted(name)}: expected at most ${this.#limits.maxBytes} unpacked bytes in all, found more`);
    }
    const most = this.#limits.maxBytes + ENTRIES_GRACE_BYTES;
    if (this.#bytes + bytes + this.#entryBytes > most) {
      const what = `bytes in all, counting each name and ${ENTRY_BYTES} bytes for each entry`;
      throw tooLarge(`${quoted(name)}: expected at most ${most} ${what}, found more`);
    }
  }
}

function wrongLength(name: string, declaredBytes: number, found: string): Error {
  return corrupt(`${quoted(name)}: expected ${declaredBytes} bytes, found ${found}`);
}
