import { type Catalog, type Command, coreIn, type DepotState, type Refusal } from '@lading/core';
import type { Conductor } from './conductor.js';
import { type Export, exportOf } from './export.js';
import { type Imported, importFiles } from './import.js';
import type { ImportSource } from './import-source.js';
import { type Inspection, inspectCore } from './inspection.js';
import { goodParts, keptOf } from './kept.js';
import type { Owner } from './owner.js';
import type { Performer } from './perform.js';
import type { Store, Usage } from './ports.js';

export interface LocalOwnerParts {
  readonly catalog: Catalog;
  readonly conductor: Conductor;
  readonly performer: Performer;
  readonly store: Store;
  /** Closes the journal and gives the lease back. */
  readonly release: () => Promise<void>;
}

/** The owner of a depot: what it does to files beside the jobs of a core, it does between them. */
export class LocalOwner implements Owner {
  constructor(private readonly parts: LocalOwnerParts) {}

  private get state(): DepotState {
    return this.parts.conductor.state;
  }

  command(command: Command): Promise<Refusal | null> {
    return this.parts.conductor.command(command);
  }

  async verify(cores: readonly string[]): Promise<readonly Inspection[]> {
    const inspections: Inspection[] = [];
    for (const core of cores) {
      if (coreIn(this.state, core).context.installed === null) continue;
      const found = await this.parts.performer.between(core, () => inspectCore(this.parts.store, this.state, core));
      if (found !== null) inspections.push(found);
    }
    return inspections;
  }

  async setAside(damaged: readonly Inspection[]): Promise<void> {
    const { catalog, conductor, performer, store } = this.parts;
    for (const { core, generation, damaged: bad } of damaged) {
      const { installed } = coreIn(this.state, core).context;
      if (installed?.generation !== generation) continue;
      const good = installed.files.filter((file) => !bad.some((each) => each.filename === file.filename));
      const whole = keptOf(catalog, core, good);
      // Recorded first: from then on nobody is told that the files are there. A crash in between is an ordinary recovery.
      await performer.between(core, async () => {
        const parts = await goodParts(store, catalog, core, installed, bad);
        const kept = { ...whole, ...parts };
        await conductor.report({ type: 'lost', core, generation, detail: 'damaged', kept });
        // Meanwhile somebody may have deleted it: then all of it goes.
        if (coreIn(this.state, core).phase === 'deleting') return;
        await store.quarantine(core, generation, Object.keys(whole), Object.keys(parts));
      });
    }
  }

  import(
    cores: readonly string[],
    sources: readonly ImportSource[],
    signal?: AbortSignal,
  ): Promise<Omit<Imported, 'ids'>> {
    return importFiles(this.parts, cores, sources, signal);
  }

  export(ids: readonly string[], cores: readonly string[]): Promise<Export> {
    const { catalog, store } = this.parts;
    return exportOf({ catalog, store, state: this.state }, ids, cores);
  }

  async clean(): Promise<number> {
    const { store, performer } = this.parts;
    const before = await this.bytesOnDisk();
    for (const core of await store.residents()) {
      await performer.between(core, async () => {
        const { phase, context } = coreIn(this.state, core);
        if (phase === 'ready' || phase === 'absent')
          await store.sweep(core, context.installed?.generation ?? null, 'drop');
      });
    }
    return Math.max(0, before - (await this.bytesOnDisk()));
  }

  private async bytesOnDisk(): Promise<number> {
    const { cores, staging } = await this.usage();
    return [...Object.values(cores), ...Object.values(staging)].reduce((sum, bytes) => sum + bytes, 0);
  }

  usage(): Promise<Usage> {
    return this.parts.store.usage();
  }

  /** Lets running transfers make their last bytes durable, then lets go. */
  async close(): Promise<void> {
    const { conductor, performer, release } = this.parts;
    try {
      await performer.close();
      await conductor.close();
    } finally {
      await release();
    }
  }
}
