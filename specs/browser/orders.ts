/** What a page asks of the origin it was loaded from, in plain values; bytes are base64. */
import type { Asked, Mishap, Served } from '../conformance/fetcher-bench.js';

type At = { readonly bench: string; readonly path: string };
type PlainMishap =
  | Exclude<Mishap, { readonly type: 'status' }>
  | { readonly type: 'status'; readonly status: number; readonly body: string };

export type Order =
  | { readonly type: 'begin' }
  | ({ readonly type: 'url' } & At)
  | ({ readonly type: 'put'; readonly bytes: string; readonly served: Served } & At)
  | ({ readonly type: 'mishap'; readonly mishap: PlainMishap } & At)
  | ({ readonly type: 'asked' | 'arrival' | 'departure' } & At)
  | ({ readonly type: 'redirect'; readonly target: string; readonly status: number } & At)
  | ({ readonly type: 'abroad'; readonly bytes: string } & At)
  | { readonly type: 'count'; readonly bench: string };

export interface OrderAnswer {
  readonly begin: { readonly bench: string; readonly deserted: string };
  readonly url: string;
  readonly asked: readonly Asked[];
  readonly count: number;
  readonly put: null;
  readonly mishap: null;
  readonly arrival: null;
  readonly departure: null;
  readonly redirect: null;
  readonly abroad: null;
}
