import { FaultError } from '@lading/runtime';
import { describe, expect, it } from 'vitest';
import { nextPage, readTreePage, type TreeEntry } from './tree.js';

const sha256 = 'c'.repeat(64);
const blob = 'd'.repeat(40);

function entriesOf(...items: readonly unknown[]): Map<string, TreeEntry> {
  const entries = new Map<string, TreeEntry>();
  readTreePage(items, entries, 'the page');
  return entries;
}

describe('a page of the listing', () => {
  it('gives the sha256 of a large file, and not the blob of its pointer', () => {
    const item = { type: 'file', oid: blob, size: 7, path: 'a', lfs: { oid: sha256, size: 900, pointerSize: 134 } };
    expect(entriesOf(item).get('a')).toEqual({ sizeBytes: 900, sha256, gitBlob: null });
  });

  it('gives the git blob id of a small one', () => {
    expect(entriesOf({ type: 'file', oid: blob, size: 7, path: 'a' }).get('a')).toEqual({
      sizeBytes: 7,
      sha256: null,
      gitBlob: blob,
    });
  });

  it('passes over folders and whatever has no size or digest that can be read', () => {
    const file = { type: 'file', oid: blob, size: 7, path: 'a' };
    const wrong = [
      { ...file, type: 'directory' },
      { ...file, size: -1 },
      { ...file, size: 1.5 },
      { ...file, size: '7' },
      { ...file, oid: 'D'.repeat(40) },
      { ...file, oid: undefined },
      { ...file, path: 7 },
      { ...file, lfs: { oid: blob, size: 7 } },
      null,
      'a',
    ];
    expect(entriesOf(...wrong).size).toBe(0);
  });

  it('is a list', () => {
    expect(() => readTreePage({ error: 'x' }, new Map(), 'the page')).toThrow(FaultError);
  });
});

describe('the next page', () => {
  it.each([
    ['<https://hub.test/a?cursor=1>; rel="next"', 'https://hub.test/a?cursor=1'],
    ['<https://hub.test/a,b;c>; rel=next', 'https://hub.test/a,b;c'],
    ['<https://hub.test/0>; rel="first", <https://hub.test/2>; title="x"; rel="next last"', 'https://hub.test/2'],
    ['<https://hub.test/0>; rel="prev"', null],
    ['<https://hub.test/0>; rel="nextish"', null],
    ['<https://hub.test/0>; rel=nextish', null],
    ['nonsense', null],
    [undefined, null],
  ])('in %s is %s', (link, next) => {
    expect(nextPage(link)).toBe(next);
  });

  it('is looked for in a hostile header without end to no avail', () => {
    const hostile = ['<'.repeat(60_000), '<a>;'.repeat(15_000), `<a>${'; rel="'.repeat(8_000)}`];
    for (const text of [...hostile, `<a>;rel="${' '.repeat(60_000)}`]) expect(nextPage(text)).toBeNull();
  });
});
