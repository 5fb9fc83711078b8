import { lstatSync } from 'node:fs';
import { FaultError, type StagedFile } from '@lading/runtime';

/** What a name stood for. A content that was exchanged or written to has another. */
interface Identity {
  readonly dev: number;
  readonly ino: number;
  readonly size: number;
  readonly mtimeMs: number;
}

/**
 * Which very files were proven, between the proof and the moment in which they become final: whoever exchanges a file in between, or writes to it, would
 * otherwise have anything installed. Promise: what was proven in this process is published as it was then, or not at all.
 */
export class Proofs {
  // Looked up at once: the system has it in memory, and a turn of the thread pool would cost twenty times as much for each of many files.
  private readonly proven = new Map<string, Identity>();

  /** The same file; what its name stands for when its digests are told is remembered. */
  of<T extends StagedFile>(file: T, path: string): T {
    const digests = file.digests.bind(file);
    file.digests = async () => {
      const found = await digests();
      const identity = lstatSync(path);
      if (identity.size !== file.bytes) {
        const message = `${path} has ${identity.size} bytes on the disk, and ${file.bytes} were written to it`;
        throw FaultError.of('storageError', 'short', `${message}; it is fetched again`);
      }
      this.proven.set(path, identity);
      return found;
    };
    return file;
  }

  /** Something else takes the place of what was proven, by our own doing. */
  forget(path: string): void {
    this.proven.delete(path);
  }

  /** Throws `storageError` with the detail `exchanged` if this is not the file that was proven. */
  demand(path: string): void {
    const then = this.proven.get(path);
    const now = lstatSync(path);
    const isSame =
      now.isFile() &&
      (then === undefined || (['dev', 'ino', 'size', 'mtimeMs'] as const).every((each) => now[each] === then[each]));
    if (isSame) return;
    const message = `${path} was exchanged or written to by another program after it had been proven`;
    throw FaultError.of('storageError', 'exchanged', `${message}; it is read again, and fetched again if it is wrong`);
  }
}
