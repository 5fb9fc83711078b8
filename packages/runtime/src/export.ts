import {
  type Catalog,
  ChecksumError,
  ConfigurationError,
  coreIn,
  type DepotState,
  isUsable,
  type LadingError,
} from '@lading/core';
import { END_BYTES, paddedBytes, writeHeader } from './archive/tar-header.js';
import { EXPORT_MANIFEST, type ExportedCore, type ExportManifest, entryName } from './export-contents.js';
import { inspectCore } from './inspection.js';
import type { Store } from './ports.js';

/** Installed cores as one archive that another machine imports: a plain tar (POSIX.1-2001 pax), its manifest first, the files as they are. */
export interface Export {
  readonly ids: readonly string[];
  readonly cores: readonly ExportedCore[];
  /** Cores that cannot be in it: of what was unpacked from an archive, the catalog vouches for the archive alone, and that was not kept. */
  readonly leftOut: readonly string[];
  readonly sizeBytes: number;
  /** The bytes, in order: the same for the same files, on every machine. Throws if a file changes under the reading. */
  read(): AsyncIterable<Uint8Array>;
}

interface Parts {
  readonly catalog: Catalog;
  readonly state: DepotState;
  readonly store: Pick<Store, 'inspect' | 'read'>;
}

const encoder = new TextEncoder();

/**
 * Reads every file once against its digest, so that nothing damaged leaves the depot. Throws `ConfigurationError` `notReady` for what is not
 * here, or holds nothing but unpacked archives (`notExportable`), `ChecksumError` `damaged` for what is not as it was installed.
 */
export async function exportOf(parts: Parts, ids: readonly string[], cores: readonly string[]): Promise<Export> {
  const { catalog, state, store } = parts;
  const taken = cores.toSorted().filter((core) => catalog.core(core)?.archive == null);
  const leftOut = cores.toSorted().filter((core) => !taken.includes(core));
  const exported: ExportedCore[] = [];
  for (const core of cores) if (!isUsable(coreIn(state, core))) throw notReady(core);
  if (taken.length === 0) throw notExportable(ids, leftOut);
  for (const core of taken) {
    const { installed } = coreIn(state, core).context;
    const inspection = await inspectCore(store, state, core);
    if (installed === null || inspection === null) throw notReady(core);
    if (inspection.damaged.length > 0) throw damaged(core, inspection.damaged);
    const files = installed.files.toSorted((a, b) => (a.filename < b.filename ? -1 : 1));
    const plain = files.map(({ filename, sizeBytes, sha256 }) => ({ filename, sizeBytes, sha256 }));
    exported.push({ id: core, revision: installed.revision, files: plain });
  }
  const generations = new Map(taken.map((core) => [core, coreIn(state, core).context.installed?.generation ?? '']));
  const told: ExportManifest = { lading: 'export', version: 1, ids: [...ids].sort(), cores: exported, leftOut };
  const manifest = encoder.encode(`${JSON.stringify(told, null, 2)}\n`);
  const heads = exported.flatMap(({ id, files }) =>
    files.map((file) => ({ core: id, ...file, header: writeHeader(entryName(id, file.filename), file.sizeBytes) })),
  );
  const head = writeHeader(EXPORT_MANIFEST, manifest.length);
  const sizeBytes = heads.reduce(
    (sum, file) => sum + file.header.length + paddedBytes(file.sizeBytes),
    head.length + paddedBytes(manifest.length) + END_BYTES,
  );
  const read = async function* () {
    yield head;
    yield manifest;
    yield padding(manifest.length);
    for (const { core, filename, sizeBytes: length, header } of heads) {
      yield header;
      let left = length;
      for await (const chunk of store.read(core, generations.get(core) ?? '', filename)) {
        left -= chunk.length;
        if (left < 0) break;
        yield chunk;
      }
      if (left !== 0) throw damaged(core, [{ filename, expected: `${length} bytes`, found: `${length - left} bytes` }]);
      yield padding(length);
    }
    yield new Uint8Array(END_BYTES);
  };
  return { ids: told.ids, cores: exported, leftOut, sizeBytes, read };
}

const padding = (sizeBytes: number): Uint8Array => new Uint8Array(paddedBytes(sizeBytes) - sizeBytes);

const notReady = (core: string): LadingError =>
  new ConfigurationError(`the core "${core}" is not ready, so it cannot be exported`, {
    code: 'notReady',
    remedy: 'Download it first.',
  });

const notExportable = (ids: readonly string[], cores: readonly string[]): LadingError =>
  new ConfigurationError(
    `nothing of ${ids.join(', ')} can be exported: ${cores.join(', ')} was unpacked from an archive that is not kept`,
    { code: 'notExportable', remedy: 'Take the archive itself to the other machine, and import it there.' },
  );

function damaged(
  core: string,
  files: readonly { readonly filename: string; readonly expected: string; readonly found: string | null }[],
): LadingError {
  const [first] = files;
  const what = `${first?.filename}: expected ${first?.expected}, found ${first?.found ?? 'nothing'}`;
  return new ChecksumError(`${core} is not as it was installed: ${what}`, {
    code: 'damaged',
    remedy: 'Repair it with `lading verify --repair`, then export it.',
  });
}
