import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkArchiveName, foldArchiveName, stripArchiveName } from './archive-name.js';

describe('a name in an archive', () => {
  it.each([
    'model.onnx',
    'kokoro-v1.0.onnx',
    'espeak-ng-data/lang/gmw/en-US',
    'espeak-ng-data/voices/!v/f5',
    'espeak-ng-data/lang/sit/cmn-Latn-pinyin',
    '!v/!x',
    'espeak-ng-data/voices/!v/Mr serious',
    'a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p',
    'a@b=c+d_e',
    'console/auxiliary/nullify.com',
    'x'.repeat(200),
  ])('passes: %s', (name) => {
    expect(checkArchiveName(name)).toBeNull();
  });

  it.each([
    ['', 'is empty'],
    ['/etc/passwd', 'empty segment|segment ""'],
    ['a//b', 'segment ""'],
    ['a/', 'segment ""'],
    ['.', 'segment "."'],
    ['..', 'segment ".."'],
    ['a/../b', 'segment ".."'],
    ['a/./b', 'segment "."'],
    ['.DS_Store', 'begins with a dot'],
    ['a/._x', 'begins with a dot'],
    ['_x', 'letters, digits'],
    ['-rf', 'letters, digits'],
    ['a\\b', 'letters, digits'],
    ['C:', 'letters, digits'],
    ['a:stream', 'letters, digits'],
    ['~', 'letters, digits'],
    [' a', 'letters, digits'],
    ['a /b', 'letters, digits'],
    ['a/b ', 'letters, digits'],
    ['a\0b', 'letters, digits'],
    ['a\n', 'letters, digits'],
    ['é', 'letters, digits'],
    ['\u212a', 'letters, digits'],
    ['\u2024\u2024/x', 'letters, digits'],
    ['\uff0e\uff0e/x', 'letters, digits'],
    ['a\u202egpj.exe', 'letters, digits'],
    ['com\u00b9', 'letters, digits'],
    ['a.', 'ends in a dot'],
    ['a/b./c', 'ends in a dot'],
    ['con', 'device name'],
    ['NUL.txt', 'device name'],
    ['a/Aux.tar.gz', 'device name'],
    ['lpt9', 'device name'],
    ['con .txt', 'device name'],
    ['com0.x', 'device name'],
    ['constructor', 'JavaScript'],
    ['a/prototype', 'JavaScript'],
    ['__proto__', 'letters, digits'],
    ['x'.repeat(201), '200 bytes'],
    ['a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q', '16 segments'],
  ])('is refused: %j (%s)', (name, reason) => {
    expect(checkArchiveName(name)).toMatch(new RegExp(reason));
  });

  it('folds to one name where a case-insensitive file system sees one', () => {
    expect(foldArchiveName('Voices/!V/Andy')).toBe(foldArchiveName('voices/!v/andy'));
  });
});

describe('stripping', () => {
  it.each([
    ['top/a', 0, 'top/a'],
    ['top/a', 1, 'a'],
    ['top/sub/a', 2, 'a'],
    ['./top/a', 1, 'a'],
    ['./a', 0, 'a'],
    ['top/dir/', 1, 'dir'],
    ['a top with spaces (v1)/a', 1, 'a'],
    ['.hidden/a', 1, 'a'],
  ])('takes components off %s: %i leaves %s', (entry, count, name) => {
    expect(stripArchiveName(entry, count)).toEqual({ type: 'name', name });
  });

  it.each([
    ['top/', 1],
    ['top', 1],
    ['top/a', 2],
    ['.', 0],
    ['./', 0],
    ['./top/', 1],
  ])('leaves nothing of %s after %i', (entry, count) => {
    expect(stripArchiveName(entry, count)).toEqual({ type: 'consumed' });
  });

  it('says that an absolute name is absolute', () => {
    expect(stripArchiveName('/etc/passwd', 0)).toEqual({ type: 'refused', reason: 'is absolute' });
  });

  it.each([
    ['', 0],
    ['/a', 0],
    ['/top/a', 1],
    ['//a', 1],
    ['../a', 1],
    ['x/../a', 2],
    ['x/../../a', 1],
    ['././a', 0],
    ['.//a', 0],
    ['top//a', 1],
    ['top\\..\\a/b', 1],
    ['C:\\top/a', 1],
    ['top\0/a', 1],
  ])('refuses %j also where the bad part would be taken off', (entry, count) => {
    expect(stripArchiveName(entry, count).type).toBe('refused');
  });
});

describe('law: no name leads out of its root', () => {
  const atoms = [
    ...[
      '..',
      '.',
      '...',
      '/',
      '//',
      '\\',
      '\\\\',
      ':',
      '~',
      '\0',
      '\n',
      '\r',
      ' ',
      '%2e%2e',
      '%2f',
      '!',
      '!v',
      '-',
      '_',
      '@',
      '=',
    ],
    ...[
      'con',
      'NUL',
      'aux.txt',
      'com1',
      'lpt9.',
      'C:',
      'c:/',
      '\\\\?\\',
      '\\\\.\\',
      '//host/share',
      '$MFT',
      'a:b',
      'x::$DATA',
    ],
    ...[
      '\u2024',
      '\uff0e\uff0e',
      '\u2215',
      '\u29f5',
      '\u202e',
      '\ufeff',
      '\u0000',
      '\u0085',
      'é',
      'e\u0301',
      '\ud800',
      '\u212a',
      'ſ',
    ],
    ...['a', 'B', '0', 'model.onnx', 'a.', '.a', 'a ', ' a', '__proto__', 'constructor', 'etc/passwd', 'x'.repeat(60)],
  ];
  const wild = fc.oneof(fc.constantFrom(...atoms), fc.string({ maxLength: 4, unit: 'binary' }));
  const tame = fc.constantFrom('/', '/', 'a', 'B.c', '0-1', '!v', 'model.onnx');
  const hostile = fc.array(fc.oneof(wild, { arbitrary: tame, weight: 2 }), { maxLength: 12 });
  const roots = [
    [path.posix, '/srv/depot/x'],
    [path.win32, 'C:\\depot\\x'],
  ] as const;

  it('in 100,000 hostile names, by POSIX and by Windows rules, stripped or not', () => {
    let passed = 0;
    const property = fc.property(hostile, fc.nat({ max: 3 }), (parts, count) => {
      const stripped = stripArchiveName(parts.join(''), count);
      if (stripped.type !== 'name') return;
      passed += 1;
      for (const [rules, root] of roots) {
        const place = rules.resolve(root, stripped.name);
        expect(place.startsWith(root + rules.sep)).toBe(true);
        // Not merely inside, but exactly the place that was named: nothing was dropped, folded or reinterpreted.
        expect(
          place
            .slice(root.length + 1)
            .split(rules.sep)
            .join('/'),
        ).toBe(stripped.name);
      }
      expect(stripped.name).toMatch(/^[ -~]+$/);
    });
    fc.assert(property, { numRuns: 100_000 });
    // A grammar that refuses everything would obey the law too.
    expect(passed).toBeGreaterThan(2_000);
  });
});
