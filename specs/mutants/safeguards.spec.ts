/** The list of safeguards is true of today's sources, and the way from a patch to a red law works. The whole of it takes `npm run mutants`. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ALL } from './safeguards.js';
import { redBy } from './suites.js';
import { rowsOf } from './table.js';
import { Workshop, without } from './workshop.js';

const tree = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

describe('the safeguards', () => {
  it('are many, and each has a name of its own', () => {
    expect(ALL.length).toBeGreaterThanOrEqual(150);
    expect(new Set(ALL.map(({ id }) => id)).size).toBe(ALL.length);
  });

  it.each(ALL)('$id stands once in its file, and can be taken away', (safeguard) => {
    const text = read(safeguard.file);
    expect(without(text, safeguard)).not.toBe(text);
  });

  it('stand in the results, each with what turned red or why nothing does', () => {
    const rows = rowsOf(read('specs/mutants/RESULTS.md'));
    expect([...rows.keys()].filter((id) => !['safeguard', '---'].includes(id))).toEqual(ALL.map(({ id }) => id));
    for (const { id, survives } of ALL) {
      const [sentence, where] = rows.get(id) ?? ['', ''];
      if (survives === undefined)
        expect(where, id).toMatch(
          /^(simulated worlds|specs\/(laws|scenarios)\/[\w-]+|conformance, \w+ of (memory|node))$/,
        );
      else expect(sentence, id).toBe(`nothing: ${survives}`);
    }
  });

  it('turn a law red when they are taken away', { timeout: 120_000 }, async () => {
    await using shop = await Workshop.of(tree);
    for (const id of ['durable-before-perform', 'slots']) {
      const safeguard = ALL.find((each) => each.id === id);
      if (safeguard === undefined) throw new Error(`no safeguard is called ${id}`);
      const red = await shop.mutated(safeguard, () => redBy(shop, safeguard));
      expect(red?.suite, id).toBe('worlds');
    }
  });
});
