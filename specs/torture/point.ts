/** One call of the file work of a victim, and what happens there. */
import { seededBytes } from '../origin/seeded-bytes.js';

export const MISFORTUNES = ['kill', 'EIO', 'EIO+', 'ENOSPC', 'ENOSPC+', 'EDQUOT', 'EACCES', 'EMFILE', 'EINTR'] as const;
/** A death as the call is made; or an error once, or (+) from then on. */
export type Misfortune = (typeof MISFORTUNES)[number];

/** The one that waits for the disk, and the one that asks what the system answers at once. */
export const THREADS = ['pool', 'main'] as const;
export type Thread = (typeof THREADS)[number];

export interface Point {
  readonly scenario: string;
  readonly thread: Thread;
  readonly syscall: string;
  /** Counted from 1 among the calls of that name. */
  readonly n: number;
  readonly misfortune: Misfortune;
  /** What strace is told. */
  readonly orders: readonly string[];
}

/** Calls that can tell that there is no room. */
const TAKING: ReadonlySet<string> = new Set([
  'openat',
  'mkdir',
  'write',
  'pwrite64',
  'pwritev',
  'ftruncate',
  'fsync',
  'fdatasync',
  'rename',
  'link',
]);

/** Calls that ask for a right. */
const NAMING: ReadonlySet<string> = new Set(['openat', 'mkdir', 'rename', 'link', 'unlink', 'chmod']);
/** Calls that may take long enough to be interrupted. */
const INTERRUPTED: ReadonlySet<string> = new Set([
  'openat',
  'read',
  'pread64',
  'pwrite64',
  'pwritev',
  'fsync',
  'fdatasync',
  'ftruncate',
]);
/** What the main thread does for Node too, such as loading a module: it may fail once, at a call for the depot, but not from then on. */
const NODES: ReadonlySet<string> = new Set(['openat', 'read', 'close', 'statx', 'getdents64']);

export const nameOf = ({ scenario, thread, syscall, n, misfortune }: Point): string =>
  `${scenario} ${thread === 'main' ? 'main ' : ''}${syscall} ${n} ${misfortune}`;

/** By this call the thread also wakes others, where an error would be a fault of libuv's: it is where the process may die, but not fail. */
const WAKES: ReadonlySet<string> = new Set(['write']);

/** Every point of a scenario: for each call in a trace that concerns the depot, each misfortune that it can meet. */
export function pointsOf(
  scenario: string,
  trace: readonly string[],
  dir: string,
  thread: Thread = 'pool',
): readonly Point[] {
  const counts = new Map<string, number>();
  return trace.flatMap((line) => {
    const syscall = /^(\w+)\(/.exec(line)?.[1];
    if (syscall === undefined || syscall === 'access') return [];
    const n = (counts.get(syscall) ?? 0) + 1;
    counts.set(syscall, n);
    if (!line.includes(dir)) return [];
    return MISFORTUNES.filter((misfortune) => isPossible(syscall, misfortune))
      .map((misfortune) => pointAt(scenario, thread, syscall, n, misfortune))
      .filter(({ misfortune }) => thread === 'pool' || !(misfortune.endsWith('+') && NODES.has(syscall)));
  });
}

function isPossible(syscall: string, misfortune: Misfortune): boolean {
  if (misfortune === 'kill') return true;
  if (WAKES.has(syscall)) return false;
  switch (misfortune) {
    case 'EIO':
    case 'EIO+':
      return true;
    case 'ENOSPC':
    case 'ENOSPC+':
    case 'EDQUOT':
      return TAKING.has(syscall);
    case 'EACCES':
      return NAMING.has(syscall);
    case 'EMFILE':
      return syscall === 'openat';
    case 'EINTR':
      return INTERRUPTED.has(syscall);
    default:
      throw misfortune satisfies never;
  }
}

export function pointAt(scenario: string, thread: Thread, syscall: string, n: number, misfortune: Misfortune): Point {
  const isLasting = misfortune.endsWith('+');
  const what = misfortune === 'kill' ? 'signal=KILL' : `error=${misfortune.replace('+', '')}`;
  const orders = ['-e', `inject=${syscall}:${what}:when=${n}${isLasting ? '+' : ''}`];
  return { scenario, thread, syscall, n, misfortune, orders };
}

/** Some of the points, the same for the same seed, so that every misfortune is among them, and every kind of call with it as long as there is room. */
export function sampleOf(points: readonly Point[], count: number, seed: number): readonly Point[] {
  const luck = new Uint32Array(seededBytes(seed, 4 * points.length).buffer);
  const shuffled = points
    .map((point, i) => ({ point, luck: luck[i] ?? 0 }))
    .sort((a, b) => a.luck - b.luck)
    .map(({ point }) => point);
  const seen = new Map<string, number>();
  const turn = ({ syscall, misfortune }: Point): number => {
    const kind = `${syscall} ${misfortune}`;
    const before = seen.get(kind) ?? 0;
    seen.set(kind, before + 1);
    return before;
  };
  const met = new Set<Misfortune>();
  return shuffled
    .map((point) => {
      const isFirst = !met.has(point.misfortune);
      met.add(point.misfortune);
      const kindTurn = turn(point);
      return { point, turn: isFirst ? -1 : kindTurn };
    })
    .sort((a, b) => a.turn - b.turn)
    .slice(0, count)
    .map(({ point }) => point);
}
