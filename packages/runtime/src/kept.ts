import type { Catalog, Checkpoint, InstalledFile } from '@lading/core';

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
