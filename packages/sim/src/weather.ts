import type { Trouble, WeatherAct } from './act.js';
import type { Goods } from './goods.js';
import { between, type Luck, oneOf, weighted } from './luck.js';

/** How likely each kind of trouble is beside the others. 0 never; the sum has no meaning of its own. */
export interface Weather {
  readonly drops: number;
  readonly cuts: number;
  readonly stalls: number;
  readonly silences: number;
  readonly refusals: number;
  /** A connection that is reset before an answer. */
  readonly resets: number;
  /** An answer so late that what was asked for after it comes before it. */
  readonly reorderings: number;
  /** Redirects: to another origin, without end, or to where nobody may follow. */
  readonly redirects: number;
  /** 200 with everything, whatever range was asked for. */
  readonly plainAnswers: number;
  readonly otherEtags: number;
  readonly wrongLengths: number;
  readonly excess: number;
  readonly serverErrors: number;
  /** 429 or 503 with `Retry-After`. */
  readonly tooManyRequests: number;
  readonly notFound: number;
  readonly corruptions: number;
  /** Another pace: slower, in smaller or larger chunks. */
  readonly latency: number;
  /** The publisher puts other bytes under the same URL. */
  readonly replacements: number;
  readonly fullDisks: number;
  readonly freeings: number;
  readonly ioErrors: number;
  readonly journalErrors: number;
  readonly kills: number;
  readonly crashes: number;
  readonly powerCuts: number;
  readonly rot: number;
  readonly losses: number;
  readonly clockJumps: number;
}

export const STORMY: Weather = {
  drops: 6,
  cuts: 3,
  stalls: 4,
  silences: 2,
  refusals: 3,
  resets: 2,
  reorderings: 3,
  redirects: 4,
  plainAnswers: 4,
  otherEtags: 3,
  wrongLengths: 2,
  excess: 1,
  serverErrors: 4,
  tooManyRequests: 3,
  notFound: 2,
  corruptions: 5,
  latency: 6,
  replacements: 2,
  fullDisks: 3,
  freeings: 3,
  ioErrors: 6,
  journalErrors: 2,
  kills: 10,
  crashes: 3,
  powerCuts: 5,
  rot: 2,
  losses: 1,
  clockJumps: 1,
};

export const CALM: Weather = Object.fromEntries(Object.keys(STORMY).map((kind) => [kind, 0])) as unknown as Weather;

/** The kinds that concern a single request. */
const NETWORK = [
  'drops',
  'cuts',
  'stalls',
  'silences',
  'refusals',
  'resets',
  'reorderings',
  'redirects',
  'plainAnswers',
  'otherEtags',
  'wrongLengths',
  'excess',
  'serverErrors',
  'tooManyRequests',
  'notFound',
  'corruptions',
  'latency',
] as const;
export type NetworkKind = (typeof NETWORK)[number];

const isNetwork = (kind: keyof Weather): kind is NetworkKind => (NETWORK as readonly string[]).includes(kind);

/** What goes wrong with a request for a file of so many bytes. */
export function troubleOf(kind: NetworkKind, sizeBytes: number, luck: Luck): Trouble {
  const somewhere = between(luck, 0, sizeBytes + 1);
  switch (kind) {
    case 'drops':
      return { trouble: 'drop', afterBytes: somewhere };
    case 'cuts':
      return { trouble: 'cut', afterBytes: somewhere };
    case 'stalls':
      return { trouble: 'stall', afterBytes: somewhere };
    case 'silences':
      return { trouble: 'silence' };
    case 'refusals':
      return { trouble: 'refuse' };
    case 'resets':
      return { trouble: 'hangUp' };
    case 'reorderings':
      return { trouble: 'late', ms: oneOf(luck, [30, 100, 350]) };
    case 'redirects':
      return {
        trouble: 'redirect',
        status: oneOf(luck, [301, 302, 303, 307, 308]),
        way: oneOf(luck, ['elsewhere', 'elsewhere', 'elsewhere', 'maze', 'plainHttp'] as const),
      };
    case 'plainAnswers':
      return { trouble: 'plainAnswer' };
    case 'otherEtags':
      return { trouble: 'otherEtag' };
    case 'wrongLengths':
      return { trouble: 'wrongLength', bytes: between(luck, 0, 2 * sizeBytes + 2) };
    case 'excess':
      return { trouble: 'excess', bytes: between(luck, 1, 200) };
    case 'serverErrors':
      return { trouble: 'status', status: oneOf(luck, [500, 502, 503, 504, 408]), retryAfterSeconds: null };
    case 'tooManyRequests':
      return { trouble: 'status', status: oneOf(luck, [429, 503]), retryAfterSeconds: between(luck, 0, 8) };
    case 'notFound':
      return { trouble: 'status', status: oneOf(luck, [404, 403, 410, 401]), retryAfterSeconds: null };
    case 'corruptions':
      return { trouble: 'flip', atByte: between(luck, 0, Math.max(1, sizeBytes)) };
    case 'latency':
      return {
        trouble: 'pace',
        chunkBytes: between(luck, 1 + (sizeBytes >> 4), 2 + (sizeBytes >> 1)),
        chunkMs: oneOf(luck, [0, 10, 100, 300, 700]),
      };
    default:
      return kind satisfies never;
  }
}

/** The next thing that the world does to a depot, or null in calm weather. */
export function weatherAct(weather: Weather, goods: Goods, luck: Luck): WeatherAct | null {
  if (Object.values(weather).every((weight) => weight <= 0)) return null;
  const kind = weighted(luck, weather as Readonly<Record<keyof Weather, number>>);
  const [url, source] = oneOf(luck, [...goods.sources]);
  const core = oneOf(luck, [...goods.right.keys()]);
  if (isNetwork(kind)) {
    const trouble = troubleOf(kind, source.bytes.length, luck);
    return { do: 'network', url: luck() < 0.5 ? '*' : url, times: oneOf(luck, [1, 1, 1, 2, 3, 6]), trouble };
  }
  switch (kind) {
    case 'replacements':
      return { do: 'replace', url, lengthDelta: oneOf(luck, [0, 0, -3, 5]) };
    case 'fullDisks':
      return { do: 'fill' };
    case 'freeings':
      return { do: 'free' };
    case 'ioErrors': {
      const action = oneOf(luck, ['read', 'write', 'write', 'sync', 'sync', 'rename', 'remove', 'make'] as const);
      return {
        do: 'disk',
        action,
        where: 'files',
        code: oneOf(luck, ['EIO', 'EIO', 'ENOSPC', 'EACCES']),
        after: between(luck, 0, 6),
      };
    }
    case 'journalErrors': {
      const action = oneOf(luck, ['write', 'sync', 'read', 'make'] as const);
      return { do: 'disk', action, where: 'journal', code: oneOf(luck, ['EIO', 'ENOSPC']), after: between(luck, 0, 4) };
    }
    case 'kills':
      return { do: 'kill', afterSteps: between(luck, 0, 120) };
    case 'crashes':
      return { do: 'crash' };
    case 'powerCuts':
      return { do: 'powerCut', isLucky: luck() < 0.6 };
    case 'rot':
      return { do: 'rot', core };
    case 'losses':
      return { do: 'lose', core };
    case 'clockJumps':
      return { do: 'clock', backMs: oneOf(luck, [-600_000, -5_000, 5_000, 600_000]) };
    default:
      return kind satisfies never;
  }
}

/** What goes wrong with one request, when each kind has its own chance; null if nothing does. */
export function forecast(weather: Partial<Weather>, sizeBytes: number, luck: Luck): Trouble | null {
  let roll = luck();
  for (const kind of NETWORK) {
    roll -= weather[kind] ?? 0;
    if (roll < 0) return troubleOf(kind, sizeBytes, luck);
  }
  return null;
}
