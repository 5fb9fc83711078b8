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
import type { MemoryDisk } from './disk.js';
import { guarded, isMissing } from './fs-fault.js';
import type { Mount } from './mount.js';
import { childOf } from './power.js';

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

/** The journal on a simulated disk: segments of checked lines, appended and synced before anything acts, and the newest snapshot. */
export class MemoryJournal implements Journal {
  private fd: number | null = null;
  private segment = 1;
  private goodBytes = 0;
  /** What the segment's length must be unless another process wrote to it: the good bytes, or with the torn tail that was found. */
  private sizeBytes = 0;
  /** What went wrong with a write: from then on nobody knows what the disk holds, and nothing is written before it was read anew. */
  private astray: { readonly error: unknown } | null = null;

  constructor(
    private readonly mount: Mount,
    private readonly dir: string,
  ) {}

  async load(): Promise<JournalImage> {
    const snapshot = await this.readSnapshot();
    return { snapshot: snapshot?.image ?? null, records: await this.readSegments(snapshot?.segment ?? 0) };
  }

  /** Every record that is still on disk, also those before the snapshot. */
  history(): Promise<readonly JournalRecord[]> {
    return this.readSegments(0);
  }

  private async segments(): Promise<number[]> {
    const names = await guarded('read', this.dir, () => this.mount.names(this.dir));
    return names.flatMap((name) => SEGMENT.exec(name)?.[1] ?? []).map(Number);
  }

  /** A snapshot that fails its check is passed over: the journal is the truth. */
  private async readSnapshot(): Promise<StoredSnapshot | null> {
    const path = childOf(this.dir, SNAPSHOT);
    return await guarded('read', path, async () => {
      try {
        const stored = decodeLines(await this.mount.read(path)).values[0] as StoredSnapshot | undefined;
        return stored?.v === 1 ? stored : null;
      } catch (error) {
        if (isMissing(error) || error instanceof JournalCorrupt) return null;
        throw error;
      }
    });
  }

  private async readSegments(from: number): Promise<JournalRecord[]> {
    const segments = (await this.segments()).filter((segment) => segment >= from);
    const last = segments.at(-1);
    this.segment = last ?? Math.max(1, from);
    const records: JournalRecord[] = [];
    for (const segment of segments) {
      const path = childOf(this.dir, nameOf(segment));
      const bytes = await guarded('read', path, () => this.mount.read(path));
      const { values, goodBytes } = decode(path, bytes);
      if (goodBytes < bytes.length && segment !== last) throw corrupt(path, goodBytes);
      for (const value of values) records.push(upcast(value));
      this.goodBytes = goodBytes;
      this.sizeBytes = bytes.length;
    }
    return records;
  }

  append(records: readonly JournalRecord[]): Promise<void> {
    const path = childOf(this.dir, nameOf(this.segment));
    const bytes = joined(records.map(encodeLine));
    return guarded('write the journal', path, () =>
      this.unlessAstray(async () => {
        await this.mustBeAsLeft(path);
        this.fd ??= await this.openSegment(path);
        try {
          await this.mount.writeFully(this.fd, bytes, this.goodBytes);
          await this.mount.sync(this.fd);
        } catch (error) {
          // Whatever half-line there is must not be followed by anything: it is cut, or the next start cuts it.
          await this.mount.truncate(this.fd, this.goodBytes).catch(() => undefined);
          throw error;
        }
        this.goodBytes += bytes.length;
        this.sizeBytes = this.goodBytes;
      }),
    );
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

  /** The lease may have changed hands and come free again: the length tells of any record that is not ours. Nothing is changed before. */
  private async mustBeAsLeft(path: string): Promise<void> {
    const { disk, process } = this.mount;
    const look = () => (disk.volume.existsSync(path) ? Number(disk.volume.lstatSync(path).size) : 0);
    if ((await process.outliving(Promise.resolve(look()))) === this.sizeBytes) return;
    const message = `the journal ${path} was taken over while this process was silent; it writes nothing more`;
    throw FaultError.of('leaseHeld', 'fenced', message);
  }

  private async openSegment(path: string): Promise<number> {
    await this.mount.makeFolder(this.dir);
    const fd = await this.mount.open(path);
    await this.mount.truncate(fd, this.goodBytes);
    this.sizeBytes = this.goodBytes;
    await this.mount.sync(fd);
    await this.mount.syncFolder(this.dir);
    return fd;
  }

  compact(image: StateImage): Promise<void> {
    const stored: StoredSnapshot = { v: 1, segment: this.segment + 1, image };
    const aside = childOf(this.dir, `.${SNAPSHOT}`);
    return guarded('write the snapshot', aside, () =>
      this.unlessAstray(async () => {
        await this.mount.makeFolder(this.dir);
        const fd = await this.mount.open(aside);
        await this.mount.truncate(fd, 0);
        await this.mount.writeFully(fd, encodeLine(stored), 0);
        await this.mount.sync(fd);
        await this.mount.close(fd);
        await this.mount.rename(aside, childOf(this.dir, SNAPSHOT));
        await this.mount.syncFolder(this.dir);
        await this.close();
        this.segment += 1;
        this.goodBytes = 0;
        this.sizeBytes = 0;
        const old = (await this.segments()).filter((segment) => segment < this.segment).slice(0, -KEPT_SEGMENTS);
        for (const segment of old) await this.mount.remove(childOf(this.dir, nameOf(segment)));
      }),
    );
  }

  async close(): Promise<void> {
    const { fd } = this;
    this.fd = null;
    if (fd !== null) await this.mount.close(fd);
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function decode(path: string, bytes: Uint8Array): { values: readonly unknown[]; goodBytes: number } {
  try {
    return decodeLines(bytes);
  } catch (error) {
    throw error instanceof JournalCorrupt ? corrupt(path, error.offset) : error;
  }
}

function corrupt(path: string, offset: number): FaultError {
  const message = `the journal ${path} is damaged at byte ${offset}; nothing was changed`;
  return FaultError.of('unknown', 'journalCorrupt', message);
}

/** Cuts bytes off the end of a depot's newest segment, as a crash in the midst of a write does. */
export function tearJournal(disk: MemoryDisk, dir: string, bytes: number): void {
  const path = [...disk.files(childOf(dir, 'journal')).keys()].filter((name) => name.endsWith('.jsonl')).at(-1);
  const held = path === undefined ? undefined : disk.files(path).get(path);
  if (path !== undefined && held !== undefined)
    disk.overwrite(path, held.subarray(0, Math.max(0, held.length - bytes)));
}
