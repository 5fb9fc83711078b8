import { coreIn, type DepotState, type FileSpec, isUsable } from '@lading/core';
import type { Proven } from './job.js';
import type { JournalRecord, Resident } from './ports.js';
import { strongDigests } from './proof.js';

/** Where bytes lie that another file needs too: what is equal is fetched once, whatever it is called. */
export class Twins {
  private readonly installed = new Map<string, Resident>();
  private readonly staged = new Map<string, Resident>();
  private readonly coming = new Map<string, Promise<void>>();

  constructor(private readonly state: () => DepotState) {
    for (const [core, { context }] of state().cores.entries()) {
      for (const { filename, sha256 } of context.installed?.files ?? [])
        this.installed.set(sha256, {
          core,
          generation: context.installed?.generation ?? null,
          file: filename,
        });
    }
  }

  /** Keeps up with what is installed. */
  follow(record: JournalRecord): void {
    for (const event of record.events) {
      if (event.type !== 'CoreInstalled') continue;
      const { core, generation } = event;
      for (const { filename, sha256 } of event.files) this.installed.set(sha256, { core, generation, file: filename });
    }
  }

  /** A file of which any accepted content is here already, proven; null if there is none. */
  find(spec: FileSpec): Resident | null {
    for (const key of strongDigests(spec)) {
      const installed = this.installed.get(key);
      if (installed !== undefined && this.isThere(installed)) return installed;
      const staged = this.staged.get(key);
      if (staged !== undefined) return staged;
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
      for (const [key, place] of places) if (place === resident) places.delete(key);
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
      if (proven.proof === 'strong') this.staged.set(proven.sha256, { core, generation: null, file: spec.filename });
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
