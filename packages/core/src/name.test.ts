import { posix, win32 } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS } from './limits.js';
import { fileNameDefect, foldName, idDefect } from './name.js';

/** A small generator of our own: a million names through fast-check would take a minute. Numbers in [0, 1), the same for the same seed. */
function luckFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What archives and manifests of ill will are made of, with enough ordinary pieces between that many names are good. */
const PIECES = [
  ...['a', 'b2', 'model', 'onnx', 'en_US-x', 'v1.0', 'A', 'Z+', 'x@y', 'k=v', 'data', '7', 'a.b', 'file.bin'],
  ...[
    '/',
    '/',
    '/',
    '/',
    '.',
    '..',
    '../',
    '/..',
    '\\',
    '\\..\\',
    '//',
    './',
    ':',
    'C:',
    'C:\\',
    '\\\\host\\share',
    '~',
    '$HOME',
    '%2e%2e',
    '%2f',
  ],
  ...[
    '\0',
    '\n',
    ' ',
    '\u2215',
    '\uff0e\uff0e',
    '\u202e',
    '\ud800',
    'é',
    '\u0301',
    'ß',
    'İ',
    '*',
    '?',
    '"',
    '<',
    '|',
    ';',
    '`',
    '-',
    '_',
  ],
  ...[
    'CON',
    'nul.txt',
    'com1',
    'LPT9.x',
    'aux',
    'CONIN$',
    'prn.tar.gz',
    '::$DATA',
    '__proto__',
    'constructor',
    'prototype',
    '.git',
    '.lading',
    ' .',
    '...',
  ],
];

function isInside(path: typeof posix | typeof win32, root: string, name: string): boolean {
  const place = path.resolve(root, name);
  return (
    place.startsWith(root + path.sep) &&
    place.length > root.length + 1 &&
    path.relative(root, place).split(path.sep).join('/') === name
  );
}

describe('file names', () => {
  it('a million hostile names: none that is allowed leaves its root, on POSIX or on Windows', () => {
    const luck = luckFrom(20_261_120);
    let allowed = 0;
    let nested = 0;
    const escaped: string[] = [];
    for (let i = 0; i < 1_000_000; i++) {
      let name = '';
      for (let n = 1 + Math.floor(luck() * 5); n > 0; n--) name += PIECES[Math.floor(luck() * PIECES.length)] ?? '';
      if (fileNameDefect(name) !== null) continue;
      allowed++;
      if (name.includes('/')) nested++;
      const isSafe = isInside(posix, '/depot/cores/c/g1', name) && isInside(win32, 'C:\\depot\\cores\\c\\g1', name);
      if (!isSafe) escaped.push(name);
    }
    expect(escaped).toEqual([]);
    // Without this the test would also pass on a grammar that allows nothing.
    expect(allowed).toBeGreaterThan(20_000);
    expect(nested).toBeGreaterThan(1_000);
  });

  it('any string at all: what is allowed is plain ASCII, short, and free of what any system reads as more than a name', () => {
    const name = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.stringMatching(/^[A-Za-z0-9./_+@=!\\: -]{1,30}$/),
    );
    fc.assert(
      fc.property(name, (text) => {
        if (fileNameDefect(text) !== null) return;
        expect(text).toMatch(/^[\x21-\x7e]+$/);
        expect(text).not.toMatch(/[\\:*?"<>|]|(^|\/)(\.|\/|$)|\.($|\/)/);
        expect(text.length).toBeLessThanOrEqual(LIMITS.nameBytes);
      }),
      { numRuns: 20_000 },
    );
  });

  it.each([
    'kokoro-v1.0.onnx',
    'onnx/model_quantized.onnx',
    'voices/af_heart.bin',
    'en/en_US/lessac/medium/en_US-lessac-medium.onnx.json',
    'ggml-base.en-q5_1.bin',
    'a@b=c+d',
    'console.txt',
    'com10',
    'auxiliary',
    'nullable/x',
  ])('allows %j', (name) => expect(fileNameDefect(name)).toBeNull());

  it.each([
    ['', /empty/],
    ['..', /first character/],
    ['a/../b', /first character/],
    ['/etc/passwd', /first character/],
    ['a//b', /first character/],
    ['a/', /first character/],
    ['./a', /first character/],
    ['.hidden', /first character/],
    ['-rf', /first character/],
    ['a\\b', /letters, digits/],
    ['C:x', /letters, digits/],
    ['a b', /letters, digits/],
    ['tugão', /letters, digits/],
    ['a\u0000', /letters, digits/],
    ['a!', /letters, digits/],
    ['a.', /end in a dot/],
    ['a./b', /end in a dot/],
    ['CON', /device name/],
    ['x/nul.onnx', /device name/],
    ['Com1.tar.gz', /device name/],
    ['lpt0', /device name/],
    ['constructor', /reserved/],
    ['a/prototype', /reserved/],
    ['__proto__', /reserved/],
    ['a'.repeat(LIMITS.nameBytes + 1), /longer than 200/],
    [Array.from({ length: LIMITS.nameSegments + 1 }, () => 'a').join('/'), /more than 16 segments/],
  ])('refuses %j', (name, why) => expect(fileNameDefect(name)).toMatch(why));

  it('takes upper and lower case for one place, as macOS and Windows do', () => {
    expect(foldName('Voices/AF.bin')).toBe(foldName('voices/af.BIN'));
    expect(foldName('a')).not.toBe(foldName('b'));
  });
});

describe('ids', () => {
  it.each(['kokoro_af_heart', 'piper_pt_PT-tugao-medium', 'gemma-4-e2b', '2x'])('allows %j', (id) =>
    expect(idDefect(id)).toBeNull(),
  );

  it.each(['', 'a/b', 'core:a', 'ctor ', 'nul', 'x.', '_x', 'constructor', 'x'.repeat(LIMITS.idLength + 1)])(
    'refuses %j',
    (id) => expect(idDefect(id)).not.toBeNull(),
  );
});
