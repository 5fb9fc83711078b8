import { coreIn, type DepotState } from '@lading/core';
import type { Store } from './ports.js';

/** What a second reading of an installed core found. */
export interface Inspection {
  readonly core: string;
  readonly generation: string;
  readonly files: number;
  readonly bytes: number;
  readonly damaged: readonly { readonly filename: string; readonly expected: string; readonly found: string | null }[];
}

/** Reads each file of an installed core again and compares size and digest with those of its installation. */
export async function inspectCore(
  store: Pick<Store, 'inspect'>,
  state: DepotState,
  core: string,
): Promise<Inspection | null> {
  const { installed } = coreIn(state, core).context;
  if (installed === null) return null;
  const damaged: { filename: string; expected: string; found: string | null }[] = [];
  let bytes = 0;
  for (const file of installed.files) {
    const found = await store.inspect(core, installed.generation, file.filename);
    bytes += file.sizeBytes;
    if (found?.sha256 === file.sha256 && found.sizeBytes === file.sizeBytes) continue;
    damaged.push({ filename: file.filename, expected: file.sha256, found: found?.sha256 ?? null });
  }
  return { core, generation: installed.generation, files: installed.files.length, bytes, damaged };
}
