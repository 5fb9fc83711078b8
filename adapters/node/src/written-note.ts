import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, readFile, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { bytesIn, type Range, type Ranges, withRange } from '@lading/core';
import { decodeLines, encodeLine } from '@lading/runtime';
import { bootId } from './owner.js';

/** No allowed name begins with a dot. */
const ASIDE = '.written-';
/** A note takes the place of the one before, whole: it has one length, which the system writes in one step, bytes. */
const NOTE_BYTES = 4096;
/** So many fit into it, whatever their numbers; what is beyond them is fetched again. */
const MOST_RANGES = 64;
/** Who dies loses what was stored since the last note: less than twice this, because one is being written while more comes, bytes. */
const STEP_BYTES = 2 * 1024 * 1024;

export const isNote = (path: string): boolean => basename(path).startsWith(ASIDE);

/** The very file: another may bear its name by now. */
export type FileIdentity = Pick<Stats, 'dev' | 'ino' | 'birthtimeMs'>;

interface Note extends FileIdentity {
  readonly v: 1;
  readonly bootId: string;
  readonly stored: Ranges;
}

/**
 * What of a staged file is stored and not durable yet, written beside it and never synced: the cache of the system outlives a program that is
 * killed, so what it held is not fetched again. It counts in the boot of the machine that it was written in and in no other. A hint: only a digest of
 * the whole file tells that it was right.
 */
export class WrittenNote {
  private readonly path: string;
  private readonly bootId = bootId();
  private handle: FileHandle | null = null;
  private isThere = false;
  private next: Note | null = null;
  private writing: Promise<void> | null = null;
  private toldBytes = 0;
  private writtenBytes = 0;
  private isOver = false;

  constructor(file: string) {
    this.path = join(dirname(file), ASIDE + basename(file));
  }

  /** Whether there is one, and no old one. */
  get isTold(): boolean {
    return this.isThere && !this.isOver && this.toldBytes - this.writtenBytes < 2 * STEP_BYTES;
  }

  /** What a program that died had stored of this very file; nothing, if nobody knows. */
  async read(file: FileIdentity): Promise<Ranges> {
    try {
      const bytes = await readFile(this.path, { flag: FLAGS_TO_READ });
      const note = decodeLines(bytes).values[0] as Partial<Note> | undefined;
      if (note?.v !== 1 || this.bootId === null || note.bootId !== this.bootId) return [];
      if (IDENTITY.some((each) => note[each] !== file[each])) return [];
      return (note.stored ?? []).filter(isRange).reduce(withRange, []);
    } catch {
      // None is there, or it is no note: then what the journal says is all that is known.
      return [];
    }
  }

  /** Notes what is stored, if it is worth a note. In the background; what goes wrong costs the note and nothing else. */
  tell({ dev, ino, birthtimeMs }: FileIdentity, stored: Ranges): void {
    if (this.bootId === null || this.isOver || bytesIn(stored) - this.toldBytes < STEP_BYTES) return;
    this.toldBytes = bytesIn(stored);
    this.next = { v: 1, bootId: this.bootId, dev, ino, birthtimeMs, stored: stored.slice(0, MOST_RANGES) };
    this.writing ??= this.write();
  }

  private async write(): Promise<void> {
    try {
      for (let note = this.next; note !== null; note = this.next) {
        this.next = null;
        const bytes = Buffer.alloc(NOTE_BYTES, ' ');
        bytes.set(encodeLine(note));
        // Without patience: whoever waits for the end of the file would wait too.
        this.handle ??= await open(this.path, FLAGS_TO_WRITE, 0o600);
        if ((await this.handle.write(bytes, 0, NOTE_BYTES, 0)).bytesWritten < NOTE_BYTES)
          throw new Error('a short write');
        this.isThere = true;
        this.writtenBytes = bytesIn(note.stored);
      }
    } catch {
      this.isOver = true;
      await this.remove();
    }
    this.writing = null;
  }

  /** What was noted does not count any more. Resolves when nobody will find it. */
  async clear(): Promise<void> {
    this.next = null;
    while (this.writing !== null) await this.writing;
    this.toldBytes = 0;
    // Whoever tells meanwhile has to wait: a note must not be begun in the file that is about to go.
    this.writing = this.remove().then(() => this.goOn());
    await this.writing;
  }

  private goOn(): void {
    this.writing = this.next === null || this.isOver ? null : this.write();
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

const IDENTITY = ['dev', 'ino', 'birthtimeMs'] as const;

const isRange = ({ from, to }: Range): boolean => Number.isSafeInteger(from) && Number.isSafeInteger(to) && 0 <= from;
