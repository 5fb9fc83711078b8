import { readFileSync } from 'node:fs';
import { FaultError, type StagedFile } from '@lading/runtime';
import { errnoOf } from './fs-fault.js';
import { patiently } from './patience.js';

/** What a process has open besides: Node's own, the output, journal, lease, a folder that is synced, and some to spare. */
const OTHERS = 28;
/** A file that is fetched, its connection, and the note of what is stored of it. */
const EACH = 3;
/** Where the system does not tell: the least that a desktop system gives by default (macOS). */
const USUAL = 256;

function limitOf(): number {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
    return soft === undefined ? USUAL : Number(soft);
  } catch {
    return USUAL;
  }
}

/** No descriptor was free, in this process or in the whole system; or a signal came first, of which libuv rids its users for all calls but reads. */
function isPassing(error: unknown): boolean {
  const code = error instanceof FaultError ? error.fault.detail : errnoOf(error);
  return code === 'EMFILE' || code === 'ENFILE' || code === 'EINTR';
}

/** Opens something once a descriptor is free, and reads it. The work must bear being done again. */
export const onceDescriptorFree = <T>(work: () => Promise<T>): Promise<T> => patiently(isPassing, work);

/**
 * How many files may be staged at once, so that descriptors never run out however many cores are in work. Promise: who comes when all are
 * given waits for one to be closed, in the order of coming. Refuses nothing.
 */
export class Descriptors {
  private free: number;
  private readonly waiting: (() => void)[] = [];

  constructor(limit = limitOf()) {
    this.free = Math.max(1, Math.floor((limit - OTHERS) / EACH));
  }

  /** Opens a file that holds its place until it is closed. */
  async stage<T extends StagedFile>(open: () => Promise<T>): Promise<T> {
    await this.take();
    try {
      const file = await onceDescriptorFree(open);
      const close = file.close.bind(file);
      let isGiven = false;
      file.close = async () => {
        try {
          await close();
        } finally {
          if (!isGiven) this.give();
          isGiven = true;
        }
      };
      return file;
    } catch (error) {
      this.give();
      throw error;
    }
  }

  private async take(): Promise<void> {
    if (this.free === 0) return await new Promise((resolve) => this.waiting.push(resolve));
    this.free -= 1;
  }

  private give(): void {
    const next = this.waiting.shift();
    if (next === undefined) this.free += 1;
    else next();
  }
}

/** One for the process: it is the process that has so many. */
export const descriptors = new Descriptors();
