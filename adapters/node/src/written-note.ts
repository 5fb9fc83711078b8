import { constants } from 'node:fs';
import { type FileHandle, open, readFile, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { bytesIn, type Range, type Ranges, withRange } from '@lading/core';
import { decodeLines, encodeLine } from '@lading/runtime';
import { onceDescriptorFree } from './descriptors.js';
import { bootId } from './owner.js';

/** No allowed name begins with a dot. */
const ASIDE = '.written-';
/** A note takes the place of the one before, whole: it has one length, within what the system writes in one step, bytes. */
const NOTE_BYTES = 1024;
/** Who dies loses what was stored since the last note: less than this, and what was stored while the note was written. */
const STEP_BYTES = 2 * 1024 * 1024;

export const isNote = (path: string): boolean => basename(path).startsWith(ASIDE);

interface Note {
  readonly v: 1;
  readonly bootId: string;
  /** The very file: another may bear its name by now. */
  readonly ino: number;
  readonly stored: Ranges;
}

/**
 * What of a staged file is stored and not durable yet, written beside it and never synced: the cache of the system outlives a program that is
 * killed, so what it held is not fetched again. It counts in the boot of the machine that it was written in and in no other.
 */
export class WrittenNote {
  private readonly path: string;
  private readonly bootId = bootId();
  private handle: FileHandle | null = null;
  private isThere = false;
  private next: Note | null = null;
  private writing: Promise<void> | null = null;
  private toldBytes = 0;
  private isOver = false;

  constructor(file: string) {
    this.path = join(dirname(file), ASIDE + basename(file));
  }

  /** Whether there is one. */
  get isTold(): boolean {
    return this.isThere && !this.isOver;
  }

  /** What a program that died had stored of this very file; nothing, if nobody knows. */
  async read(ino: number): Promise<Ranges> {
    try {
      const bytes = await onceDescriptorFree(() => readFile(this.path, { flag: FLAGS_TO_READ }));
      const note = decodeLines(bytes).values[0] as Partial<Note> | undefined;
      if (note?.v !== 1 || this.bootId === null || note.bootId !== this.bootId || note.ino !== ino) return [];
      return (note.stored ?? []).filter(isRange).reduce(withRange, []);
    } catch {
      // None is there, or it is no note: then what the journal says is all that is known.
      return [];
    }
  }

  /** Notes what is stored, if it is worth a note. In the background; what goes wrong costs the note and nothing else. */
  tell(ino: number, stored: Ranges): void {
    if (this.bootId === null || this.isOver || bytesIn(stored) - this.toldBytes < STEP_BYTES) return;
    this.toldBytes = bytesIn(stored);
    this.next = { v: 1, bootId: this.bootId, ino, stored };
    this.writing ??= this.write();
  }

  private async write(): Promise<void> {
    try {
      for (let note = this.next; note !== null; note = this.next) {
        this.next = null;
        const bytes = Buffer.alloc(NOTE_BYTES, ' ');
        const line = encodeLine(note);
        if (line.length > NOTE_BYTES) continue;
        bytes.set(line);
        this.handle ??= await onceDescriptorFree(() => open(this.path, FLAGS_TO_WRITE, 0o600));
        if ((await this.handle.write(bytes, 0, NOTE_BYTES, 0)).bytesWritten < NOTE_BYTES)
          throw new Error('a short write');
        this.isThere = true;
      }
    } catch {
      this.isOver = true;
      await this.remove();
    } finally {
      this.writing = null;
    }
  }

  /** What was noted does not count any more. Resolves when nobody will find it. */
  async clear(): Promise<void> {
    this.next = null;
    await this.writing;
    this.toldBytes = 0;
    await this.remove();
  }

  /** Nothing is noted any more. */
  async end(): Promise<void> {
    this.isOver = true;
    await this.clear();
  }

  private async remove(): Promise<void> {
    const { handle } = this;
    this.handle = null;
    this.isThere = false;
    await rm(this.path, { force: true }).catch(() => undefined);
    await handle?.close().catch(() => undefined);
  }
}

const FLAGS_TO_READ = constants.O_RDONLY | constants.O_NOFOLLOW;
/** What is there stays until it is overwritten. */
const FLAGS_TO_WRITE = constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW;

const isRange = ({ from, to }: Range): boolean => Number.isSafeInteger(from) && Number.isSafeInteger(to) && 0 <= from;
