import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Catalog } from './catalog.js';
import { LIMITS } from './limits.js';
import { type Manifest, readManifest, readManifestValue } from './manifest.js';
import type { UrlRules } from './url.js';

const fromFile: UrlRules = { base: null, allowHttp: false };
const sha256 = 'a'.repeat(64);

type Json = Record<string, unknown>;
const file = (filename: string, more: Json = {}) => ({
  filename,
  url: `https://example.org/${filename}`,
  sizeBytes: 10,
  sha256,
  ...more,
});
const core = (id: string, more: Json = {}) => ({ id, files: [file('a.bin')], ...more });
const manifest = (more: Json = {}) => ({
  version: 3,
  cores: [core('c')],
  voices: [{ id: 'v', coreRequirements: ['c'] }],
  ...more,
});

const read = (value: unknown, rules = fromFile): Manifest => {
  const reading = readManifestValue(value, rules);
  if (!reading.ok) throw new Error(JSON.stringify(reading.defects, null, 1));
  return reading.manifest;
};
const defects = (value: unknown, rules = fromFile) => {
  const reading = readManifestValue(value, rules);
  return reading.ok ? [] : reading.defects;
};
const textDefects = (text: string) => {
  const reading = readManifest(text, fromFile);
  return reading.ok ? [] : reading.defects;
};
const paths = (value: unknown, rules = fromFile) => defects(value, rules).map((defect) => defect.path);

describe('a manifest with twenty different defects', () => {
  const broken = manifest({
    revision: -1,
    cores: [
      core('kokoro', {
        type: 'engine',
        files: [
          file('model.onnx', { sizeBytes: 2 ** 41 }),
          file('MODEL.onnx'),
          file('../escape', { sha256: 'A'.repeat(64) }),
          file('nul.txt', { url: 'http://example.org/x' }),
          file('b/c', { md5: 'abc' }),
          file('b', { mirrors: ['ftp://example.org/b'] }),
          file('pieces.bin', { sizeBytes: 10, pieces: { sizeBytes: 4, sha256: [sha256] } }),
          { filename: 'x' },
        ],
      }),
      core('Kokoro'),
      { id: 'neither' },
      core('both', { url: 'https://example.org/a', sizeBytes: 1 }),
      core('dotted.'),
      { id: 'noSize', url: 'https://example.org/a.tar.gz', extractType: 'rar' },
    ],
    voices: [
      { id: 'v', coreRequirements: ['kokoro', 'gone'], sampleUrl: 'file:///etc/passwd' },
      { id: 'v', coreRequirements: [] },
    ],
    bundles: [{ id: 'all', requires: ['v', 'w'] }],
  });

  it('names all of them in one reading, each with its exact JSON path', () => {
    expect(paths(broken).sort()).toEqual(
      [
        '$.revision',
        '$.cores[0].type',
        '$.cores[0].files[0].sizeBytes',
        '$.cores[0].files[1].filename',
        '$.cores[0].files[2].sha256',
        '$.cores[0].files[2].filename',
        '$.cores[0].files[3].filename',
        '$.cores[0].files[3].url',
        '$.cores[0].files[4].md5',
        '$.cores[0].files[5].filename',
        '$.cores[0].files[5].mirrors[0]',
        '$.cores[0].files[6].pieces.sha256',
        '$.cores[0].files[7].url',
        '$.cores[0].files[7].sizeBytes',
        '$.cores[1].id',
        '$.cores[2]',
        '$.cores[3]',
        '$.cores[4].id',
        '$.cores[5].extractType',
        '$.cores[5].sizeBytes',
        '$.voices[0].coreRequirements[1]',
        '$.voices[0].sampleUrl',
        '$.voices[1].id',
        '$.voices[1].coreRequirements',
        '$.bundles[0].requires[1]',
      ].sort(),
    );
  });

  it('says of each what was expected and what was found', () => {
    const messages = new Map(defects(broken).map(({ path, message }) => [path, message]));
    expect(messages.get('$.cores[0].type')).toBe(
      'expected "engine_core" or "voice_model" or "engine_dependency", found "engine"',
    );
    expect(messages.get('$.cores[0].files[7].url')).toBe('is missing (expected string)');
    expect(messages.get('$.cores[0].files[0].sizeBytes')).toMatch(
      /^must not be above 1099511627776, found 2199023255552$/,
    );
    expect(messages.get('$.cores[0].files[1].filename')).toMatch(
      /already used at \$\.cores\[0\]\.files\[0\]\.filename \(upper and lower case count as one\)/,
    );
    expect(messages.get('$.cores[0].files[5].filename')).toBe(
      '"b" would be a file and a folder at once, with $.cores[0].files[4].filename',
    );
    expect(messages.get('$.cores[0].files[6].pieces.sha256')).toBe('has 1 digests, but 10 bytes make 3 pieces of 4');
    expect(messages.get('$.cores[1].id')).toBe('the id "Kokoro" is already used at $.cores[0].id');
    expect(messages.get('$.voices[0].coreRequirements[1]')).toBe(
      'the voice "v" needs the core "gone", which this catalog does not have',
    );
    expect(messages.get('$.bundles[0].requires[1]')).toBe(
      'the bundle "all" names "w", which this catalog does not have',
    );
  });
});

describe('names', () => {
  it.each(['nul', 'CON.onnx', 'model.', 'a./b', 'a\\b', '__proto__', 'constructor', 'prototype', 'a//b', 'tugão.onnx'])(
    'refuses the file name %j',
    (name) => {
      expect(
        paths(manifest({ cores: [core('c', { files: [file('ok'), file(name, { url: 'https://example.org/x' })] })] })),
      ).toEqual(['$.cores[0].files[1].filename']);
    },
  );

  it.each([
    ['x/y', 'x'],
    ['x', 'x/y'],
    ['x/y/z', 'X/Y'],
    ['x', 'x/y/z'],
  ])('finds that %j and %j would be a file and a folder at once', (a, b) => {
    const [defect] = defects(manifest({ cores: [core('c', { files: [file(a), file(b)] })] }));
    expect(defect).toMatchObject({
      path: '$.cores[0].files[1].filename',
      message: expect.stringContaining('a file and a folder at once, with $.cores[0].files[0].filename'),
    });
  });

  it('files of one folder, and names that only begin alike, are no clash', () => {
    expect(
      paths(manifest({ cores: [core('c', { files: [file('x/a'), file('x/b'), file('xy'), file('x.a')] })] })),
    ).toEqual([]);
  });

  it('judges a hundred thousand files of one core in seconds', () => {
    const files = Array.from({ length: 100_000 }, (_, i) => file(`folder${i % 100}/f${i}`));
    const started = performance.now();
    expect(paths(manifest({ cores: [core('c', { files })] }))).toEqual([]);
    expect(performance.now() - started).toBeLessThan(10_000);
  }, 60_000);

  it('voices, their aliases and bundles share one space of names; cores have their own', () => {
    const value = manifest({
      voices: [
        { id: 'c', coreRequirements: ['c'], aliases: ['old'] },
        { id: 'OLD', coreRequirements: ['c'] },
      ],
      bundles: [{ id: 'c', requires: ['old'] }],
    });
    expect(paths(value)).toEqual(['$.voices[1].id', '$.bundles[0].id']);
  });
});

describe('URLs', () => {
  it('http is for loopback only, unless it is allowed', () => {
    const value = manifest({
      cores: [
        core('c', { files: [file('a', { url: 'http://example.org/a' }), file('b', { url: 'http://127.0.0.1:1/b' })] }),
      ],
    });
    expect(paths(value)).toEqual(['$.cores[0].files[0].url']);
    expect(paths(value, { base: null, allowHttp: true })).toEqual([]);
  });

  it('relative ones resolve against the manifest, and stay relative while that has no address', () => {
    const value = manifest({ cores: [core('c', { files: [file('a', { url: 'files/a', mirrors: ['/b'] })] })] });
    expect(read(value, { base: 'https://example.org/m/x.json', allowHttp: false }).cores[0]?.files[0]?.urls).toEqual([
      'https://example.org/m/files/a',
      'https://example.org/b',
    ]);
    expect(read(value).cores[0]?.files[0]?.urls).toEqual(['files/a', '/b']);
  });

  it('one that moves is no new revision; another content is', () => {
    const revision = (more: Json) =>
      read(manifest({ cores: [core('c', { files: [file('a.bin', more)] })] })).cores[0]?.revision;
    expect(revision({ url: 'https://mirror.example.org/a' })).toBe(revision({}));
    expect(revision({ sha256: 'b'.repeat(64) })).not.toBe(revision({}));
    expect(revision({ sha256: null, url: 'https://example.org/1' })).not.toBe(
      revision({ sha256: null, url: 'https://example.org/2' }),
    );
  });
});

describe('the text', () => {
  it.each([
    ['{"version": 3, "cores": [}', '$', /no JSON: expected a value at position 25 \(line 1, column 26\), found "}"/],
    ['<!doctype html>', '$', /no JSON: expected a value at position 0/],
    [
      `{"version":3,"cores":[{"id":"c","url":"a","sizeBytes":9007199254740993}]}`,
      '$.cores[0].sizeBytes',
      /9007199254740993 is too large to be exact/,
    ],
    [`{"version":3,"cores":[{"id":"c","url":"a","sizeBytes":1e400}]}`, '$.cores[0].sizeBytes', /1e400 is too large/],
    [`{"version":3,"cores":[],"cores":[]}`, '$.cores', /repeated/],
    [`{"version":3,"cores":[{"id":"c","__proto__":{"url":"x"}}]}`, '$.cores[0].__proto__', /not allowed/],
    [`{"version":3,"cores":[],"constructor":1}`, '$.constructor', /not allowed/],
    [
      `{"version":3,"cores":[],"a":${'['.repeat(100)}${']'.repeat(100)}}`,
      '$',
      /nested deeper than 64 levels at position/,
    ],
    ['', '$', /unexpected end of the text at position 0/],
  ])('of %j is refused at its place', (text, path, message) => {
    const [defect] = textDefects(text);
    expect(defect?.path).toBe(path);
    expect(defect?.message).toMatch(message);
  });

  it('over 32 MiB is refused unread', () => {
    expect(textDefects(' '.repeat(LIMITS.manifestBytes + 1))).toEqual([
      { path: '$', message: 'the manifest has more than 33554432 bytes' },
    ]);
  });

  it('with a million defects names the first five hundred', () => {
    expect(textDefects(`{"version":3,"cores":[${'1,'.repeat(200_000)}1]}`)).toHaveLength(LIMITS.manifestDefects);
    expect(textDefects(`[${'1e400,'.repeat(200_000)}1]`)).toHaveLength(LIMITS.manifestDefects);
  });

  it.each([
    null,
    7,
    'x',
    [],
    { version: 4, cores: [] },
    { cores: [] },
    { version: 3 },
    { version: 3, cores: {} },
    { version: 3, cores: [null, 1, []] },
  ])('whose value is %j is refused, not thrown at', (value) => expect(defects(value).length).toBeGreaterThan(0));

  it('never throws, whatever JSON it is', () => {
    const scrap = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.constantFrom<unknown>(null, true, -1, 0.5, 3, '', 'c', 'https://example.org/a', sha256),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(
          fc.constantFrom(
            'id',
            'files',
            'url',
            'filename',
            'sizeBytes',
            'sha256',
            'pieces',
            'accepted',
            'aliasOf',
            'platforms',
            'coreRequirements',
            'requires',
            'aliases',
            'mirrors',
          ),
          tie('value'),
        ),
      ),
    })).value;
    fc.assert(
      fc.property(
        fc.constantFrom(1, 2, 3),
        fc.array(scrap, { maxLength: 3 }),
        fc.array(scrap, { maxLength: 3 }),
        scrap,
        (version, cores, voices, bundles) => {
          const reading = readManifestValue({ version, cores, voices, bundles: [bundles] }, fromFile);
          expect(typeof reading.ok).toBe('boolean');
        },
      ),
      { numRuns: 3000 },
    );
  });
});

describe('what may be left out', () => {
  it('is filled with what it means', () => {
    const { cores, voices, ...head } = read({
      version: 3,
      cores: [{ id: 'c', url: 'https://example.org/x/model.onnx', sizeBytes: 5 }],
      voices: [{ id: 'v', coreRequirements: ['c'] }],
    });
    expect(head).toEqual({ id: 'catalog', revision: 0, lastUpdated: null, expires: null, bundles: [] });
    expect(cores[0]).toMatchObject({
      type: 'engine_core',
      engineType: 'any',
      displayName: 'c',
      license: null,
      platforms: null,
      aliasOf: null,
      archive: null,
      sizeBytes: 5,
    });
    expect(cores[0]?.files).toEqual([
      {
        filename: 'model.onnx',
        urls: ['https://example.org/x/model.onnx'],
        contents: [{ sizeBytes: 5, sha256: null, sha1: null, md5: null, gitBlob: null }],
        pieces: null,
      },
    ]);
    expect(voices[0]).toMatchObject({ kind: 'voice', engineId: 'any', displayName: 'v', speakerId: null, aliases: [] });
  });

  it('a URL whose last segment is no name gives a file of the name "file"; an archive is called by its type', () => {
    const name = (more: Json) =>
      read({ version: 3, cores: [{ id: 'c', url: 'https://example.org/', sizeBytes: 5, ...more }] }).cores[0]?.files[0]
        ?.filename;
    expect(name({})).toBe('file');
    expect(name({ url: 'https://example.org/%2e%2e%2fx' })).toBe('file');
    expect(name({ filename: 'given.bin' })).toBe('given.bin');
    expect(name({ extractType: 'tar.bz2' })).toBe('archive.tar.bz2');
  });

  it('what an archive may unpack to is bounded, by what it declares or by its own size', () => {
    const bound = (more: Json) =>
      read({
        version: 3,
        cores: [{ id: 'c', url: 'https://example.org/a.zip', extractType: 'zip', sizeBytes: 100, ...more }],
      }).cores[0]?.archive?.maxBytes;
    expect(bound({ unpackedBytes: 12_345 })).toBe(12_345);
    expect(bound({})).toBe(100 * LIMITS.unpackedFactor + LIMITS.unpackedSlackBytes);
  });

  it('a list of files is never unpacked: an archive is a core with one URL', () => {
    expect(paths(manifest({ cores: [core('c', { extractType: 'zip' })] }))).toEqual(['$.cores[0].extractType']);
  });

  it('fields that are unknown are passed over: the format grows by adding', () => {
    expect(paths(manifest({ future: { x: 1 }, cores: [core('c', { colour: 'red' })] }))).toEqual([]);
  });
});

describe('older manifests', () => {
  const source = (name: string) => readFileSync(new URL(`../../../manifests/sources/${name}`, import.meta.url), 'utf8');
  const legacy = (name: string) => {
    const reading = readManifest(source(name), fromFile);
    if (!reading.ok) throw new Error(JSON.stringify(reading.defects));
    return reading.manifest;
  };

  it('version 1: one URL a core, an archive known by its suffix', () => {
    const { cores, voices } = legacy('legacy-manifest-v1.json');
    expect(cores.find((c) => c.id === 'espeak_ng_data_v1')?.archive?.extractType).toBe('tar.bz2');
    expect(cores.find((c) => c.id === 'kokoro_model_v1')).toMatchObject({
      archive: null,
      sizeBytes: 325_630_829,
      files: [{ filename: 'model.onnx' }],
    });
    expect(voices.length).toBeGreaterThan(0);
  });

  it('version 2: the platform is part of the id, and voices ask for the id without it', () => {
    const found = legacy('legacy-manifest-v2.json');
    expect(found.cores.find((c) => c.id === 'kokoro_core_android_v1')).toMatchObject({
      platforms: ['android'],
      aliasOf: 'kokoro_core_v1',
    });
    const voice = found.voices.find((v) => v.coreRequirements.includes('kokoro_core_v1'));
    expect(voice).toBeDefined();
    const on = (platform: string) => {
      const cores = voice === undefined ? null : Catalog.of([found], platform).catalog.requiredCores(voice);
      return cores !== null && 'type' in cores ? cores.code : cores?.map((c) => c.id);
    };
    expect(on('android')).toEqual(['kokoro_core_android_v1']);
    expect(on('ios')).toEqual(['kokoro_core_ios_v1']);
    expect(on('linux')).toBe('notAvailableHere');
  });

  it('the sizes of the files decide where the sum beside them is another', () => {
    const value = { version: 2, cores: [core('c', { sizeBytes: 999, files: [file('a'), file('b')] })] };
    expect(read(value).cores[0]?.sizeBytes).toBe(20);
  });

  it('ids with a colon get an underscore, wherever they are named', () => {
    const value = {
      version: 2,
      cores: [{ id: 'piper:en_US', url: 'https://example.org/a.onnx', sizeBytes: 1 }],
      voices: [{ id: 'piper:v', coreRequirements: ['piper:en_US'] }],
    };
    expect(read(value)).toMatchObject({
      cores: [{ id: 'piper_en_US' }],
      voices: [{ id: 'piper_v', coreRequirements: ['piper_en_US'] }],
    });
  });

  it('their defects keep the paths of their own text', () => {
    expect(
      paths({ version: 2, cores: [core('ok'), { id: 'bad', url: 'ftp://example.org/a', sizeBytes: 1 }], voices: [] }),
    ).toEqual(['$.cores[1].url']);
  });
});

describe('every catalog of this repository', () => {
  it.each(['kokoro', 'piper', 'supertonic', 'speech', 'language', 'assistant', 'demo'])(
    '%s is read without a defect',
    (name) => {
      const text = readFileSync(new URL(`../../../manifests/${name}.json`, import.meta.url), 'utf8');
      expect(textDefects(text)).toEqual([]);
    },
  );
});
