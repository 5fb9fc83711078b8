import type { MemoryNetwork, NetworkFault } from '@lading/memory';
import type { Trouble, Way } from './act.js';
import type { Goods } from './goods.js';

/** Another host that has everything. What the catalog names may be redirected there. */
const ELSEWHERE = 'cdn.example.net';

function redirectOf(status: number, way: Way): NetworkFault {
  switch (way) {
    case 'elsewhere':
      return { type: 'moved', status, origin: `https://${ELSEWHERE}` };
    case 'plainHttp':
      return { type: 'moved', status, origin: `http://${ELSEWHERE}` };
    case 'maze':
      return { type: 'maze', status };
    default:
      return way satisfies never;
  }
}

function faultOf(trouble: Trouble): NetworkFault {
  switch (trouble.trouble) {
    case 'drop':
    case 'cut':
    case 'stall':
      return { type: trouble.trouble, afterBytes: trouble.afterBytes };
    case 'silence':
    case 'refuse':
    case 'hangUp':
      return { type: trouble.trouble };
    case 'late':
      return { type: 'late', ms: trouble.ms };
    case 'redirect':
      return redirectOf(trouble.status, trouble.way);
    case 'plainAnswer':
      return { type: 'ignoreRange' };
    case 'otherEtag':
      return { type: 'headers', headers: { etag: '"of-another-content"' } };
    case 'status': {
      const { status, retryAfterSeconds } = trouble;
      return {
        type: 'status',
        status,
        headers: retryAfterSeconds === null ? {} : { 'retry-after': String(retryAfterSeconds) },
      };
    }
    case 'wrongLength':
      return { type: 'headers', headers: { 'content-length': String(trouble.bytes) } };
    case 'excess':
      return { type: 'excess', bytes: new Uint8Array(trouble.bytes) };
    case 'flip':
      return { type: 'flip', atByte: trouble.atByte };
    case 'pace':
      return { type: 'pace', chunkBytes: trouble.chunkBytes, chunkMs: trouble.chunkMs };
    default:
      return trouble satisfies never;
  }
}

/** Times an order serves when it shall hold until `heal`. */
const ALWAYS = Number.POSITIVE_INFINITY;

/**
 * The network in the hands of a test. `on` is a URL, a core, `core/file`, or `*` for everything (the default); `times` is how many requests
 * it concerns (default one).
 */
export class NetworkHandle {
  private isOnline = true;

  constructor(
    readonly memory: MemoryNetwork,
    private readonly goods: () => Goods,
    private readonly pace: { readonly chunkBytes: number; readonly chunkMs: number; readonly latencyMs: number },
  ) {}

  /** Puts everything that the catalog names on the network, as it should be. */
  stock(): void {
    for (const [url, { bytes }] of this.goods().sources) this.serve(url, bytes, this.pace);
  }

  private serve(url: string, bytes: Uint8Array, how: Parameters<MemoryNetwork['put']>[2]): void {
    this.memory.put(url, bytes, how);
    this.memory.put(url.replace(/^https:\/\/[^/]+/, `https://${ELSEWHERE}`), bytes, how);
  }

  /** The URLs that a name stands for. Throws if it stands for none. */
  urlsOf(on: string): readonly string[] {
    if (on === '*') return ['*'];
    const named = [...this.goods().sources].filter(([url, { core, file }]) =>
      [url, core, `${core}/${file}`].includes(on),
    );
    if (named.length === 0) throw new RangeError(`nothing on this network is called "${on}"`);
    return named.map(([url]) => url);
  }

  order(trouble: Trouble, on = '*', times = 1): void {
    for (const url of this.urlsOf(on)) this.memory.fail(url, faultOf(trouble), times);
  }

  /** The connection breaks after so many bytes of the next response. */
  dropAfter(afterBytes: number, on = '*', times = 1): void {
    this.order({ trouble: 'drop', afterBytes }, on, times);
  }

  /** Nothing more comes after so many bytes, and nobody says why. */
  stallAfter(afterBytes: number, on = '*', times = 1): void {
    this.order({ trouble: 'stall', afterBytes }, on, times);
  }

  /** The server answers with this status and none of the bytes. */
  answer(
    status: number,
    options: { readonly retryAfterSeconds?: number; readonly on?: string; readonly times?: number } = {},
  ): void {
    this.order(
      { trouble: 'status', status, retryAfterSeconds: options.retryAfterSeconds ?? null },
      options.on,
      options.times,
    );
  }

  /** The server sends us to another host, which has the file; or round in circles; or to where nobody may follow. */
  redirect(
    options: { readonly status?: number; readonly way?: Way; readonly on?: string; readonly times?: number } = {},
  ): void {
    const { status = 302, way = 'elsewhere', on, times } = options;
    this.order({ trouble: 'redirect', status, way }, on, times);
  }

  /** The answer comes so much later that others overtake it. */
  delayBy(ms: number, on = '*', times = 1): void {
    this.order({ trouble: 'late', ms }, on, times);
  }

  /** One bit of the file is turned over on the way. */
  corrupt(atByte: number, on = '*', times = 1): void {
    this.order({ trouble: 'flip', atByte }, on, times);
  }

  /** From now on so many bytes come each so many milliseconds. */
  pacedAt(chunkBytes: number, chunkMs: number, on = '*'): void {
    this.order({ trouble: 'pace', chunkBytes, chunkMs }, on, ALWAYS);
  }

  /** No connection, until `heal`. */
  goOffline(): void {
    if (!this.isOnline) return;
    this.isOnline = false;
    this.memory.heal();
    this.order({ trouble: 'refuse' }, '*', ALWAYS);
  }

  /** The publisher puts other bytes, perhaps more or fewer, under a URL that the catalog names. */
  replace(url: string, lengthDelta: number): void {
    const source = this.goods().sources.get(url);
    if (source === undefined) throw new RangeError(`nothing on this network is called "${url}"`);
    const other = new Uint8Array(Math.max(0, source.bytes.length + lengthDelta)).fill(0x58);
    this.serve(url, other, { ...this.pace, etag: `"replaced-${other.length}"` });
  }

  /** Everything is reachable and right again. */
  heal(): void {
    this.isOnline = true;
    this.memory.heal();
    this.stock();
  }
}
