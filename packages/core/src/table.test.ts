import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Table } from './table.js';

const id = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('a', 'b', 'c', 'core_1', '__proto__', 'constructor', '') },
  { weight: 1, arbitrary: fc.string({ maxLength: 6 }) },
);
const change = fc.oneof(
  fc.record({ type: fc.constant('set' as const), id, value: fc.nat(3) }),
  fc.record({ type: fc.constant('delete' as const), id, value: fc.constant(0) }),
);

const sorted = (entries: Iterable<[string, number]>) => [...entries].sort(([a], [b]) => (a < b ? -1 : 1));

describe('a table', () => {
  it('holds what a Map holds, and every older version stays as it was', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 80, size: 'max' }), (changes) => {
        const map = new Map<string, number>();
        let table = Table.empty<number>();
        const versions: { table: Table<number>; entries: [string, number][] }[] = [];
        for (const { type, id: key, value } of changes) {
          versions.push({ table, entries: sorted(map) });
          if (type === 'set') map.set(key, value);
          else map.delete(key);
          table = type === 'set' ? table.set(key, value) : table.delete(key);
          expect(table.size).toBe(map.size);
          expect(table.get(key)).toBe(map.get(key));
          expect(table.has(key)).toBe(map.has(key));
        }
        versions.push({ table, entries: sorted(map) });
        for (const version of versions) {
          expect(sorted(version.table.entries())).toEqual(version.entries);
          expect([...version.table.keys()]).toEqual([...version.table.entries()].map(([key]) => key));
          expect([...version.table.values()]).toEqual([...version.table.entries()].map(([, value]) => value));
          expect(version.table.size).toBe(version.entries.length);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('reads in an order that the ids alone decide, never history', () => {
    const ids = fc.uniqueArray(fc.string({ maxLength: 4 }), { minLength: 2, maxLength: 60 });
    fc.assert(
      fc.property(
        ids.chain((names) => fc.tuple(fc.constant(names), fc.shuffledSubarray(names, { minLength: names.length }))),
        ([names, shuffled]) => {
          const fill = (order: readonly string[]) =>
            order.reduce((table, name) => table.set(name, 1), Table.empty<number>());
          expect([...fill(names).keys()]).toEqual([...fill(shuffled).keys()]);
          expect([...fill(names).set('gone', 1).delete('gone').keys()]).toEqual(
            [...fill(names).keys()].filter((name) => name !== 'gone'),
          );
        },
      ),
    );
  });

  it('is the same table when nothing changes', () => {
    const table = Table.empty<number>().set('a', 1);
    expect(table.set('a', 1)).toBe(table);
    expect(table.delete('b')).toBe(table);
  });

  it('holds a hundred thousand entries, far more than it has places', () => {
    let table = Table.empty<number>();
    for (let i = 0; i < 100_000; i++) table = table.set(`core_${i}`, i);
    expect(table.size).toBe(100_000);
    expect(table.get('core_99999')).toBe(99_999);
    expect(new Set(table.keys()).size).toBe(100_000);
  });
});
