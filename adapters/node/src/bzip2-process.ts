import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { corrupt } from '@lading/runtime/archive';

/** Of what the tool says on stderr; one line is enough to name the defect. */
const COMPLAINT_BYTES = 1024;

/** The tool reads options from these variables; a user's `BZIP2=-v` must not change what an archive is. */
function environment(): NodeJS.ProcessEnv {
  const { BZIP: _bzip, BZIP2: _bzip2, ...rest } = process.env;
  return rest;
}

/** A started `bzip2 -dc` that reads the descriptor from its beginning, or null where there is none. */
async function start(fd: number): Promise<ChildProcess | null> {
  const child = spawn('bzip2', ['-dc'], { stdio: [fd, 'pipe', 'pipe'], env: environment(), windowsHide: true });
  try {
    await once(child, 'spawn');
    return child;
  } catch {
    // Whatever keeps it from starting (absent, not executable, no process left), our own decoder needs nothing but memory.
    return null;
  }
}

async function* outputOf(child: ChildProcess): AsyncGenerator<Buffer> {
  const closed = once(child, 'close') as Promise<[code: number | null, signal: NodeJS.Signals | null]>;
  let complaint = '';
  child.stderr?.setEncoding('latin1').on('data', (text: string) => {
    complaint = (complaint + text).slice(0, COMPLAINT_BYTES);
  });
  try {
    yield* child.stdout as Readable as AsyncIterable<Buffer>;
    const [code, signal] = await closed;
    if (signal !== null) throw new Error(`bzip2 was ended by ${signal}`);
    // Told by the tool, not by us: that it could not read says nothing about the archive.
    if (code !== 0 && complaint.includes('I/O')) {
      throw Object.assign(new Error(`EIO: ${complaint.trim()}`), {
        code: 'EIO',
        errno: -constants.errno.EIO,
        syscall: 'read',
      });
    }
    if (code !== 0 || complaint.includes('trailing garbage')) {
      throw corrupt(`bzip2: expected a complete .bz2 file, found: ${complaint.trim() || `exit status ${code}`}`);
    }
  } finally {
    child.kill('SIGKILL');
    await closed;
  }
}

/**
 * The unpacked bytes of a `.bz2` file by the system's tool, or by `fallback` where it cannot be started. Promise: the child has ended when
 * the generator has, also when nobody reads to the end; a bad exit, and bytes after the last stream (of which the tool only
 * warns), are `archiveCorrupt`.
 */
export async function* bzip2Output(archivePath: string, fallback: () => AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const file = await open(archivePath, 'r');
  try {
    const child = await start(file.fd);
    // Nothing may be waited for between the start and the first read: when a child exits, Node throws away what nobody reads yet.
    yield* child === null ? fallback() : outputOf(child);
  } finally {
    await file.close();
  }
}
