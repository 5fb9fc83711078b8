import { coreIn, type DepotState, type FileSpec, type InstalledFile, isUsable } from '@lading/core';
import type { Proven } from './job.js';
import type { JournalRecord, Resident } from './ports.js';
import { strongDigests } from './proof.js';

/** A proven file. */
interface Place {
  readonly resident: Resident;
  readonly sizeBytes: number;
}

/** Where bytes lie that another file needs too: what is equal is fetched once, whatever it is called. */
export class Twins {
  /** By sha256. */
  private readonly installed = new Map<string, Place>();
  private readonly staged = new Map<string, Place>();
  private readonly coming = new Map<string, Promise<void>>();

  constructor(private readonly state: () => DepotState) {
    for (const [core, { context }] of state().cores.entries()) {
      const { installed } = context;
      if (installed !== null) this.keep(core, installed.generation, installed.files);
    }
  }

  private keep(core: string, generation: string, files: readonly InstalledFile[]): void {
    for (const { filename, sizeBytes, sha256 } of files)
      this.installed.set(sha256, { resident: { core, generation, file: filename }, sizeBytes });
  }

  /** Keeps up with what is installed. */
  follow(record: JournalRecord): void {
    for (const event of record.events)
      if (event.type === 'CoreInstalled') this.keep(event.core, event.generation, event.files);
  }

  /** A file of which any accepted content is here already, proven; null if there is none. */
  find({ contents }: FileSpec): Resident | null {
    for (const { sha256, sizeBytes } of contents) {
      if (sha256 === null) continue;
      const installed = this.installed.get(sha256);
      // Under this digest a catalog may name another size, and then it is wrong: its source is to tell that.
      if (installed?.sizeBytes === sizeBytes && this.isThere(installed.resident)) return installed.resident;
      const staged = this.staged.get(sha256);
      if (staged?.sizeBytes === sizeBytes) return staged.resident;
    }
    return null;
  }

  private isThere({ core, generation }: Resident): boolean {
    const entity = coreIn(this.state(), core);
    return isUsable(entity) && entity.context.installed?.generation === generation;
  }

  /** What was found was not there after all. */
  forget(resident: Resident): void {
    for (const places of [this.installed, this.staged])
      for (const [key, place] of places) if (place.resident === resident) places.delete(key);
  }

  /**
   * Brings a file's bytes from elsewhere, unless somebody is bringing the same: then waits until that has ended, well or not, and resolves with
   * null. Who brings never waits for anybody, so nobody waits for ever.
   */
  async once(spec: FileSpec, core: string, signal: AbortSignal, bring: () => Promise<Proven>): Promise<Proven | null> {
    const keys = strongDigests(spec);
    const other = keys.map((key) => this.coming.get(key)).find((coming) => coming !== undefined);
    if (other !== undefined) {
      await either(other, signal);
      signal.throwIfAborted();
      return null;
    }
    let end: () => void = () => undefined;
    const coming = new Promise<void>((resolve) => (end = resolve));
    for (const key of keys) this.coming.set(key, coming);
    try {
      const proven = await bring();
      const { proof, sha256, sizeBytes } = proven;
      const resident = { core, generation: null, file: spec.filename };
      if (proof === 'strong') this.staged.set(sha256, { resident, sizeBytes });
      return proven;
    } finally {
      for (const key of keys) this.coming.delete(key);
      end();
    }
  }
}

/** Resolves when the promise has or the signal speaks. Leaves no listener behind: a joined signal that has one is never forgotten. */
function either(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      signal.removeEventListener('abort', end);
      resolve();
    };
    if (signal.aborted) return end();
    signal.addEventListener('abort', end, { once: true });
    promise.then(end, end);
  });
}
