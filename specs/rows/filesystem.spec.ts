/** The page beside this one is complete, and true: every rule has a row, and every test that it names is there. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

/** Rules by section: publishing, error codes, space, names and leftovers, the journal, the lease. */
const RULES = { '1': 12, e: 7, s: 4, n: 9, '2': 8, '3': 5 } as const;

const root = fileURLToPath(new URL('../../', import.meta.url));
const page = readFileSync(new URL('filesystem.md', import.meta.url), 'utf8');
const rows = [...page.matchAll(/^\| (\w+\.\d+) \| ([^|]+) \| ([^|]+) \|$/gm)].map(
  ([, rule = '', what = '', shown = '']) => ({
    rule,
    what,
    shown,
  }),
);

it('every rule of the file system has a row', () => {
  const all = Object.entries(RULES).flatMap(([section, count]) =>
    Array.from({ length: count }, (_, i) => `${section}.${i + 1}`),
  );
  const found = new Set(rows.map(({ rule }) => rule));
  expect(all.filter((rule) => !found.has(rule))).toEqual([]);
  expect([...found].filter((rule) => !all.includes(rule))).toEqual([]);
  // A line of the table that is written otherwise would be passed over.
  expect(rows.length).toBe(page.split('\n').filter((line) => line.startsWith('| ')).length - 2);
});

it('every test that a row names is there, and what has none says why', () => {
  const missing = rows.filter(({ shown }) => {
    if (shown.startsWith('reason: ')) return shown.length < 40;
    const [file = '', name = ''] = shown.split(' › ');
    return name === '' || !existsSync(root + file) || !readFileSync(root + file, 'utf8').includes(name);
  });
  expect(missing).toEqual([]);
});
