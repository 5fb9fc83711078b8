import { type Catalog, type Command, coreIn, type Refusal } from '@lading/core';
import type { Conductor } from './conductor.js';
import { type Inspection, inspectCore } from './inspection.js';
import { keptOf } from './kept.js';
import type { Performer } from './perform.js';
import type { Store, Usage } from './ports.js';

/** What the face of a depot asks of its owner, and cannot do itself: in plain values, so that the owner may live elsewhere. */
export interface Keeper {
  /** Resolves with null when the command's record is durable, or with the refusal. */
  command(command: Command): Promise<Refusal | null>;
  /** Reads the installed files of these cores again. What is not installed is passed over. */
  inspect(cores: readonly string[]): Promise<readonly Inspection[]>;
  /** Takes generations with damaged files out of use; their good files go back to staging. */
  setAside(damaged: readonly Inspection[]): Promise<void>;
  /** Removes what no record names; the bytes that it freed. */
  clean(): Promise<number>;
  usage(): Promise<Usage>;
}

/** The keeper beside its store: what it does to a core waits its turn among the core's jobs. */
export class StoreKeeper implements Keeper {
  constructor(
    private readonly catalog: Catalog,
    private readonly conductor: Conductor,
    private readonly performer: Performer,
    private readonly store: Store,
  ) {}

  command(command: Command): Promise<Refusal | null> {
    return this.conductor.command(command);
  }

  usage(): Promise<Usage> {
    return this.store.usage();
  }

  async inspect(cores: readonly string[]): Promise<readonly Inspection[]> {
    const inspections: Inspection[] = [];
    for (const core of cores) {
      if (coreIn(this.conductor.state, core).context.installed === null) continue;
      const found = await this.performer.between(core, () => inspectCore(this.store, this.conductor.state, core));
      if (found !== null) inspections.push(found);
    }
    return inspections;
  }

  async setAside(damaged: readonly Inspection[]): Promise<void> {
    for (const { core, generation, damaged: bad } of damaged) {
      const { installed } = coreIn(this.conductor.state, core).context;
      if (installed?.generation !== generation) continue;
      const good = installed.files.filter((file) => !bad.some((each) => each.filename === file.filename));
      const kept = keptOf(this.catalog, core, good);
      const names = Object.keys(kept);
      // Recorded first: from then on nobody is told that the files are there. A crash in between is an ordinary recovery.
      await this.performer.between(core, async () => {
        await this.conductor.report({ type: 'lost', core, generation, detail: 'damaged', kept });
        await this.store.quarantine(core, generation, names);
      });
    }
  }

  async clean(): Promise<number> {
    const before = await this.bytesOnDisk();
    for (const core of await this.store.residents()) {
      await this.performer.between(core, async () => {
        const { phase, context } = coreIn(this.conductor.state, core);
        if (phase === 'ready' || phase === 'absent') {
          await this.store.sweep(core, context.installed?.generation ?? null, 'drop');
        }
      });
    }
    return Math.max(0, before - (await this.bytesOnDisk()));
  }

  private async bytesOnDisk(): Promise<number> {
    const { cores, staging } = await this.usage();
    return [...Object.values(cores), ...Object.values(staging)].reduce((sum, bytes) => sum + bytes, 0);
  }
}
