import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { LIMITS } from '@lading/core';
import { FaultError, type ImportSource } from '@lading/runtime';
import { fsFault } from './fs-fault.js';

/** Folders within a folder that is imported; deeper ones are a loop of links, or none of ours. */
const FOLDERS_DEEP = 16;

/** A file as a source, or every file below a folder, links followed. Throws `FaultError` for what cannot be looked at. */
export async function fileSources(path: string): Promise<readonly ImportSource[]> {
  const found: ImportSource[] = [];
  await gather(path, path, 0, found);
  return found;
}

async function gather(path: string, name: string, deep: number, found: ImportSource[]): Promise<void> {
  const isFound = deep > 0;
  try {
    const there = await stat(path);
    if (there.isFile()) found.push(fileSource(path, name, there.size, isFound));
    // A pipe or a device has no size, and may never end.
    else if (!there.isDirectory()) throw notAFile(path);
    else if (deep < FOLDERS_DEEP)
      for (const each of (await readdir(path)).sort())
        await gather(join(path, each), join(name, each), deep + 1, found);
  } catch (error) {
    // What is only met on the way may be whatever it is: a dead link, a socket, another user's folder.
    if (!isFound) throw error instanceof FaultError ? error : fsFault(error, 'read', path);
  }
  if (found.length > LIMITS.archiveFiles)
    throw FaultError.of('storageError', 'tooMany', `${path}: more than ${LIMITS.archiveFiles} files`);
}

function fileSource(path: string, name: string, sizeBytes: number, isFound: boolean): ImportSource {
  return {
    name,
    sizeBytes,
    isFound,
    async *read(from, to) {
      if (from === to) return;
      try {
        yield* createReadStream(path, { start: from, end: to - 1, highWaterMark: 1024 * 1024 });
      } catch (error) {
        throw fsFault(error, 'read', path);
      }
    },
  };
}

const notAFile = (path: string): FaultError =>
  FaultError.of('storageError', 'noFile', `${basename(path)} is neither a file nor a folder`);
