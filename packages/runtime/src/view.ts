import {
  type Catalog,
  coreIn,
  coreOfDirectWish,
  coreStatus,
  coresOfVoice,
  type DepotState,
  directWish,
  errorOfRefusal,
  isUsable,
  type Live,
  type Plan,
  planFor,
  type Status,
  voiceStatus,
} from '@lading/core';
import { Asset, type Place } from './asset.js';
import { type Circumstances, ORDINARY, shown } from './circumstances.js';
import { bytesOf } from './signals.js';

/** What is there and what it means, without any right to change it: a reader needs no lease. */
export interface DepotReader {
  readonly catalog: Catalog;
  /** The state as of the last durable record. */
  readonly state: DepotState;
  /** What a download of these would do. Throws `ConfigurationError` for an unknown id. */
  plan(...ids: string[]): Plan;
  /** Status of a voice, a bundle's first member, or a core. Throws `ConfigurationError` for an unknown id. */
  status(id: string): Status;
  /** Status of every core and every voice that the depot or the catalog speaks of. */
  list(): readonly Status[];
  /** What is ready, by id. */
  installed(): readonly Asset[];
  /** The cores that an id needs. Throws `ConfigurationError` for an unknown id. */
  coresOf(id: string): readonly string[];
  /** The ready asset of this id, or null. */
  asset(id: string): Asset | null;
  /** Ready voices and cores of which the catalog has another version. */
  checkForUpdates(): readonly Status[];
}

/** The key of the state that an id means. */
interface Target {
  readonly kind: 'voice' | 'core';
  readonly id: string;
}

/** One id that somebody looks at. */
export interface Followed {
  readonly status: () => Status;
  /** What wakes it: its voice, the cores of that, and their bytes. */
  readonly keys: () => readonly string[];
}

export class View implements DepotReader {
  constructor(
    readonly catalog: Catalog,
    private readonly read: () => DepotState,
    private readonly locate: (core: string, generation: string, file: string) => string,
    private readonly live: Live = () => undefined,
    private readonly circumstances: () => Circumstances = () => ORDINARY,
  ) {}

  get state(): DepotState {
    return this.read();
  }

  plan(...ids: string[]): Plan {
    const plan = planFor(this.catalog, this.state, ids);
    if ('type' in plan) throw errorOfRefusal(plan);
    return plan;
  }

  /** A voice, or a core that may have been asked for directly. */
  private kindOf(id: string): Target {
    const { catalog, state } = this;
    const [voice] = catalog.wishesOf(id);
    if (voice !== undefined) return { kind: 'voice', id: voice.id };
    if (state.voices.has(id)) return { kind: 'voice', id };
    const core = catalog.resolveCore(id)?.id ?? id;
    if (catalog.knows(id) || state.cores.has(core)) return { kind: 'core', id: core };
    throw errorOfRefusal(catalog.unknownId(id));
  }

  status(id: string): Status {
    return this.statusOf(this.kindOf(id));
  }

  /** The status of one id again and again: what only the state knew may go from it, and is absent then. */
  follow(id: string): Followed {
    let found: Target | null = null;
    const target = () => (found ??= this.kindOf(id));
    let cores: readonly string[] | null = null;
    let keys: readonly string[] = [];
    return {
      status: () => this.statusOf(target()),
      keys: () => {
        const before = cores;
        const { kind, id: key } = target();
        cores = kind === 'core' ? (before ?? [key]) : coresOfVoice(this.state, this.catalog, key);
        // A voice that was asked for has the same ones for long.
        if (cores !== before) keys = [kind === 'core' ? directWish(key) : key, ...cores, ...cores.map(bytesOf)];
        return keys;
      },
    };
  }

  private statusOf(target: Target): Status {
    const { catalog, live, state } = this;
    const status =
      target.kind === 'voice'
        ? voiceStatus(state, catalog, target.id, live)
        : coreStatus(state, catalog, target.id, live);
    return shown(status, this.circumstances());
  }

  list(): readonly Status[] {
    const { catalog, state } = this;
    const cores = new Set([...catalog.cores()].map((core) => core.id));
    for (const id of state.cores.keys()) cores.add(id);
    const voices = new Set([...catalog.voices()].map((voice) => voice.id));
    for (const id of state.voices.keys()) if (coreOfDirectWish(id) === null) voices.add(id);
    const statuses = [
      ...[...voices].map((id) => voiceStatus(state, catalog, id, this.live)),
      ...[...cores].map((id) => coreStatus(state, catalog, id, this.live)),
    ];
    const circumstances = this.circumstances();
    return circumstances === ORDINARY ? statuses : statuses.map((status) => shown(status, circumstances));
  }

  /** The state keys of the wishes an id stands for. */
  wishKeys(id: string): readonly string[] {
    const voices = this.catalog.wishesOf(id).map((voice) => voice.id);
    if (voices.length > 0) return voices;
    const target = this.kindOf(id);
    return [target.kind === 'voice' ? target.id : directWish(target.id)];
  }

  coresOf(id: string): readonly string[] {
    const keys = this.wishKeys(id);
    return [...new Set(keys.flatMap((key) => this.coresOfKey(key)))];
  }

  coresOfKey(key: string): readonly string[] {
    const direct = coreOfDirectWish(key);
    return direct === null ? coresOfVoice(this.state, this.catalog, key) : [direct];
  }

  asset(id: string): Asset | null {
    const places: Place[] = [];
    for (const core of this.coresOf(id)) {
      const entity = coreIn(this.state, core);
      const { installed } = entity.context;
      if (installed === null || !isUsable(entity)) return null;
      places.push({ core, generation: installed.generation, files: installed.files, weak: installed.weak });
    }
    return places.length === 0 ? null : new Asset(id, places, this.locate);
  }

  installed(): readonly Asset[] {
    const ready = [...this.state.voices.entries()].filter(([, voice]) => voice.phase === 'ready');
    return ready.flatMap(([key]) => this.asset(coreOfDirectWish(key) ?? key) ?? []);
  }

  checkForUpdates(): readonly Status[] {
    return this.list().filter((status) => status.isUpdateAvailable);
  }
}
