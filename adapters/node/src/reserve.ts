import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { FaultError } from '@lading/runtime';
import { syncDirectory } from './durable.js';
import { errnoOf, isMissing } from './fs-fault.js';

/** Room for a lease and some hundred records: enough to give up what fills the disk. */
const RESERVE_BYTES = 64 * 1024;

function isFull(error: unknown): boolean {
  if (error instanceof FaultError) return error.fault.type === 'noSpace' && isFull(error.cause);
  const code = errnoOf(error);
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/**
 * A file that is there to be removed: whoever deletes because the disk is full must first write that into the journal. Promise: a write that
 * meets a full disk is tried once more with the reserve's room. Refuses nothing: without a reserve the fault stands as it is.
 */
export class Reserve {
  private readonly path: string;
  private isSpent = false;

  constructor(private readonly dir: string) {
    this.path = join(dir, 'reserve');
  }

  /** Sets the room aside, if it is not yet. Only for the owner of the depot. Best effort: on a full disk there is none to set aside. */
  async make(): Promise<void> {
    // What was just given up must not be taken back before it was used; the next opening does that.
    if (this.isSpent) return;
    try {
      if (await this.isWhole()) return;
      await this.write();
    } catch {
      // Half a reserve would only take room away.
      await unlink(this.path).catch(() => undefined);
    }
  }

  private async isWhole(): Promise<boolean> {
    try {
      const stats = await lstat(this.path);
      return stats.isFile() && stats.size === RESERVE_BYTES;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  private async write(): Promise<void> {
    const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
    const handle = await open(this.path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600);
    try {
      // Zeros would be stored as nothing by a file system that compresses.
      await handle.writeFile(randomBytes(RESERVE_BYTES));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await syncDirectory(this.dir);
  }

  /** Does the work; if the disk is full, gives up the reserve and does it exactly once more. */
  async during<T>(work: (attempt: 'first' | 'second') => Promise<T>): Promise<T> {
    try {
      return await work('first');
    } catch (error) {
      if (!isFull(error) || !(await this.spend())) throw error;
      return await work('second');
    }
  }

  /** True if there was a reserve and it is gone now. */
  private async spend(): Promise<boolean> {
    try {
      await unlink(this.path);
      this.isSpent = true;
      return true;
    } catch {
      return false;
    }
  }
}
