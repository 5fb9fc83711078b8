/** Every case has a scenario whose name begins with its id, or a line in the README that says why there can be none. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** Families of cases, and how many each has. */
const FAMILIES = { H: 19, U: 8, C: 12, D: 13, P: 9, E: 8 };
const IDS = Object.entries(FAMILIES).flatMap(([family, count]) =>
  Array.from({ length: count }, (_, i) => `${family}${i + 1}`),
);

const folder = new URL('./', import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, folder), 'utf8');

const specs = readdirSync(folder).filter((name) => name.endsWith('.spec.ts') && name !== 'cases.spec.ts');

/** Ids with which a text begins: the names of the scenarios. */
function shown(): ReadonlySet<string> {
  const heads = specs.flatMap((name) => [...read(name).matchAll(/['"`]([A-Z]\d+): /g)]);
  return new Set(heads.map(([, id = '']) => id));
}

/** Lines `| id | needs | why |` of the last section, whole or not. */
function excused(): ReadonlyMap<string, readonly string[]> {
  const [, section = ''] = read('README.md').split('\n## Not applicable\n');
  const rows = [...section.matchAll(/^\| *([A-Z]\d+) *\|(.*)\|$/gm)];
  return new Map(rows.map(([, id = '', cells = '']) => [id, cells.split('|').map((cell) => cell.trim())]));
}

describe('the 69 cases', () => {
  const scenarios = shown();
  const lines = excused();

  it('are sixty-nine', () => expect(IDS).toHaveLength(69));

  it.each(IDS)('%s has a scenario, or a reason to have none', (id) => {
    expect(scenarios.has(id) || lines.has(id)).toBe(true);
  });

  it('have no scenario under an id that is none, and no excuse beside a scenario', () => {
    expect([...scenarios, ...lines.keys()].filter((id) => !IDS.includes(id))).toEqual([]);
    expect([...lines.keys()].filter((id) => scenarios.has(id))).toEqual([]);
  });

  it('are not skipped', () => {
    for (const name of specs) expect(read(name), name).not.toMatch(/\.(skip|skipIf|todo|only)\b/);
  });

  it('that have none say what they need, and why', () => {
    for (const [id, [needs = '', why = '']] of lines) {
      expect(needs, id).toMatch(/browser|Windows/);
      expect(why.length, id).toBeGreaterThan(20);
    }
  });
});
