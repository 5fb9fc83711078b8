/** The page beside this one is complete, and true: every row of the table has a test, and every test that it names is there. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { judgeHead } from '@lading/core';
import { expect, it } from 'vitest';

const ROWS = 90;
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const page = readFileSync(here('http.md'), 'utf8');

/** The cells of each line of a table under a heading, without those of its head. */
function table(heading: string | null): readonly (readonly string[])[] {
  const [first = '', ...rest] = page.split(/^## /m);
  const part = heading === null ? first : (rest.find((each) => each.startsWith(heading)) ?? '');
  const lines = [...part.matchAll(/^\| (\d+) +\| (.*) \|$/gm)];
  return lines.map(([, row = '', cells = '']) => [row, ...cells.split(/(?<!\\)\|/).map((cell) => cell.trim())]);
}

const shown = table(null);
const segments = table('What one connection cannot show');
const absent = table('What does not come up');
const spelt = (name: string): string => name.replaceAll('\\|', '|');

it('every row of the table has a test', () => {
  const rows = new Set([...shown, ...segments].map(([row]) => Number(row)));
  expect(Array.from({ length: ROWS }, (_, i) => i + 1).filter((row) => !rows.has(row))).toEqual([]);
  expect([...rows].filter((row) => row < 1 || row > ROWS)).toEqual([]);
});

it('every test that is named is there', () => {
  const missing = shown.filter(([, link = '', name = '']) => {
    const file = /\]\((.*)\)/.exec(link)?.[1] ?? '';
    const text = readFileSync(here(file), 'utf8').replaceAll("\\'", "'");
    return name === '' || !text.includes(spelt(name));
  });
  expect(missing).toEqual([]);
  expect(shown.length).toBeGreaterThan(ROWS);
});

it('every test of parts that come at the same time is there', ({ skip }) => {
  const file = here('../scenarios/segments.spec.ts');
  if (!existsSync(file)) skip('no file is fetched in parts at the same time yet');
  const text = readFileSync(file, 'utf8').replaceAll("\\'", "'");
  expect(segments.filter(([, name = '']) => !text.includes(spelt(name)))).toEqual([]);
});

it('what does not come up says why', () => {
  for (const [, why = ''] of absent) expect(why).not.toBe('');
});

it('20: 416 that says the file is as long as what is here proves nothing: the digest decides', () => {
  const want = {
    file: 'f',
    url: 'http://x/f',
    from: 10,
    isRange: true,
    sizes: [10],
    sha256: [],
    validator: null,
    now: 0,
  };
  const head = { status: 416, headers: { 'content-range': 'bytes */10' } };
  expect(judgeHead(want, head)).toEqual({ type: 'complete' });
  expect(judgeHead({ ...want, sizes: [11] }, head)).toMatchObject({ type: 'restart' });
});
