import {
  type Catalog,
  ChecksumError,
  ConfigurationError,
  type CoreSpec,
  coreIn,
  type FileSpec,
  isWorking,
  LadingError,
} from '@lading/core';
import type { Conductor } from './conductor.js';
import { FaultError } from './fault-error.js';
import { baseName, type ImportSource } from './import-source.js';
import type { Proven } from './job.js';
import type { Performer } from './perform.js';
import type { Store } from './ports.js';
import { algorithmsFor, expectedDigest, proofOf } from './proof.js';

export interface ImportedFile {
  readonly core: string;
  readonly filename: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly proof: Proven['proof'];
  /** The name of the source that it came from. */
  readonly source: string;
}

/** What an import brought, and what of its cores is still to be fetched. */
export interface Imported {
  /** What the files are for: the id that was named, or those that an export names. */
  readonly ids: readonly string[];
  readonly files: readonly ImportedFile[];
  readonly missing: readonly { readonly core: string; readonly filename: string; readonly sizeBytes: number }[];
  /** Found in a folder, and no files of ours. */
  readonly passedOver: readonly string[];
}

export interface ImportParts {
  readonly catalog: Catalog;
  readonly conductor: Conductor;
  readonly performer: Performer;
  readonly store: Store;
}

/** Where sources are read to while nobody knows what they are. No core can be called so. */
const LOBBY = '.import';

interface Wanted {
  readonly core: CoreSpec;
  readonly file: FileSpec;
}

interface Match extends Wanted {
  /** The name in the lobby. */
  readonly lobby: string;
  readonly found: ImportedFile;
}

/**
 * Brings files that somebody has into staging. All of them are read and judged first, beside the cores: one that is none of the wanted files
 * changes nothing. Then, core by core and between its jobs, they take their places, and the journal is told. Installing them is an ordinary
 * download, which finds its bytes there and proves them once more. Who comes second waits.
 */
export function importFiles(
  parts: ImportParts,
  cores: readonly string[],
  sources: readonly ImportSource[],
  signal?: AbortSignal,
): Promise<Omit<Imported, 'ids'>> {
  return parts.performer.between(LOBBY, async () => {
    try {
      return await new Import(parts, cores, signal).run(sources);
    } finally {
      await parts.store.remove(LOBBY);
    }
  });
}

class Import {
  private readonly wanted: readonly Wanted[];
  private readonly specs: readonly CoreSpec[];

  constructor(
    private readonly parts: ImportParts,
    cores: readonly string[],
    private readonly signal: AbortSignal | undefined,
  ) {
    this.specs = cores.flatMap((id) => parts.catalog.core(id) ?? []);
    this.wanted = this.specs.flatMap((core) => core.files.map((file) => ({ core, file })));
  }

  async run(sources: readonly ImportSource[]): Promise<Omit<Imported, 'ids'>> {
    for (const { id } of this.specs) this.mustRest(id);
    await this.parts.store.remove(LOBBY);
    const known = sources.filter((source) => this.sized(source).length > 0);
    await this.expectRoom(known.reduce((sum, source) => sum + source.sizeBytes, 0));
    const matches = new Map<FileSpec, Match>();
    const passedOver: string[] = [];
    for (const [i, source] of sources.entries()) {
      const found = await this.matched(source, `${i}`);
      if (found.length === 0) passedOver.push(source.name);
      for (const match of found) if (!matches.has(match.file)) matches.set(match.file, match);
    }
    if (matches.size === 0) throw this.nothing(sources);
    for (const spec of this.specs)
      await this.bring(
        spec,
        [...matches.values()].filter(({ core }) => core.id === spec.id),
      );
    return { files: [...matches.values()].map(({ found }) => found), missing: this.missing(), passedOver };
  }

  private sized({ sizeBytes }: ImportSource): readonly Wanted[] {
    return this.wanted.filter(({ file }) => file.contents.some((content) => content.sizeBytes === sizeBytes));
  }

  private async expectRoom(neededBytes: number): Promise<void> {
    const freeBytes = await this.parts.store.freeBytes();
    if (freeBytes === null || neededBytes <= freeBytes) return;
    const message = `not enough space: ${neededBytes} bytes are needed, ${freeBytes} are free`;
    throw FaultError.of('noSpace', 'preflight', message, { neededBytes, freeBytes });
  }

  /** The files that a source is. None for one that was only found; throws `ChecksumError` for one that was named. */
  private async matched(source: ImportSource, lobby: string): Promise<readonly Match[]> {
    const candidates = this.sized(source);
    const digests = candidates.length === 0 ? {} : await this.readIn(source, lobby, candidates);
    const matches = candidates.flatMap(({ core, file }): Match[] => {
      const proof = proofOf(file, source.sizeBytes, digests);
      // A size alone tells nothing about what a file is: then it must at least be called so.
      if (proof === null || (proof === 'size' && baseName(file.filename) !== baseName(source.name))) return [];
      const { name, sizeBytes } = source;
      const { filename } = file;
      const sha256 = digests.sha256 ?? '';
      return [{ core, file, lobby, found: { core: core.id, filename, sizeBytes, sha256, proof, source: name } }];
    });
    if (matches.length > 0) return matches;
    const isOurs = this.wanted.some(({ file }) => baseName(file.filename) === baseName(source.name));
    if (source.isFound === true && !isOurs) return [];
    throw this.mismatch(source, digests.sha256);
  }

  private async readIn(source: ImportSource, lobby: string, candidates: readonly Wanted[]) {
    const { sizeBytes } = source;
    const algorithms = [...new Set(candidates.flatMap(({ file }) => algorithmsFor(file)))];
    const staged = await this.parts.store.stage(LOBBY, lobby, { bytes: 0, sizeBytes, algorithms });
    try {
      for await (const chunk of source.read(0, sizeBytes)) {
        this.signal?.throwIfAborted();
        if (staged.bytes + chunk.length > sizeBytes) throw changed(source, 'more');
        await staged.write(chunk);
      }
      if (staged.bytes !== sizeBytes) throw changed(source, String(staged.bytes));
      await staged.sync();
      return await staged.digests();
    } finally {
      await staged.close();
    }
  }

  private isHere(spec: CoreSpec): boolean {
    const { phase, context } = coreIn(this.parts.conductor.state, spec.id);
    return phase === 'ready' && context.installed?.revision === spec.revision;
  }

  private async bring(spec: CoreSpec, matches: readonly Match[]): Promise<void> {
    if (matches.length === 0) return;
    const { conductor, performer, store } = this.parts;
    const { id: core, revision } = spec;
    await performer.between(core, async () => {
      this.mustRest(core);
      if (this.isHere(spec)) return;
      const staged = async (bytes: Readonly<Record<string, number>>) => {
        const files = Object.entries(bytes).map(
          ([file, length]) => [file, { bytes: length, validator: null, origin: null }] as const,
        );
        await conductor.report({ type: 'staged', core, revision, files: Object.fromEntries(files) });
      };
      const { durable } = coreIn(conductor.state, core).context;
      const replaced = matches.map(({ file }) => file.filename).filter((name) => durable[name] !== undefined);
      // Recorded first: a crash in between must not leave a record of bytes that others have taken the place of.
      if (replaced.length > 0) await staged(Object.fromEntries(replaced.map((name) => [name, 0])));
      const bytes: Record<string, number> = {};
      for (const { file, lobby } of matches) {
        this.signal?.throwIfAborted();
        const length = await store.adopt(core, file.filename, { core: LOBBY, generation: null, file: lobby });
        if (length === null) throw new Error(`${LOBBY}/${lobby} is gone`);
        bytes[file.filename] = length;
      }
      await staged(bytes);
      const { durable: now } = coreIn(conductor.state, core).context;
      if (Object.entries(bytes).some(([name, length]) => now[name]?.bytes !== length))
        throw busy(core, 'cancelled or deleted meanwhile');
    });
  }

  /** The files of a core that is at work are its job's. */
  private mustRest(core: string): void {
    const entity = coreIn(this.parts.conductor.state, core);
    const isLeaving = entity.phase === 'cancelling' || entity.phase === 'deleting';
    if (isWorking(entity) || isLeaving) throw busy(core, `in work: ${entity.phase}`);
  }

  private missing(): Imported['missing'] {
    return this.specs.flatMap((spec) => {
      const { context } = coreIn(this.parts.conductor.state, spec.id);
      if (this.isHere(spec)) return [];
      const durable = context.revision === spec.revision ? context.durable : {};
      return spec.files
        .filter(({ filename, contents }) => !contents.some(({ sizeBytes }) => sizeBytes === durable[filename]?.bytes))
        .map(({ filename, contents }) => ({ core: spec.id, filename, sizeBytes: contents[0].sizeBytes }));
    });
  }

  private mismatch(source: ImportSource, sha256: string | undefined): LadingError {
    const named = this.wanted.filter(({ file }) => baseName(file.filename) === baseName(source.name));
    const likely = named.length > 0 ? named : this.wanted;
    const expected = likely.slice(0, 3).map(({ core, file }) => {
      const sizes = file.contents.map(({ sizeBytes }) => sizeBytes).join(' or ');
      return `${core.id}/${file.filename} with ${sizes} bytes and ${expectedDigest(file)}`;
    });
    const more = likely.length > 3 ? ` or ${likely.length - 3} more` : '';
    const found = `${source.sizeBytes} bytes${sha256 === undefined ? '' : ` with sha256 ${sha256}`}`;
    return new ChecksumError(
      `${source.name} is none of the files: expected ${expected.join(', ')}${more}, found ${found}`,
      {
        code: 'checksumMismatch',
        remedy: 'Get the file that the catalog names, or download it; nothing was changed.',
      },
    );
  }

  private nothing(sources: readonly ImportSource[]): LadingError {
    const names = sources.slice(0, 3).map(({ name }) => name);
    return new ChecksumError(
      `none of ${sources.length} files${names.length > 0 ? ` (${names.join(', ')}…)` : ''} is one of ${this.specs.map(({ id }) => id).join(', ')}`,
      {
        code: 'checksumMismatch',
        remedy: 'Name the folder or the files that hold what the catalog names; nothing was changed.',
      },
    );
  }
}

const changed = (source: ImportSource, found: string): LadingError =>
  new LadingError(`${source.name} changed while it was read: expected ${source.sizeBytes} bytes, found ${found}`, {
    code: 'interrupted',
    remedy: 'Import it when nobody writes to it any more.',
  });

const busy = (core: string, why: string): LadingError =>
  new ConfigurationError(`files of the core "${core}" cannot be imported: it is ${why}`, {
    code: 'coreBusy',
    remedy: 'Pause it, or wait until it is done, then import again.',
  });
