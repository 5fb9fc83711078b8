import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readJson } from './json.js';
import { LIMITS } from './limits.js';

const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype']);

/** What `readJson` promises to read as `JSON.parse` does: no forbidden key, and only numbers that are exact. */
function isPlain(value: unknown): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value) || !Number.isInteger(value);
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([key, inner]) => !FORBIDDEN.has(key) && isPlain(inner));
}

const parsed = (text: string): unknown => {
  const reading = readJson(text);
  if (!reading.ok) throw new Error(JSON.stringify(reading.defects));
  return reading.value;
};

const defectsOf = (text: string) => {
  const reading = readJson(text);
  return reading.ok ? [] : reading.defects;
};

describe('reading JSON', () => {
  it('agrees with JSON.parse on every valid text', () => {
    fc.assert(
      fc.property(
        fc.json({ maxDepth: 6, stringUnit: 'binary' }),
        fc.constantFrom(undefined, 2, '\t', ' \r\n'),
        (text, space) => {
          const value: unknown = JSON.parse(text);
          fc.pre(isPlain(value));
          expect(parsed(JSON.stringify(value, null, space))).toEqual(value);
          expect(Object.is(parsed(text), value) || JSON.stringify(parsed(text)) === JSON.stringify(value)).toBe(true);
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('agrees with JSON.parse about what is no JSON at all', () => {
    const fragment = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '"a"',
      '0',
      '01',
      '-',
      '1e',
      '.5',
      '1.',
      'true',
      'nul',
      ' ',
      '\n',
      '\\',
      '\\u12',
      'x',
      '\u0001',
      '\u00a0',
    );
    fc.assert(
      fc.property(fc.array(fragment, { maxLength: 8 }), (parts) => {
        const text = parts.join('');
        let isValid = true;
        try {
          JSON.parse(text);
        } catch {
          isValid = false;
        }
        const isMalformed = defectsOf(text).some(({ message }) => message.startsWith('this is no JSON'));
        expect(isMalformed).toBe(!isValid);
      }),
      { numRuns: 20_000 },
    );
  });

  it('leaves prototypes untouched, whatever the keys are', () => {
    for (const key of FORBIDDEN) {
      const [defect, ...more] = defectsOf(`{"a":{"${key}":{"polluted":true}}}`);
      expect(defect).toEqual({ path: `$.a.${key}`, message: `the key "${key}" is not allowed` });
      expect(more).toEqual([]);
    }
    expect(defectsOf('{"\\u005f_proto__":{"polluted":true}}')).toHaveLength(1);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    const value = parsed('{"toString":1,"hasOwnProperty":2,"then":3}') as object;
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(Object.keys(value)).toEqual(['toString', 'hasOwnProperty', 'then']);
  });

  it('names every repeated key, where JSON.parse keeps the last in silence', () => {
    expect(defectsOf('{"a":1,"b":[{"c":1,"c":2}],"\\u0061":3}')).toEqual([
      { path: '$.b[0].c', message: 'the key is repeated' },
      { path: '$.a', message: 'the key is repeated' },
    ]);
  });

  it('names numbers that cannot be held exactly', () => {
    expect(
      defectsOf('[9007199254740993, 1e400, -1e400, 1e21, 9007199254740991, 0.1, -0, 1e-9]').map((d) => d.path),
    ).toEqual(['$[0]', '$[1]', '$[2]', '$[3]']);
  });

  it.each([
    ['{"a": 1,\n "b": }', 'position 15 (line 2, column 7)', '"}"'],
    ['', 'position 0 (line 1, column 1)', 'the end'],
    ['{"a": 1', 'position 7 (line 1, column 8)', 'the end'],
    ['{}\n<html>', 'position 3 (line 2, column 1)', '"<html>"'],
    ['{"a": "x\ny"}', 'position 6 (line 1, column 7)', '"\\"x\\ny\\"}"'],
    ['[1,]', 'position 3 (line 1, column 4)', '"]"'],
    ["{'a': 1}", 'position 1 (line 1, column 2)', '"\'a\': 1}"'],
  ])('says where %j is no JSON', (text, place, found) => {
    const [defect] = defectsOf(text);
    expect(defect?.path).toBe('$');
    expect(defect?.message).toContain(place);
    expect(defect?.message).toContain(`found ${found}`);
  });

  it('passes over a byte order mark', () => expect(parsed('\ufeff{"a":1}')).toEqual({ a: 1 }));

  it('reads 64 levels, and refuses a million without exhausting the stack', () => {
    const nest = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
    expect(readJson(nest(LIMITS.jsonDepth)).ok).toBe(true);
    expect(defectsOf(nest(1_000_000))[0]?.message).toMatch(/nested deeper than 64 levels at position 65/);
    expect(defectsOf('{"a":'.repeat(1_000_000))[0]?.message).toMatch(/nested deeper/);
  });

  it('reads a string of ten million characters with escapes, whole and broken', () => {
    const long = 'x'.repeat(10_000_000);
    expect(parsed(`"\\n${long}\\n"`)).toHaveLength(10_000_002);
    expect(parsed(`"${'\\n'.repeat(5_000_000)}"`)).toHaveLength(5_000_000);
    expect(defectsOf(`"\\n${long}`)[0]?.message).toMatch(/does not end/);
  });
});
