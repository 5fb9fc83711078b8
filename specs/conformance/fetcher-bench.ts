/** What the suite of the fetcher asks of a platform beyond the port: an origin that does as it is told. */
import type { Fetcher, FetchRequest, FetchResponse } from '@lading/runtime';
import { expect } from 'vitest';
import { joined } from './bytes.js';

export interface Served {
  /** As it stands in the header, with quotes. */
  readonly etag?: string;
  /** As it stands in the header. */
  readonly lastModified?: string;
  /** More headers, in whatever case, as often as they stand here. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
}

/** What goes wrong with every request of a path. */
export type Mishap =
  | { readonly type: 'status'; readonly status: number; readonly body: Uint8Array }
  /** No head, ever. */
  | { readonly type: 'silence' }
  /** The connection ends after so many bytes of a body that is longer. */
  | { readonly type: 'drop'; readonly afterBytes: number }
  /** Nothing more after so many bytes. */
  | { readonly type: 'stall'; readonly afterBytes: number };

/** A request as the origin saw it. */
export interface Asked extends Pick<FetchRequest, 'from' | 'ifRange'> {
  /** Null where it cannot be told: a browser that passes by its own cache asks all others to fetch anew too. */
  readonly isFresh: boolean | null;
}

/** What a platform cannot be asked, with the reason why. */
export interface FetcherLacks {
  readonly redirects?: string;
  readonly secrets?: string;
  /** The bytes of an encoded reply are not to be had as they were sent. */
  readonly encoded?: string;
  /** What is on the way when a connection breaks may be dropped, so that only a beginning of the bytes before is there. */
  readonly tail?: string;
  /** Every request asks caches to fetch anew. */
  readonly freshness?: string;
}

export interface FetcherBench extends AsyncDisposable {
  readonly fetcher: Fetcher;
  /** Lets time pass until the promise has settled. */
  until<T>(promise: Promise<T>): Promise<T>;
  /** The URL of a path of the origin, whether anything lies there or not. */
  url(path: string): string;
  put(path: string, bytes: Uint8Array, served?: Served): void;
  mishap(path: string, mishap: Mishap): void;
  /** A URL at whose host nobody listens. */
  readonly deserted: string;
  asked(path: string): readonly Asked[];
  /** Resolves when the first request of a path is with the origin. */
  arrival(path: string): Promise<unknown>;
  /** Resolves when the origin has nothing more to do for the first request of a path, because its client has left. */
  departure(path: string): Promise<unknown>;
  /** The same platform's fetcher, trusted with headers for the origin of `url`; null where none can be. */
  readonly trusting: ((headers: Readonly<Record<string, string>>) => Fetcher) | null;
  /** What every request of a path, at whatever origin, carried under this name. */
  heard(path: string, name: string): readonly (string | null)[];
  /** For platforms whose redirects are the adapter's, or the browser's; null where there are none. */
  readonly redirects: RedirectBench | null;
}

/** The requests of a path, as they should have been; freshness only where it is told. */
export function expectAsked(bench: FetcherBench, path: string, expected: readonly FetchedLike[]): void {
  const asked = bench.asked(path);
  const isTold = asked.every(({ isFresh }) => isFresh !== null);
  expect(asked).toEqual(isTold ? expected : expected.map((each) => ({ ...each, isFresh: null })));
}

type FetchedLike = Pick<FetchRequest, 'from' | 'ifRange' | 'isFresh'>;

export const plain = (url: string): FetchRequest => ({ url, from: null, ifRange: null, isFresh: false });
export interface RedirectBench {
  /** Lets a path answer with a redirect to a path of the same origin. */
  to(path: string, target: string, status: number): void;
  /** Lets a path answer with a redirect to a path of another origin that serves these bytes. */
  abroad(path: string, bytes: Uint8Array): void;
  /** Lets a path answer with a redirect to a path of another origin, and that one with a redirect to a path here. */
  over(path: string, abroad: string, target: string): void;
  /** How often an origin was asked for anything. */
  count(): number;
}

/** All bytes of a body. Copies each chunk, which is the reader's only until it asks for the next. */
export async function bodyOf({ body }: FetchResponse): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(Uint8Array.from(chunk));
  return joined(...chunks);
}
