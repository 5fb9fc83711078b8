import type { StorageKind } from './capabilities.js';

/** What the browser gives the depot to live in. */
export interface Space {
  readonly storage: StorageKind;
  /** Whether the browser has promised not to evict this site's storage when it needs room. */
  readonly isPersisted: boolean;
  /** By the browser's own account, bytes of the whole origin; null if it does not tell. Hints: a write may fail before. */
  readonly usageBytes: number | null;
  readonly quotaBytes: number | null;
}

export async function spaceOf(storage: StorageKind): Promise<Space> {
  if (storage.type === 'memory') return { storage, isPersisted: false, usageBytes: null, quotaBytes: null };
  const [isPersisted, { usage, quota }] = await Promise.all([
    navigator.storage.persisted(),
    navigator.storage.estimate(),
  ]);
  return { storage, isPersisted, usageBytes: usage ?? null, quotaBytes: quota ?? null };
}
