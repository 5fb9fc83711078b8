/** The page beside this one is complete, and true: every row has a test or a reason, and every test that it names is there. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

/** Rows of the table of threats, and of that of attacks. */
const THREATS = 34;
const ATTACKS = 11;

const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const page = readFileSync(at('specs/rows/threats.md'), 'utf8');
const rows = [...page.matchAll(/^\| (T?\d+) +\| (.+?) +\| (.+?) +\|$/gm)].map(
  ([, row = '', rule = '', shown = '']) => ({
    row,
    rule,
    shown,
  }),
);

it('every threat has a row', () => {
  const expected = [
    ...Array.from({ length: THREATS }, (_, i) => `${i + 1}`),
    ...Array.from({ length: ATTACKS }, (_, i) => `T${i + 1}`),
  ];
  expect([...new Set(rows.map(({ row }) => row))]).toEqual(expected);
});

it.each(rows)('$row: $rule', ({ shown }) => {
  if (shown.startsWith('reason: ')) return expect(shown.length).toBeGreaterThan(20);
  const [path = '', name = '', ...rest] = shown.split(' › ');
  expect([existsSync(at(path)), name === '', rest]).toEqual([true, false, []]);
  // As it stands in the file: between quotes that end with it.
  const isThere = ["'", '"', '`'].some((quote) => readFileSync(at(path), 'utf8').includes(`${quote}${name}${quote}`));
  expect(isThere, `${path} has a test of that name`).toBe(true);
});

it('what is depended on is exact, locked, and runs nothing when it is installed', () => {
  const workspace = readFileSync(at('pnpm-workspace.yaml'), 'utf8');
  const catalog = /^catalog:\n((?: {2}.+\n)+)/m.exec(workspace)?.[1] ?? '';
  const versions = [...catalog.matchAll(/^ {2}[^#:]+: (.+)$/gm)].map(([, version = '']) => version);
  expect(versions.length).toBeGreaterThan(20);
  expect(versions.filter((version) => !/^(?:npm:typescript@)?\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  expect(workspace).toContain('onlyBuiltDependencies: []');
  const { scripts } = JSON.parse(readFileSync(at('package.json'), 'utf8')) as { scripts: Record<string, string> };
  expect(scripts['setup']).toContain('--frozen-lockfile');
  const lock = readFileSync(at('pnpm-lock.yaml'), 'utf8');
  expect(lock).not.toMatch(/tarball:|https?:\/\//);
  const resolutions = [...lock.matchAll(/^ {4}resolution: (.*)$/gm)].map(([, resolution = '']) => resolution);
  expect(resolutions.length).toBeGreaterThan(100);
  expect(resolutions.filter((each) => !/^\{integrity: sha512-[\w+/=]+\}$/.test(each))).toEqual([]);
});
