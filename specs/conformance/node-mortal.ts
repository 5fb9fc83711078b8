/**
 * A process that dies between two of its steps on a real disk, without being one: every call to the file system is a step, and from
 * the last one on none is answered. A write or a removal that death comes upon is done in part. As in a process that was killed, what it had
 * opened is closed by nobody but the system.
 */
import fs from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';

type Call = (...args: never[]) => Promise<unknown>;

const CALLS = [
  'chmod',
  'link',
  'lstat',
  'mkdir',
  'open',
  'readdir',
  'readFile',
  'rename',
  'rm',
  'rmdir',
  'stat',
  'unlink',
];
const OF_A_HANDLE = ['datasync', 'read', 'stat', 'sync', 'truncate', 'write', 'writeFile'] as const;

const calls = fs.promises as unknown as Record<string, Call>;

/** Sets what programs find under `node:fs/promises`; gives what was there. */
function replace(names: readonly string[], by: (name: string, was: Call) => Call): ReadonlyMap<string, Call> {
  const were = new Map(names.map((name) => [name, calls[name] as Call]));
  for (const [name, was] of were) calls[name] = by(name, was);
  syncBuiltinESMExports();
  return were;
}

/** The arguments of a write of the first half of the bytes. */
function halved(args: readonly unknown[]): never[] {
  const [bytes, offset, length, position] = args;
  return [bytes, offset, Number(length) >> 1, position] as never[];
}

/** Removing a folder takes time: who dies on the way has removed the first of its files. */
async function beginToRemove(path: string): Promise<void> {
  const isFolder = fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  const entries = isFolder ? fs.readdirSync(path, { withFileTypes: true, recursive: true }) : [];
  const first = entries.find((entry) => entry.isFile());
  if (first !== undefined) fs.unlinkSync(join(first.parentPath, first.name));
}

/** Does the work; tells whether it came to its end before so many steps were over. One at a time: all calls of this process count. */
export async function dying(steps: number, work: () => Promise<unknown>): Promise<'done' | 'died'> {
  const opened: FileHandle[] = [];
  let left = steps;
  let die: () => void = () => undefined;
  const death = new Promise<'died'>((resolve) => {
    die = () => resolve('died');
  });
  const step = async (call: () => Promise<unknown>, tear?: () => Promise<unknown>): Promise<unknown> => {
    if (left-- > 0) return await call();
    if (left === -1) await tear?.();
    die();
    return await new Promise(() => undefined);
  };
  const mortal = (handle: FileHandle): FileHandle => {
    opened.push(handle);
    const own = handle as unknown as Record<string, Call>;
    for (const name of OF_A_HANDLE) {
      const was = (own[name] as Call).bind(handle);
      own[name] = (...args) => step(() => was(...args), name === 'write' ? () => was(...halved(args)) : undefined);
    }
    return handle;
  };
  const were = replace(CALLS, (name, was) => (...args) => {
    const call = () => was(...args);
    if (name === 'open') return step(async () => mortal((await call()) as FileHandle));
    return step(call, name === 'rm' ? () => beginToRemove(String(args[0])) : undefined);
  });
  try {
    return await Promise.race([work().then(() => 'done' as const), death]);
  } finally {
    replace([...were.keys()], (name) => were.get(name) as Call);
    for (const handle of opened) await handle.close().catch(() => undefined);
  }
}

/** Lets the next write or sync through any handle fail as a full or broken disk does; of a write, half is done before, and perhaps no error told. */
export async function failNext(action: 'write' | 'half a write' | 'sync'): Promise<void> {
  const probe = await fs.promises.open(fs.realpathSync('.'), 'r');
  const prototype = Object.getPrototypeOf(probe) as Record<string, Call>;
  await probe.close();
  const names = action === 'sync' ? ['sync', 'datasync'] : ['write'];
  const were = new Map(names.map((name) => [name, prototype[name] as Call]));
  const heal = (): void => {
    for (const [name, was] of were) prototype[name] = was;
  };
  for (const [name, was] of were) {
    prototype[name] = async function (this: FileHandle, ...args: never[]) {
      heal();
      if (action === 'sync')
        throw Object.assign(new Error(`EIO: i/o error, ${name}`), { code: 'EIO', errno: -5, syscall: name });
      const taken = await was.call(this, ...halved(args));
      if (action === 'half a write') return taken;
      const message = 'ENOSPC: no space left on device, write';
      throw Object.assign(new Error(message), { code: 'ENOSPC', errno: -28, syscall: 'write' });
    };
  }
}
