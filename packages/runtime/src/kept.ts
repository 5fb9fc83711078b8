import {
  type Catalog,
  type Checkpoint,
  checkpointOf,
  type Installed,
  type InstalledFile,
  type Ranges,
  withRange,
} from '@lading/core';
import type { Store } from './ports.js';

/** Good files of an installed core as staged ones. Those of an archive are not what was staged. */
export function keptOf(
  catalog: Catalog,
  core: string,
  good: readonly InstalledFile[],
): Readonly<Record<string, Checkpoint>> {
  if (catalog.core(core)?.archive != null) return {};
  return Object.fromEntries(
    good.map((file) => [file.filename, { bytes: file.sizeBytes, validator: null, origin: null }]),
  );
}

/** What of damaged files is good all the same, piece by piece, where the catalog has the pieces of just the content that was installed. */
export async function goodParts(
  store: Store,
  catalog: Catalog,
  core: string,
  { generation, files }: Installed,
  damaged: readonly { readonly filename: string }[],
): Promise<Readonly<Record<string, Checkpoint>>> {
  const parts: Record<string, Checkpoint> = {};
  for (const { filename } of damaged) {
    const installed = files.find((file) => file.filename === filename);
    const spec = catalog.core(core)?.files.find((file) => file.filename === filename);
    const isSame = spec?.contents[0].sha256 === installed?.sha256 && catalog.core(core)?.archive === null;
    if (spec === undefined || spec.pieces === null || !isSame) continue;
    const { sizeBytes, sha256 } = spec.pieces;
    let ranges: Ranges = [];
    for (const [index, digest] of sha256.entries()) {
      const from = index * sizeBytes;
      const range = { from, to: Math.min(from + sizeBytes, spec.contents[0].sizeBytes) };
      const found = await store.inspect(core, generation, filename, range);
      if (found?.sha256 === digest) ranges = withRange(ranges, range);
    }
    if (ranges.length > 0) parts[filename] = checkpointOf(ranges, { validator: null, origin: null });
  }
  return parts;
}
