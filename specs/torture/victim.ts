/** The built command as a process of its own, whose file work is traced, failed or ended at one call. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Point, Thread } from './point.js';

/** Of the tree, from here and from where this is bundled to. */
const root = new URL(import.meta.url.includes('/dist/') ? '../../../' : '../../', import.meta.url);
const attach = fileURLToPath(new URL('specs/torture/attach.cjs', root));
const main = fileURLToPath(new URL('packages/cli/dist/main.js', root));
/** Longer than any life of a victim, which tries six times, 10 ms apart at first; where many want a processor, each gets its part of it. */
const HANG_MS = 30_000;
const hangMs = (): number => HANG_MS * Math.max(1, (loadavg()[0] ?? 0) / availableParallelism());
/** Every call by which Node changes or reads files. `write` is counted apart: the thread wakes others by it, too. */
const CALLS = [
  'access,faccessat2,openat,close,read,pread64,write,pwrite64,writev,pwritev,ftruncate,fsync,fdatasync,rename,renameat,renameat2',
  'link,linkat,unlink,unlinkat,mkdir,mkdirat,rmdir,chmod,fchmod,statx,getdents64,utimensat,statfs,copy_file_range,sendfile,ioctl',
].join(',');

export interface Record {
  readonly type: string;
  readonly id?: string;
  readonly code?: string;
  readonly message?: string;
  readonly paths?: readonly string[];
}

export interface Life {
  /** Null if a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  readonly isHung: boolean;
  readonly records: readonly Record[];
  readonly stderr: string;
  /** The calls of its file work, one a line. */
  readonly trace: readonly string[];
}

export interface Circumstances {
  /** Whose calls are traced. Of both, each call stands where it ended. */
  readonly thread?: Thread | 'both';
  /** Interrupted as a person would. */
  readonly stopAfter?: Promise<unknown>;
}

let lives = 0;

/** Runs the command. With a point, what is ordered there happens to it; the trace is then of that syscall alone. */
export async function live(
  words: readonly string[],
  point: Point | null,
  { thread = point?.thread ?? 'pool', stopAfter }: Circumstances = {},
): Promise<Life> {
  const outfile = `${tmpdir()}/lading-torture-${process.pid}-${lives++}.trace`;
  const args = point === null ? ['-e', `trace=${CALLS}`] : ['-e', `trace=access,${point.syscall}`, ...point.orders];
  const child = spawn(process.execPath, ['-r', attach, main, ...words, '--json'], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      HOME: tmpdir(),
      UV_THREADPOOL_SIZE: '1',
      UV_USE_IO_URING: '0',
      LADING_RETRY_BASE_MS: '10',
      LADING_TORTURE: JSON.stringify({ outfile, args, thread }),
    },
  });
  let [stdout, stderr, isHung] = ['', '', false];
  child.stdout?.on('data', (bytes: Buffer) => {
    stdout += bytes.toString();
  });
  child.stderr?.on('data', (bytes: Buffer) => {
    stderr += bytes.toString();
  });
  let timer: NodeJS.Timeout | undefined;
  child.stdio[3]?.once('data', () => {
    timer = setTimeout(() => {
      isHung = true;
      child.kill('SIGKILL');
    }, hangMs());
  });
  void stopAfter?.then(() => child.kill('SIGINT'));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  clearTimeout(timer);
  const lines = (await readFile(outfile, 'utf8').catch(() => '')).split('\n');
  const trace = thread === 'both' ? joined(lines) : lines;
  await rm(outfile, { force: true });
  return { code, signal, isHung, records: recordsOf(stdout), stderr, trace };
}

/** Of several threads each line begins with its number, and a call that others came into has two halves. */
function joined(lines: readonly string[]): readonly string[] {
  const begun = new Map<string, string>();
  return lines.flatMap((line) => {
    const [, thread = '', call = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
    const [, first] = /^(.*) <unfinished \.\.\.>$/.exec(call) ?? [];
    if (first !== undefined) {
      begun.set(thread, first);
      return [];
    }
    const [, rest] = /^<\.\.\. \w+ resumed>(.*)$/.exec(call) ?? [];
    return [rest === undefined ? call : `${begun.get(thread) ?? ''}${rest}`];
  });
}

/** The last line of a process that was killed may be half a line: that said nothing. */
function recordsOf(stdout: string): readonly Record[] {
  return stdout.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line) as Record];
    } catch {
      return [];
    }
  });
}
