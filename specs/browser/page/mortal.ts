/**
 * A worker that dies between two of its steps on a real private file system, without being one: every call to it is a step, and from the last
 * one on none is answered. What was open is closed, as the browser does for a worker that ended.
 */
const CALLS = ['getDirectoryHandle', 'getFileHandle', 'removeEntry', 'getFile', 'move', 'createSyncAccessHandle'];
const SYNC_CALLS = ['write', 'flush', 'truncate'];

type Call = (...args: unknown[]) => unknown;

/** Thrown where a call that cannot wait for ever is not answered any more. */
class Death extends Error {}

export async function dying(
  root: FileSystemDirectoryHandle,
  steps: number,
  work: (root: FileSystemDirectoryHandle) => Promise<unknown>,
): Promise<'done' | 'died'> {
  const opened: FileSystemSyncAccessHandle[] = [];
  let left = steps;
  let die: () => void = () => undefined;
  const death = new Promise<'died'>((resolve) => {
    die = () => resolve('died');
  });
  const isDead = (): boolean => {
    if (left-- > 0) return false;
    die();
    return true;
  };
  const never = () => new Promise<never>(() => undefined);

  const access = (handle: FileSystemSyncAccessHandle): FileSystemSyncAccessHandle => {
    opened.push(handle);
    return new Proxy(handle, {
      get: (target, key) => {
        const value = Reflect.get(target, key, target) as Call;
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          if (SYNC_CALLS.includes(String(key)) && isDead()) {
            const [bytes, place] = args;
            // A write that death comes upon is done in part.
            if (key === 'write')
              value.call(target, (bytes as Uint8Array).subarray(0, (bytes as Uint8Array).length >> 1), place);
            throw new Death();
          }
          return left < 0 ? undefined : value.apply(target, args);
        };
      },
    });
  };
  /** The handles behind the mortal ones, for calls that take a handle. */
  const originals = new WeakMap<object, object>();
  const immortal = (value: unknown): unknown =>
    typeof value === 'object' && value !== null ? (originals.get(value) ?? value) : value;
  const mortal = <T extends FileSystemHandle>(handle: T): T => {
    const proxy = new Proxy(handle, {
      get: (target, key) => {
        const value = Reflect.get(target, key, target) as Call;
        if (typeof value !== 'function') return value;
        if (key === 'entries') return () => mortalEntries(target as unknown as FileSystemDirectoryHandle);
        if (!CALLS.includes(String(key))) return value.bind(target);
        return async (...args: unknown[]) => {
          if (isDead()) return await never();
          const found = await value.apply(target, args.map(immortal));
          if (key === 'createSyncAccessHandle') return access(found as FileSystemSyncAccessHandle);
          return found instanceof FileSystemHandle ? mortal(found) : found;
        };
      },
    });
    originals.set(proxy, handle);
    return proxy;
  };
  async function* mortalEntries(folder: FileSystemDirectoryHandle) {
    if (isDead()) await never();
    for await (const [name, handle] of folder.entries()) yield [name, mortal(handle)] as const;
  }
  try {
    const done = work(mortal(root)).then(
      () => 'done' as const,
      (error: unknown) => {
        if (left < 0) return 'died' as const;
        throw error;
      },
    );
    return await Promise.race([done, death]);
  } finally {
    for (const handle of opened) handle.close();
  }
}
