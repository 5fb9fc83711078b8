import type { InstalledFile } from '@lading/core';
import { type ExtractOptions, FaultError } from '@lading/runtime';
import type { Folder } from './folder.js';

export function extractArchive(
  _folder: Folder,
  _archive: string,
  _target: string,
  options: ExtractOptions,
  _signal: AbortSignal,
): Promise<readonly InstalledFile[]> {
  throw FaultError.of('archiveInvalid', 'unsupported', options.extractType);
}
