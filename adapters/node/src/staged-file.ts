import { constants } from 'node:fs';
import { chmod, lstat, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { clipped, prefixOf, type Range, type Ranges, rangesOf, withoutRange, withRange } from '@lading/core';
import type { DigestAlgorithm, StagedFile, StageOptions } from '@lading/runtime';
import type { DigestThread } from './digest-thread.js';
import { type Digests, InlineDigests } from './digests.js';
import { makeDirectory, syncDirectory } from './durable.js';
import { errnoOf, guarded, isMissing } from './fs-fault.js';
import { copyDurably } from './move-file.js';
import { OpenFile } from './open-file.js';
import { WriteQueue } from './write-queue.js';
import { WrittenNote } from './written-note.js';

/** From this size on the name itself is made durable with the first sync, and a file is written and synced in the background; smaller ones are only fetched again. */
const LARGE_BYTES = 1024 * 1024;
/** From this size on a file is hashed in a thread; below it a thread costs more than it brings. */
const THREAD_BYTES = 16 * 1024 * 1024;

/** A partial file: written anywhere, hashed behind its first hole. Its length proves nothing; only what the journal says is durable counts. */
export class DiskStagedFile implements StagedFile {
  /** What was taken, as long as all of it can be stored. */
  private taken: Ranges;
  private queue: WriteQueue;
  private digestsSoFar: Digests;
  private isNameDurable = false;
  private poison: unknown = null;

  private constructor(
    private readonly path: string,
    private file: OpenFile,
    /** Another name of an installed file: read, never written, never cut. */
    private isLink: boolean,
    private readonly options: StageOptions,
    private readonly thread: DigestThread,
    private readonly note: WrittenNote | null,
    kept: Ranges,
  ) {
    this.taken = kept;
    this.queue = this.newQueue(kept);
    this.digestsSoFar = this.newDigests();
    // What is kept is read again: a crash may have left zeros inside the length.
    this.digestsSoFar.advance(this.bytes);
  }

  static open(path: string, options: StageOptions, thread: DigestThread): Promise<DiskStagedFile> {
    return guarded('open', path, async () => {
      const fresh = await openFresh(path, isSmall(options));
      const isLink = fresh === null && (await isWantedLink(path, options));
      const file = fresh ?? openStaged(path, isLink, isSmall(options));
      try {
        const note = options.hasDigest === true && options.sizeBytes >= THREAD_BYTES ? new WrittenNote(path) : null;
        const kept = fresh === null ? await keptOf(file, options, note) : [];
        if (kept.length === 0 || isLink) await note?.clear();
        return new DiskStagedFile(path, file, isLink, options, thread, isLink ? null : note, kept);
      } catch (error) {
        await file.close();
        throw error;
      }
    });
  }

  private newQueue(stored: Ranges): WriteQueue {
    return new WriteQueue(this.file, stored, () => {
      this.digestsSoFar.advance(prefixOf(this.queue.stored));
      this.note?.tell(this.file.identity, this.queue.stored);
    });
  }

  private newDigests(): Digests {
    const { algorithms, sizeBytes } = this.options;
    return sizeBytes >= THREAD_BYTES
      ? this.thread.begin(this.file.fd, algorithms, sizeBytes)
      : new InlineDigests(this.file, this.options);
  }

  get held(): Ranges {
    return this.queue.error === null ? this.taken : this.queue.stored;
  }

  get bytes(): number {
    return prefixOf(this.held);
  }

  get survivesExit(): boolean {
    return this.note?.isTold ?? false;
  }

  write(chunk: Uint8Array, at = this.bytes): Promise<void> {
    return guarded('write', this.path, async () => {
      if (this.isLink) throw new Error(`${this.path} is a link to an installed file and is never written to`);
      // Before it is stored: then its memory may be another's.
      this.digestsSoFar.take(chunk, at);
      this.taken = withRange(this.taken, { from: at, to: at + chunk.length });
      await this.queue.take(chunk, at);
    });
  }

  sync(): Promise<Ranges> {
    return guarded('sync', this.path, async () => {
      if (this.poison !== null) throw this.poison;
      await this.queue.flush();
      const { stored } = this.queue;
      if (this.isLink) return stored;
      try {
        await this.file.datasync();
        if (!this.isNameDurable && prefixOf(stored) >= LARGE_BYTES) {
          await syncDirectory(dirname(this.path));
          this.isNameDurable = true;
        }
        return stored;
      } catch (error) {
        this.poison = error;
        // Nobody knows what the system still has of it.
        await this.note?.end();
        throw error;
      }
    });
  }

  async drop(range: Range): Promise<void> {
    await this.queue.flush();
    if (this.isLink) await guarded('copy', this.path, () => this.own());
    this.taken = withoutRange(this.taken, range);
    this.queue.forget(range);
    await this.note?.clear();
    this.note?.tell(this.file.identity, this.queue.stored);
    this.digestsSoFar.restart();
    this.digestsSoFar.advance(prefixOf(this.queue.stored));
  }

  reset(): Promise<void> {
    return guarded('truncate', this.path, async () => {
      await this.queue.flush();
      await this.digestsSoFar.close();
      await this.note?.clear();
      if (this.isLink) await this.leaveLink();
      else await this.file.truncate(0);
      this.taken = [];
      this.queue = this.newQueue([]);
      this.digestsSoFar = this.newDigests();
    });
  }

  /** A copy takes the place of a link of which a part is wrong: the installed file is another's. */
  private async own(): Promise<void> {
    await this.digestsSoFar.close();
    await copyDurably(this.path, this.path);
    await this.file.close();
    await chmod(this.path, 0o600);
    this.file = openStaged(this.path, false, isSmall(this.options));
    this.isLink = false;
    this.queue = this.newQueue(this.queue.stored);
    this.digestsSoFar = this.newDigests();
  }

  private async leaveLink(): Promise<void> {
    await this.file.close();
    await rm(this.path);
    this.file = openStaged(this.path, false, isSmall(this.options));
    this.isLink = false;
  }

  sha256(range: Range): Promise<string> {
    return guarded('read', this.path, async () => {
      await this.queue.flush();
      return await this.digestsSoFar.sha256(range);
    });
  }

  digests(): Promise<Partial<Record<DigestAlgorithm, string>>> {
    return guarded('hash', this.path, async () => {
      await this.queue.flush();
      // The digests may know bytes that the file does not hold.
      if (this.queue.error !== null) throw this.queue.error;
      return await this.digestsSoFar.finish(this.bytes);
    });
  }

  close(): Promise<void> {
    return guarded('close', this.path, async () => {
      try {
        await this.queue.flush();
        await this.digestsSoFar.close();
      } finally {
        await this.note?.end();
        await this.file.close();
      }
    });
  }
}

const isSmall = ({ sizeBytes }: StageOptions): boolean => sizeBytes < LARGE_BYTES;

/** A file that was not there, with its folder if need be; null if there is one. Most are new, and then nothing else has to be asked. */
async function openFresh(path: string, isSmall: boolean): Promise<OpenFile | null> {
  const make = () => OpenFile.at(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, isSmall);
  try {
    try {
      return make();
    } catch (error) {
      if (!isMissing(error)) throw error;
      await makeDirectory(dirname(path));
      return make();
    }
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return null;
    throw error;
  }
}

/**
 * What is both wanted and there, and what a program that died had stored besides. More is cut off, unless it is another's. Where nothing is wanted
 * nothing counts: nobody has recorded whose bytes they are.
 */
async function keptOf(file: OpenFile, options: StageOptions, note: WrittenNote | null): Promise<Ranges> {
  const size = await file.size();
  const wanted = clipped(rangesOf(options), size);
  const found = wanted.length === 0 ? [] : ((await note?.read(file.identity)) ?? []);
  // Of another file, or of another boot.
  if (found.length === 0) await note?.clear();
  const kept = clipped(found.reduce(withRange, wanted), size);
  const end = kept.at(-1)?.to ?? 0;
  if (size > end) await file.truncate(end);
  return kept;
}

/** Whether a staged file is a link of which all is wanted. A link of which only a part is wanted is taken away; a file of its own begins anew. */
async function isWantedLink(path: string, { bytes, spans }: StageOptions): Promise<boolean> {
  const there = await lstat(path).catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw error;
  });
  if (there === null || !there.isFile()) return false;
  if (there.nlink > 1 && there.size <= bytes && spans === undefined) return true;
  if (there.nlink > 1) await rm(path);
  // It was installed once, and its other names are gone.
  else if ((there.mode & 0o200) === 0) await chmod(path, 0o600);
  return false;
}

function openStaged(path: string, isLink: boolean, isSmall: boolean): OpenFile {
  return OpenFile.at(path, isLink ? constants.O_RDONLY : constants.O_RDWR | constants.O_CREAT, isSmall);
}
