import type { Catalog } from './catalog.js';
import { bytesOf } from './checkpoint.js';
import { isUsable } from './core-state.js';
import type { CoreSpec, FileSpec } from './manifest.js';
import type { Refusal } from './refusal.js';
import { coreIn, type DepotState } from './state.js';

/** What a download would do, file by file, before a byte moves. */
export interface FilePlan {
  readonly filename: string;
  readonly sizeBytes: number;
  /** Linked: an equal file is here, or comes with another core of this plan, and is not fetched for this one. */
  readonly state: 'cached' | 'linked' | 'partial' | 'missing';
  readonly bytesToFetch: number;
  /** What will prove it: a strong digest, a weak one, or only the size. */
  readonly proof: 'strong' | 'weak' | 'size';
}

export interface CorePlan {
  readonly id: string;
  readonly displayName: string;
  readonly license: string | null;
  readonly isArchive: boolean;
  readonly isUpdate: boolean;
  readonly bytesTotal: number;
  readonly bytesToFetch: number;
  /** Voices of this plan that use it. */
  readonly usedBy: readonly string[];
  readonly files: readonly FilePlan[];
}

export interface Plan {
  readonly voices: readonly string[];
  readonly cores: readonly CorePlan[];
  readonly bytesTotal: number;
  readonly bytesToFetch: number;
  /** What it would be more if every voice had cores of its own. */
  readonly sharingSavesBytes: number;
  /** Disk space that is needed on top of what is used now: what is fetched, and for archives what they may unpack to. */
  readonly neededBytes: number;
}

function proofOf(file: FileSpec): FilePlan['proof'] {
  if (file.contents.some((content) => content.sha256 !== null)) return 'strong';
  return file.contents.some((content) => content.md5 ?? content.sha1 ?? content.gitBlob) ? 'weak' : 'size';
}

const isHere = (file: FileSpec, here: ReadonlySet<string>): boolean =>
  file.contents.some(({ sha256, sizeBytes }) => sha256 !== null && here.has(keyOf(sha256, sizeBytes)));

const keyOf = (sha256: string, sizeBytes: number): string => `${sha256}:${sizeBytes}`;

/** Strong digests of everything installed: what is equal is not fetched twice. */
function digestsIn(state: DepotState): Set<string> {
  const here = new Set<string>();
  for (const core of state.cores.values()) {
    if (!isUsable(core)) continue;
    for (const { sha256, sizeBytes } of core.context.installed?.files ?? []) here.add(keyOf(sha256, sizeBytes));
  }
  return here;
}

function planCore(spec: CoreSpec, state: DepotState, usedBy: readonly string[], here: Set<string>): CorePlan {
  const core = coreIn(state, spec.id);
  const isCached = isUsable(core) && core.context.installed?.revision === spec.revision;
  const durable = core.context.revision === spec.revision ? core.context.durable : {};
  const files = spec.files.map((file): FilePlan => {
    const { sizeBytes } = file.contents[0];
    const part = durable[file.filename];
    const partBytes = part === undefined ? 0 : Math.min(sizeBytes, bytesOf(part));
    const isLinked = !isCached && partBytes === 0 && isHere(file, here);
    const bytesHere = isCached || isLinked ? sizeBytes : partBytes;
    const present = isLinked ? 'linked' : partBytes > 0 ? 'partial' : 'missing';
    const [{ sha256 }] = file.contents;
    if (sha256 !== null) here.add(keyOf(sha256, sizeBytes));
    return {
      filename: file.filename,
      sizeBytes,
      state: isCached ? 'cached' : present,
      bytesToFetch: sizeBytes - bytesHere,
      proof: proofOf(file),
    };
  });
  return {
    id: spec.id,
    displayName: spec.displayName,
    license: spec.license,
    isArchive: spec.archive !== null,
    isUpdate: isUsable(core) && !isCached,
    bytesTotal: spec.sizeBytes,
    bytesToFetch: files.reduce((sum, file) => sum + file.bytesToFetch, 0),
    usedBy,
    files,
  };
}

/** Plans voices, bundles or cores; the cores are united and each is counted once. Leaves out what is there. */
export function planFor(catalog: Catalog, state: DepotState, ids: readonly string[]): Plan | Refusal {
  const users = new Map<string, { spec: CoreSpec; usedBy: string[] }>();
  const voices: string[] = [];
  let unsharedBytes = 0;
  const use = (spec: CoreSpec, user: string) => {
    const entry = users.get(spec.id) ?? { spec, usedBy: [] };
    if (!entry.usedBy.includes(user)) entry.usedBy.push(user);
    users.set(spec.id, entry);
  };
  for (const id of ids) {
    const wishes = catalog.wishesOf(id);
    const direct = wishes.length === 0 ? catalog.resolveCore(id) : undefined;
    if (direct !== undefined) use(direct, id);
    else if (wishes.length === 0) {
      return catalog.knows(id) ? catalog.notHere(id) : catalog.unknownId(id);
    }
    for (const voice of wishes) {
      if (voices.includes(voice.id)) continue;
      const cores = catalog.requiredCores(voice);
      if ('type' in cores) return cores;
      voices.push(voice.id);
      for (const core of cores) {
        use(core, voice.id);
        unsharedBytes += core.sizeBytes;
      }
    }
  }
  const here = digestsIn(state);
  const cores = [...users.values()].map(({ spec, usedBy }) => planCore(spec, state, usedBy, here));
  const sharedBytes = cores.reduce(
    (sum, core) => sum + (core.usedBy.some((user) => voices.includes(user)) ? core.bytesTotal : 0),
    0,
  );
  const unpackedBytes = cores.reduce(
    (sum, core) => sum + (core.isArchive && core.files[0]?.state !== 'cached' ? core.bytesTotal : 0),
    0,
  );
  const bytesToFetch = cores.reduce((sum, core) => sum + core.bytesToFetch, 0);
  return {
    voices,
    cores,
    bytesTotal: cores.reduce((sum, core) => sum + core.bytesTotal, 0),
    bytesToFetch,
    sharingSavesBytes: Math.max(0, unsharedBytes - sharedBytes),
    neededBytes: bytesToFetch + unpackedBytes,
  };
}
