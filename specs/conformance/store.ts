/**
 * The sentences of the store: staged bytes that grow without a hole, generations that are final and right or not there at all. A platform
 * passes when its disk behaves as these say, whatever it is made of.
 */
import { describe } from 'vitest';
import { accounts } from './accounts.js';
import { archives } from './archives.js';
import { itUnless } from './sentence.js';
import { shelves } from './shelves.js';
import { staging } from './staging.js';
import type { MakeStore, StoreLacks, StoreSentence } from './store-bench.js';
import { storeDeath } from './store-death.js';
import { storeSpace } from './store-space.js';

/** The size of a disk that is to be filled, bytes. */
const SMALL_DISK_BYTES = 2 * 1024 * 1024;

export function storeConformance(name: string, make: MakeStore, lacks: StoreLacks = {}): void {
  const on =
    (diskBytes: number | null): StoreSentence =>
    (lack, words, test) =>
      itUnless(lack, words, async () => {
        await using bench = await make({ diskBytes });
        await test(bench);
      });

  describe(`the store of ${name}`, () => {
    describe('stages a file that', () => staging(on(null), lacks));
    describe('keeps generations:', () => shelves(on(null)));
    describe('gives account', () => accounts(on(null)));
    describe('unpacks an archive', () => archives(on(null)));
    describe('after a death', () => storeDeath(on(null), lacks));
    describe('on a full disk', () => storeSpace(on(SMALL_DISK_BYTES), lacks));
  });
}
