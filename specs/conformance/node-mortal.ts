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
/** What is done on a descriptor and tells its end to a function. */
const TOLD = ['close', 'fdatasync', 'fstat', 'ftruncate', 'read', 'writev'];
/** What is done at once. */
const AT_ONCE = ['chmodSync', 'closeSync', 'lstatSync', 'openSync', 'renameSync', 'writevSync'];

type Plain = (...args: never[]) => unknown;

const calls = fs.promises as unknown as Record<string, Plain>;
const plain = fs as unknown as Record<string, Plain>;

/** Sets what programs find under `node:fs/promises`, or under `node:fs`; the function that is returned sets it back. */
function replace(
  place: Record<string, Plain>,
  names: readonly string[],
  by: (name: string, was: Plain) => Plain,
): () => void {
  const were = new Map(names.map((name) => [name, place[name] as Plain]));
  for (const [name, was] of were) place[name] = by(name, was);
  syncBuiltinESMExports();
  return () => {
    for (const [name, was] of were) place[name] = was;
    syncBuiltinESMExports();
  };
}

/** The arguments of a write of the first half of the bytes. */
function halved(args: readonly unknown[]): never[] {
  const [bytes, offset, length, position] = args;
  return [bytes, offset, Number(length) >> 1, position] as never[];
}

/** The same of a write of several chunks: half of the first of them. */
function halvedChunks([fd, chunks, ...rest]: readonly unknown[]): never[] {
  const [first] = chunks as readonly Uint8Array[];
  return [fd, [(first as Uint8Array).subarray(0, (first as Uint8Array).length >> 1)], ...rest] as never[];
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
  const descriptors = new Set<number>();
  let left = steps;
  let die: () => void = () => undefined;
  const death = new Promise<'died'>((resolve) => {
    die = () => resolve('died');
  });
  /** Whether a step is still done. If it is the one that death comes upon, it is torn. */
  const isDone = (tear?: () => unknown): boolean => {
    if (left-- > 0) return true;
    if (left === -1) tear?.();
    die();
    return false;
  };
  const step = async (call: () => unknown, tear?: () => Promise<unknown>): Promise<unknown> => {
    let torn: Promise<unknown> | undefined;
    if (isDone(() => (torn = tear?.()))) return await call();
    await torn;
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
  const heals = [
    replace(calls, CALLS, (name, was) => (...args) => {
      const call = () => was(...args);
      if (name === 'open') return step(async () => mortal((await call()) as FileHandle));
      return step(call, name === 'rm' ? () => beginToRemove(String(args[0])) : undefined);
    }),
    // Who waits to be told is never told.
    replace(plain, TOLD, (name, was) => (...args) => {
      const tear = () =>
        fs.writevSync(...(halvedChunks(args.slice(0, -1)) as unknown as Parameters<typeof fs.writevSync>));
      if (!isDone(name === 'writev' ? tear : undefined)) return undefined;
      if (name === 'close') descriptors.delete(Number(args[0]));
      return was(...args);
    }),
    // What is done at once cannot wait for ever: it is thrown out, and whatever is done about that is not done any more.
    replace(plain, AT_ONCE, (name, was) => (...args) => {
      if (!isDone(name === 'writevSync' ? () => was(...halvedChunks(args)) : undefined)) throw new Error('it is dead');
      const result = was(...args);
      if (name === 'openSync') descriptors.add(Number(result));
      if (name === 'closeSync') descriptors.delete(Number(args[0]));
      return result;
    }),
  ];
  try {
    return await Promise.race([work().then(() => 'done' as const), death]);
  } finally {
    for (const heal of heals) heal();
    for (const handle of opened) await handle.close().catch(() => undefined);
    for (const fd of descriptors) fs.closeSync(fd);
  }
}

const lack = (what: 'sync' | 'write', call: string): Error =>
  what === 'sync'
    ? Object.assign(new Error(`EIO: i/o error, ${call}`), { code: 'EIO', errno: -5, syscall: call })
    : Object.assign(new Error(`ENOSPC: no space left on device, ${call}`), {
        code: 'ENOSPC',
        errno: -28,
        syscall: call,
      });

/** Lets the next write or sync of any file fail as a full or broken disk does; of a write, half is done before, and perhaps no error told. */
export async function failNext(action: 'write' | 'half a write' | 'sync'): Promise<void> {
  const probe = await fs.promises.open(fs.realpathSync('.'), 'r');
  const prototype = Object.getPrototypeOf(probe) as Record<string, Plain>;
  await probe.close();
  const heals: (() => void)[] = [];
  const heal = (): void => {
    for (const each of heals) each();
  };
  if (action === 'sync') {
    heals.push(
      replace(prototype, ['sync', 'datasync'], (name) => () => {
        heal();
        return Promise.reject(lack('sync', name));
      }),
      replace(plain, ['fdatasync'], (name) => (...args) => {
        heal();
        queueMicrotask(() => (args.at(-1) as unknown as (error: Error) => void)(lack('sync', name)));
      }),
    );
    return;
  }
  heals.push(
    replace(
      prototype,
      ['write'],
      (name, was) =>
        async function (this: FileHandle, ...args: never[]) {
          heal();
          const taken = await was.call(this, ...halved(args));
          if (action === 'half a write') return taken;
          throw lack('write', name);
        },
    ),
    replace(plain, ['writev'], (name, was) => (...args) => {
      heal();
      const told = args.at(-1) as unknown as (error: Error | null, taken?: number) => void;
      const tell = (error: Error | null, taken: number) =>
        told(action === 'write' ? lack('write', name) : error, taken);
      was(...([...halvedChunks(args.slice(0, -1)), tell] as never[]));
    }),
    replace(plain, ['writevSync'], (name, was) => (...args) => {
      heal();
      const taken = was(...halvedChunks(args));
      if (action === 'half a write') return taken;
      throw lack('write', name);
    }),
  );
}
