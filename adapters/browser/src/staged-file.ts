import { clipped, prefixOf, type Range, type Ranges, rangesOf, withoutRange, withRange } from '@lading/core';
import type { DigestAlgorithm, StagedFile, StageOptions } from '@lading/runtime';
import { Digests } from './digest.js';
import type { Folder, Path } from './folder.js';
import { guarded, nameOf } from './fs-fault.js';
import { turn } from './turn.js';

/** Read size when stored bytes are hashed, bytes; after so many other work gets its turn. */
const BLOCK_BYTES = 1024 * 1024;
/** A worker that has just ended may still hold the file for a moment; longer, and another one is at work. Milliseconds. */
const PATIENCE_MS = 2_000;
const PAUSE_MS = 20;
/** Interrupted files whose digests are remembered; each some hundred bytes. */
const MAX_KEPT = 64;

interface Kept {
  readonly bytes: number;
  readonly states: ReadonlyMap<DigestAlgorithm, Uint8Array>;
}

/**
 * Digests of files that were let go in the middle, for this worker's life: who pauses and resumes reads nothing twice. They prove what was
 * written, not what is stored, so after a restart, when storage may have lost something, the bytes are read again.
 */
export class KeptDigests {
  private readonly kept = new Map<Path, Kept>();

  keep(path: Path, kept: Kept): void {
    this.kept.delete(path);
    this.kept.set(path, kept);
    const [oldest] = this.kept.keys();
    if (this.kept.size > MAX_KEPT && oldest !== undefined) this.kept.delete(oldest);
  }

  take(path: Path): Kept | null {
    const kept = this.kept.get(path) ?? null;
    this.kept.delete(path);
    return kept;
  }
}

/** Opens the one handle that may write a file. */
export async function access(file: FileSystemFileHandle): Promise<FileSystemSyncAccessHandle> {
  const endMs = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await file.createSyncAccessHandle();
    } catch (error) {
      if (nameOf(error) !== 'NoModificationAllowedError' || performance.now() > endMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

/** Hashes a range of an open file; where it ended, or the file did. */
export async function readInto(
  digests: Digests,
  handle: FileSystemSyncAccessHandle,
  to: number,
  from = 0,
): Promise<number> {
  const block = new Uint8Array(Math.min(BLOCK_BYTES, Math.max(1, to - from)));
  let at = from;
  while (at < to) {
    const read = handle.read(block.subarray(0, Math.min(block.length, to - at)), { at });
    if (read === 0) break;
    digests.update(block.subarray(0, read));
    at += read;
    await turn();
  }
  return at;
}

/** Puts the bytes of one file in the place of another's, durable; how many they are. */
export async function copyInto(target: FileSystemFileHandle, source: FileSystemFileHandle): Promise<number> {
  const from = await source.getFile();
  const handle = await access(target);
  try {
    handle.truncate(0);
    for (let at = 0; at < from.size; at += BLOCK_BYTES) {
      const block = new Uint8Array(await from.slice(at, at + BLOCK_BYTES).arrayBuffer());
      writeFully(handle, block, at);
    }
    handle.flush();
    return from.size;
  } finally {
    handle.close();
  }
}

/** What Chromium means by "no space" (its `base::File::Error`). */
const NO_SPACE = -8;

/**
 * A write may be short without an error: then the quota is used up. In private windows Chromium tells what went wrong by a count of more than
 * four thousand million: the number of an error, without its sign.
 */
export function writeFully(handle: FileSystemSyncAccessHandle, bytes: Uint8Array, at: number): void {
  for (let done = 0; done < bytes.length; ) {
    const written = handle.write(bytes.subarray(done), { at: at + done });
    const isFull = written === 0 || (written | 0) === NO_SPACE;
    if (isFull || written > bytes.length - done)
      throw new DOMException(`wrote ${written | 0}`, isFull ? 'QuotaExceededError' : 'UnknownError');
    done += written;
  }
}

/** A partial file: written anywhere, hashed on the way where it comes in order. Its length proves nothing; only what the journal says is durable counts. */
export class OpfsStagedFile implements StagedFile {
  held: Ranges = [];
  /** An origin's files are not told apart from those of another life of the page. */
  readonly survivesExit = false;
  /** Bytes from the start that the digests know; below 0 when they have been told, and must begin anew. */
  private hashedBytes = 0;
  private poison: unknown = null;

  private constructor(
    private readonly path: Path,
    private readonly handle: FileSystemSyncAccessHandle,
    private readonly options: StageOptions,
    private readonly kept: KeptDigests,
    private digestsSoFar: Digests,
  ) {}

  static open(folder: Folder, path: Path, options: StageOptions, kept: KeptDigests): Promise<OpfsStagedFile> {
    return guarded('open', path, async () => {
      const digests = await Digests.begin(options.algorithms, options.sizeBytes);
      const handle = await access(await folder.makeFile(path));
      const file = new OpfsStagedFile(path, handle, options, kept, digests);
      try {
        await file.adopt();
      } catch (error) {
        handle.close();
        throw error;
      }
      return file;
    });
  }

  get bytes(): number {
    return prefixOf(this.held);
  }

  /** Keeps what is both wanted and there. */
  private async adopt(): Promise<void> {
    const size = this.handle.getSize();
    this.held = clipped(rangesOf(this.options), size);
    const end = this.held.at(-1)?.to ?? 0;
    if (size > end) this.handle.truncate(end);
    const kept = this.kept.take(this.path);
    if (kept?.bytes === this.bytes && kept.bytes > 0 && this.digestsSoFar.load(kept.states))
      this.hashedBytes = kept.bytes;
    await this.hashHeld();
  }

  /** Reads what the digests do not know yet of the bytes before the first hole. */
  private async hashHeld(): Promise<void> {
    this.hashedBytes = await readInto(this.digestsSoFar, this.handle, this.bytes, this.hashedBytes);
  }

  private async beginDigests(): Promise<void> {
    this.hashedBytes = 0;
    this.digestsSoFar = await Digests.begin(this.options.algorithms, this.options.sizeBytes);
  }

  write(chunk: Uint8Array, at = this.bytes): Promise<void> {
    return guarded('write', this.path, async () => {
      const size = this.handle.getSize();
      try {
        writeFully(this.handle, chunk, at);
      } catch (error) {
        // What went in of the chunk goes out again, so that length and digests stay those of whole chunks.
        this.handle.truncate(size);
        throw error;
      }
      if (at === this.hashedBytes) {
        this.digestsSoFar.update(chunk);
        this.hashedBytes += chunk.length;
      }
      this.held = withRange(this.held, { from: at, to: at + chunk.length });
    });
  }

  sync(): Promise<Ranges> {
    return guarded('sync', this.path, async () => {
      if (this.poison !== null) throw this.poison;
      try {
        this.handle.flush();
        return this.held;
      } catch (error) {
        this.poison = error;
        throw error;
      }
    });
  }

  async drop(range: Range): Promise<void> {
    this.held = withoutRange(this.held, range);
    if (range.from < this.hashedBytes) await this.beginDigests();
  }

  reset(): Promise<void> {
    return guarded('truncate', this.path, async () => {
      this.handle.truncate(0);
      this.held = [];
      await this.beginDigests();
    });
  }

  sha256({ from, to }: Range): Promise<string> {
    return guarded('hash', this.path, async () => {
      const digests = await Digests.begin(['sha256'], 0);
      await readInto(digests, this.handle, to, from);
      return digests.hex().sha256 ?? '';
    });
  }

  digests(): Promise<Partial<Record<DigestAlgorithm, string>>> {
    return guarded('hash', this.path, async () => {
      if (this.hashedBytes < 0) await this.beginDigests();
      await this.hashHeld();
      this.hashedBytes = -1;
      return this.digestsSoFar.hex();
    });
  }

  async close(): Promise<void> {
    if (this.hashedBytes > 0 && this.hashedBytes === this.bytes && this.poison === null)
      this.kept.keep(this.path, { bytes: this.bytes, states: this.digestsSoFar.save() });
    this.handle.close();
  }
}
