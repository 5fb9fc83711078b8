import { FaultError } from '@lading/runtime';
import { nameOf } from './fs-fault.js';
import { memoryFolder } from './memory-folder.js';

/**
 * Where the bytes are. `opfs` survives the page, unless the browser evicts the site. `memory` is all that is left where a private window
 * refuses storage, or a browser is too old for synchronous access handles: it ends with the page.
 */
export type StorageKind =
  | { readonly type: 'opfs' }
  | { readonly type: 'memory'; readonly reason: 'refused' | 'noSyncAccess'; readonly message: string };

export interface Ground {
  readonly kind: StorageKind;
  readonly root: FileSystemDirectoryHandle;
}

/** What a depot cannot do without, told before anything is tried. */
export function mustBeAble(): void {
  const missing = (what: string, remedy: string) =>
    FaultError.of('filePermissions', 'notSupported', `this page has no ${what}: ${remedy}`);
  if (!isSecureContext)
    throw missing('secure context', `serve it over https: or from localhost, not from ${location.origin}`);
  if (navigator.locks === undefined) throw missing('Web Locks', 'use a browser of 2022 or newer');
  if (typeof indexedDB === 'undefined') throw missing('IndexedDB', 'allow the site to store');
}

/** Finds out by doing it: a browser that has the functions may still refuse them. */
export async function groundOf(dir: string): Promise<Ground> {
  try {
    const top = await navigator.storage.getDirectory();
    const root = await top.getDirectoryHandle(dir, { create: true });
    // One at a time: a browser that restores many tabs at once would refuse the file to all but one, as if it could not.
    const isAble = await navigator.locks.request(`lading:probe:${dir}`, () => hasSyncAccess(root));
    const reason = isAble ? null : 'noSyncAccess';
    if (reason === null) return { kind: { type: 'opfs' }, root };
    return inMemory(reason, 'this browser has no synchronous access to stored files');
  } catch (error) {
    return inMemory('refused', `the browser refuses storage to this page (${nameOf(error)}), as private windows do`);
  }
}

function inMemory(reason: 'refused' | 'noSyncAccess', why: string): Ground {
  const message = `${why}: downloads are kept in memory and end with the page`;
  return { kind: { type: 'memory', reason, message }, root: memoryFolder() };
}

const PROBE = '.probe';

async function hasSyncAccess(root: FileSystemDirectoryHandle): Promise<boolean> {
  const file = await root.getFileHandle(PROBE, { create: true });
  if (typeof file.createSyncAccessHandle !== 'function' || typeof file.move !== 'function') return false;
  try {
    (await file.createSyncAccessHandle()).close();
    return true;
  } finally {
    await root.removeEntry(PROBE).catch(() => undefined);
  }
}
