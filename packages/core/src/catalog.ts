import type { Defect } from './defect.js';
import type { BundleSpec, CoreSpec, Manifest, VoiceSpec } from './manifest.js';
import { nearestNames } from './nearest.js';
import { type Refusal, refuse } from './refusal.js';

/**
 * Several manifests as one place to look things up, each look-up O(1). Resolves what depends on the platform: a voice asks for a stable core
 * id, and the first variant that stands for it and runs here is taken.
 */
export class Catalog {
  private constructor(
    /** The platform that variants are resolved for, such as `linux`, `darwin`, `win32`, `android`, `ios`, `browser`. */
    readonly platform: string,
    private readonly coresById: ReadonlyMap<string, CoreSpec>,
    private readonly variants: ReadonlyMap<string, readonly CoreSpec[]>,
    private readonly voicesById: ReadonlyMap<string, VoiceSpec>,
    private readonly aliases: ReadonlyMap<string, VoiceSpec>,
    private readonly bundlesById: ReadonlyMap<string, BundleSpec>,
    private readonly voicesByEngine: ReadonlyMap<string, readonly VoiceSpec[]>,
  ) {}

  /** Merges manifests. The same id may appear twice only with the same definition; `defects` names each clash. */
  static of(manifests: readonly Manifest[], platform: string): { catalog: Catalog; defects: readonly Defect[] } {
    const cores = new Map<string, CoreSpec>();
    const variants = new Map<string, CoreSpec[]>();
    const voices = new Map<string, VoiceSpec>();
    const aliases = new Map<string, VoiceSpec>();
    const bundles = new Map<string, BundleSpec>();
    const engines = new Map<string, VoiceSpec[]>();
    const defects: Defect[] = [];
    const clash = (manifest: Manifest, kind: string, id: string) =>
      defects.push({ path: `$.${kind}`, message: `${manifest.id}: "${id}" is defined differently in another catalog` });

    for (const manifest of manifests) {
      for (const core of manifest.cores) {
        const known = cores.get(core.id);
        if (known === undefined) {
          cores.set(core.id, core);
          if (core.aliasOf !== null) push(variants, core.aliasOf, core);
        } else if (known.revision !== core.revision) clash(manifest, 'cores', core.id);
      }
      for (const voice of manifest.voices) {
        const known = voices.get(voice.id);
        if (known === undefined) {
          voices.set(voice.id, voice);
          push(engines, voice.engineId, voice);
          for (const alias of voice.aliases) if (!aliases.has(alias)) aliases.set(alias, voice);
        } else if (known.coreRequirements.join() !== voice.coreRequirements.join()) clash(manifest, 'voices', voice.id);
      }
      for (const bundle of manifest.bundles) {
        const known = bundles.get(bundle.id);
        if (known === undefined) bundles.set(bundle.id, bundle);
        else if (known.requires.join() !== bundle.requires.join()) clash(manifest, 'bundles', bundle.id);
      }
    }
    return { catalog: new Catalog(platform, cores, variants, voices, aliases, bundles, engines), defects };
  }

  static empty(platform = 'any'): Catalog {
    return Catalog.of([], platform).catalog;
  }

  /** The core of exactly this id, whatever platform it is for. */
  core(id: string): CoreSpec | undefined {
    return this.coresById.get(id);
  }

  voice(id: string): VoiceSpec | undefined {
    return this.voicesById.get(id) ?? this.aliases.get(id);
  }

  bundle(id: string): BundleSpec | undefined {
    return this.bundlesById.get(id);
  }

  cores(): IterableIterator<CoreSpec> {
    return this.coresById.values();
  }

  voices(): IterableIterator<VoiceSpec> {
    return this.voicesById.values();
  }

  bundles(): IterableIterator<BundleSpec> {
    return this.bundlesById.values();
  }

  engines(): IterableIterator<string> {
    return this.voicesByEngine.keys();
  }

  voicesOf(engineId: string): readonly VoiceSpec[] {
    return this.voicesByEngine.get(engineId) ?? [];
  }

  private runsHere(core: CoreSpec): boolean {
    return core.platforms === null || core.platforms.includes(this.platform);
  }

  /** The core that an id or alias means on this platform; undefined if there is none here. */
  resolveCore(idOrAlias: string): CoreSpec | undefined {
    const exact = this.coresById.get(idOrAlias);
    if (exact !== undefined && this.runsHere(exact)) return exact;
    return this.variants.get(idOrAlias)?.find((core) => this.runsHere(core));
  }

  /**
   * The cores a voice needs here, in the order it names them, each once. A core that is only for other platforms does not block the voice;
   * an alias without a variant for this platform does.
   */
  requiredCores(voice: VoiceSpec): readonly CoreSpec[] | Refusal {
    const cores = new Map<string, CoreSpec>();
    for (const requirement of voice.coreRequirements) {
      const core = this.resolveCore(requirement);
      if (core !== undefined) cores.set(core.id, core);
      else if (!this.coresById.has(requirement)) return this.missing(voice, requirement);
    }
    if (cores.size === 0) return this.missing(voice, voice.coreRequirements[0] ?? '');
    return [...cores.values()];
  }

  private missing(voice: VoiceSpec, requirement: string): Refusal {
    if (this.variants.has(requirement) || this.coresById.has(requirement)) {
      return refuse(
        'notAvailableHere',
        `"${voice.id}" needs the core "${requirement}", which has no variant for ${this.platform}`,
        'Use another voice, or a catalog with a variant for this platform.',
        [voice.id, requirement],
      );
    }
    return refuse(
      'coreMissing',
      `"${voice.id}" needs the core "${requirement}", which the catalog does not have`,
      'Correct the catalog, or add the one that has this core.',
      [voice.id, requirement],
    );
  }

  /** The voices that an id asks for: itself, or the members of a bundle. Empty if the id is neither. */
  wishesOf(id: string): readonly VoiceSpec[] {
    const voice = this.voice(id);
    if (voice !== undefined) return [voice];
    const members = this.bundlesById.get(id)?.requires ?? [];
    return members.flatMap((member) => this.voice(member) ?? []);
  }

  knows(id: string): boolean {
    return this.voice(id) !== undefined || this.bundlesById.has(id) || this.coresById.has(id) || this.variants.has(id);
  }

  /** The refusal for an id that nothing here is called by, with the nearest names. */
  unknownId(id: string): Refusal {
    const near = this.nearest(id);
    const hint =
      near.length > 0
        ? `Did you mean ${near.map((name) => `"${name}"`).join(', ')}?`
        : 'List what there is with `lading list`.';
    return refuse('unknownId', `nothing is called ${JSON.stringify(id)}`, hint, near);
  }

  /** The refusal for an id that exists, but for other platforms. */
  notHere(id: string): Refusal {
    const why = `"${id}" is not for ${this.platform}`;
    return refuse('notAvailableHere', why, 'Use another, or a catalog with a variant for this platform.', [id]);
  }

  /** The names nearest to one that is unknown, best first. */
  nearest(id: string): readonly string[] {
    const names = [
      ...this.voicesById.keys(),
      ...this.aliases.keys(),
      ...this.bundlesById.keys(),
      ...this.coresById.keys(),
    ];
    return nearestNames(id, names);
  }
}

function push<V>(map: Map<string, V[]>, key: string, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
