import type { Policy } from '@lading/core';
import type { TransferLimits } from '@lading/runtime';
import { type Goods, goodsOf, type Shelf } from './goods.js';
import { miniatureOf } from './miniature.js';
import type { Weather } from './weather.js';

export interface WorldOptions {
  /** Decides everything that is left to luck. The same seed gives the same world, to the byte. */
  readonly seed?: number;
  /** What there is to download: a shelf of made-up files, or the manifest of an app, whose files are made up in small. */
  readonly catalog: Shelf | Goods | { readonly version: number };
  /** For each request the chance, 0 to 1, that this goes wrong with it. Default: nothing does. */
  readonly weather?: Partial<Weather>;
  readonly policy?: Partial<Policy>;
  /** Without a byte for so long a request is stalled, simulated milliseconds. */
  readonly stallMs?: number;
  readonly limitBytesPerSecond?: number;
  /** Requests that one file may have under way at once; default one. */
  readonly connections?: number;
  /** From which size on it may, and what each asks for. Small, or no world would be large enough. */
  readonly transfer?: Partial<TransferLimits>;
  /** Time that each call to the disk takes, simulated milliseconds; default none. */
  readonly diskMs?: number;
  /** How the network serves when nothing is wrong with it. */
  readonly pace?: { readonly chunkBytes: number; readonly chunkMs: number; readonly latencyMs: number };
}

function isGoods(catalog: WorldOptions['catalog']): catalog is Goods {
  return 'sources' in catalog;
}

/** What is on offer, in whichever way it was described. */
export const goodsFor = (catalog: WorldOptions['catalog']): Goods => {
  if (isGoods(catalog)) return catalog;
  return 'version' in catalog ? miniatureOf(catalog) : goodsOf(catalog);
};
