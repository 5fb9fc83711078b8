import { constants } from 'node:fs';
import { type FileHandle, open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { StateImage } from '@lading/core';
import {
  decodeLines,
  encodeLine,
  FaultError,
  type Journal,
  JournalCorrupt,
  type JournalImage,
  type JournalRecord,
  upcast,
} from '@lading/runtime';
import { onceDescriptorFree } from './descriptors.js';
import { makeDirectory, syncDirectory } from './durable.js';
import { fsFault, guarded, isMissing } from './fs-fault.js';
import { removeHeld, renameHeld } from './held-file.js';
import { fenced } from './lease.js';
import type { Reserve } from './reserve.js';

/** Older segments that are kept for `log`, beside those that the snapshot needs. */
const KEPT_SEGMENTS = 16;
const SNAPSHOT = 'snapshot.json';
const SEGMENT = /^(\d{6})\.jsonl$/;

interface StoredSnapshot {
  readonly v: 1;
  /** First segment that holds records behind it. */
  readonly segment: number;
  readonly image: StateImage;
}

const nameOf = (segment: number): string => `${String(segment).padStart(6, '0')}.jsonl`;

/** The journal as files: segments of checked lines, appended and synced before anything acts, and the newest snapshot. */
export class FileJournal implements Journal {
  private handle: FileHandle | null = null;
  private segment = 1;
  private goodBytes = 0;
  /** What the segment's length must be unless another process wrote to it: the good bytes, or with the torn tail that was found. */
  private sizeBytes = 0;
  /** What went wrong with a write: from then on nobody knows what the disk holds, and nothing is written before it was read anew. */
  private astray: { readonly error: unknown } | null = null;

  /**
   * A reader never changes a file: it passes over a torn tail that a writer may be writing right now. A writer asks `fence` before it writes;
   * it throws if the depot is another's now. `reserve` is given up when the disk is full.
   */
  constructor(
    private readonly dir: string,
    private readonly mode: 'write' | 'read',
    private readonly fence: (() => Promise<void>) | null = null,
    private readonly reserve: Reserve | null = null,
  ) {}

  async load(): Promise<JournalImage> {
    const snapshot = await this.readSnapshot();
    return { snapshot: snapshot?.image ?? null, records: await this.readSegments(snapshot?.segment ?? 0) };
  }

  /** Every record that is still on disk, also those before the snapshot. */
  history(): Promise<readonly JournalRecord[]> {
    return this.readSegments(0);
  }

  /** The newest snapshot, and every record that is still on disk, also those before it. */
  async archive(): Promise<JournalImage> {
    const snapshot = await this.readSnapshot();
    return { snapshot: snapshot?.image ?? null, records: await this.readSegments(0) };
  }

  private async segments(): Promise<number[]> {
    try {
      const names = await onceDescriptorFree(() => readdir(this.dir));
      return names
        .flatMap((name) => SEGMENT.exec(name)?.[1] ?? [])
        .map(Number)
        .sort((a, b) => a - b);
    } catch (error) {
      if (isMissing(error)) return [];
      throw fsFault(error, 'read', this.dir);
    }
  }

  /** A snapshot that fails its check is passed over: the journal is the truth. */
  private async readSnapshot(): Promise<StoredSnapshot | null> {
    try {
      const { values } = decodeLines(await onceDescriptorFree(() => readFile(join(this.dir, SNAPSHOT))));
      const stored = values[0] as StoredSnapshot | undefined;
      return stored?.v === 1 ? stored : null;
    } catch (error) {
      if (isMissing(error) || error instanceof JournalCorrupt) return null;
      throw fsFault(error, 'read', join(this.dir, SNAPSHOT));
    }
  }

  private async readSegments(from: number): Promise<JournalRecord[]> {
    const segments = (await this.segments()).filter((segment) => segment >= from);
    const last = segments.at(-1);
    this.segment = last ?? Math.max(1, from);
    const records: JournalRecord[] = [];
    for (const segment of segments) {
      const path = join(this.dir, nameOf(segment));
      const bytes = await onceDescriptorFree(() => readFile(path)).catch((error: unknown) => {
        throw fsFault(error, 'read', path);
      });
      const { values, goodBytes } = this.decode(path, bytes);
      if (goodBytes < bytes.length && segment !== last) throw corrupt(path, goodBytes);
      for (const value of values) records.push(upcast(value));
      this.goodBytes = goodBytes;
      this.sizeBytes = bytes.length;
    }
    return records;
  }

  private decode(path: string, bytes: Uint8Array): { values: readonly unknown[]; goodBytes: number } {
    try {
      return decodeLines(bytes);
    } catch (error) {
      throw error instanceof JournalCorrupt ? corrupt(path, error.offset) : error;
    }
  }

  async append(records: readonly JournalRecord[]): Promise<void> {
    if (this.mode === 'read') throw new Error('a reader does not write the journal');
    const path = join(this.dir, nameOf(this.segment));
    const bytes = Buffer.concat(records.map(encodeLine));
    await this.unlessAstray(async () => {
      try {
        await this.fence?.();
        await this.mustBeAsLeft(path);
        await this.withReserve(() => this.write(path, bytes));
        this.goodBytes += bytes.length;
        this.sizeBytes = this.goodBytes;
      } catch (error) {
        throw fsFault(error, 'write the journal', path, bytes.length);
      }
    });
  }

  private async unlessAstray(work: () => Promise<void>): Promise<void> {
    if (this.astray !== null) throw this.astray.error;
    try {
      await work();
    } catch (error) {
      this.astray = { error };
      throw error;
    }
  }

  private withReserve(work: () => Promise<void>): Promise<void> {
    if (this.reserve === null) return work();
    return this.reserve.during(async (attempt) => {
      if (attempt === 'second') await this.fence?.();
      await work();
    });
  }

  /** The lease may have changed hands and come free again: the length tells of any record that is not ours. Nothing is changed before. */
  private async mustBeAsLeft(path: string): Promise<void> {
    const found = await (this.handle?.stat() ?? stat(path)).catch((error: unknown) => {
      if (isMissing(error)) return null;
      throw error;
    });
    if ((found?.size ?? 0) !== this.sizeBytes) throw fenced(`the journal ${path}`, null);
  }

  private async write(path: string, bytes: Uint8Array): Promise<void> {
    this.handle ??= await this.openSegment(path);
    try {
      await writeFully(this.handle, bytes, this.goodBytes);
      await this.handle.datasync();
    } catch (error) {
      await this.cut();
      throw error;
    }
  }

  /** Whatever half-line there is must not be followed by anything: it is cut, or the next start cuts it. Never in a file of another's. */
  private async cut(): Promise<void> {
    const handle = this.handle;
    // A descriptor whose sync failed is not trusted again.
    this.handle = null;
    try {
      await this.fence?.();
      await handle?.truncate(this.goodBytes);
    } catch {
      // The fault that led here is the one to tell.
    }
    await handle?.close().catch(() => undefined);
  }

  private async openSegment(path: string): Promise<FileHandle> {
    await makeDirectory(this.dir);
    const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;
    const handle = await onceDescriptorFree(() => open(path, flags, 0o600));
    try {
      await handle.truncate(this.goodBytes);
      this.sizeBytes = this.goodBytes;
      await handle.sync();
      await syncDirectory(this.dir);
      return handle;
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async compact(image: StateImage): Promise<void> {
    if (this.mode === 'read') throw new Error('a reader does not write the journal');
    const stored: StoredSnapshot = { v: 1, segment: this.segment + 1, image };
    const aside = join(this.dir, `.${SNAPSHOT}`);
    await this.unlessAstray(async () => {
      try {
        await this.fence?.();
        await makeDirectory(this.dir);
        await this.withReserve(() => this.writeAside(aside, stored));
        // A large one takes its time.
        await this.fence?.();
        await renameHeld(aside, join(this.dir, SNAPSHOT));
        await syncDirectory(this.dir);
        await this.close();
        this.segment += 1;
        this.goodBytes = 0;
        this.sizeBytes = 0;
        const old = (await this.segments()).filter((segment) => segment < this.segment).slice(0, -KEPT_SEGMENTS);
        for (const segment of old) await removeHeld(join(this.dir, nameOf(segment)));
      } catch (error) {
        throw fsFault(error, 'write the snapshot', aside);
      }
    });
  }

  private async writeAside(aside: string, stored: StoredSnapshot): Promise<void> {
    const handle = await onceDescriptorFree(() => open(aside, 'w', 0o600));
    try {
      await writeFully(handle, encodeLine(stored), 0);
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  async close(): Promise<void> {
    const handle = this.handle;
    this.handle = null;
    await guarded('close the journal', this.dir, async () => await handle?.close());
  }
}

function corrupt(path: string, offset: number): FaultError {
  const message = `the journal ${path} is damaged at byte ${offset}; nothing was changed`;
  return FaultError.of('unknown', 'journalCorrupt', message);
}

async function writeFully(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}
