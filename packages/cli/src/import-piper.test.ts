import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { importPiper, PIPER_REVISION, type PiperAsset } from './import-piper.js';
import { PiperCatalogError } from './piper-reading.js';

const source = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../../../manifests/sources/${name}`, import.meta.url), 'utf8'));

const catalog = source('piper-voices.json') as Record<string, Record<string, unknown>>;
const { files: assets } = source('assets.json') as { files: readonly PiperAsset[] };
const options = { lastUpdated: '2026-11-20' };
const SEGMENT = /^[A-Za-z0-9][A-Za-z0-9._+@=-]*$/;

const md5 = '0123456789abcdef0123456789abcdef';
const file = { size_bytes: 198, md5_digest: md5 };
const voiceOf = (fields: Record<string, unknown> = {}) => ({
  name: 'x',
  language: { code: 'en_US', name_english: 'English', country_english: 'United States' },
  quality: 'medium',
  files: { 'en/MODEL_CARD': file },
  ...fields,
});

function defectsOf(publisher: unknown): readonly string[] {
  try {
    importPiper(publisher, options);
  } catch (error) {
    if (!(error instanceof PiperCatalogError)) throw error;
    expect(error).toBeInstanceOf(TypeError);
    expect(error.code).toBe('manifestError');
    expect(error.path).toBe(error.defects[0]?.path);
    expect(error.message).toContain(error.path);
    return error.defects.map(({ path }) => path);
  }
  return [];
}

describe("the publisher's catalog as it was shipped", () => {
  const manifest = importPiper(catalog, options);
  const files = manifest.cores.flatMap((core) => core.files);
  const voice = (key: string) => manifest.voices.find(({ modelKey }) => modelKey === key);
  const core = (key: string) => manifest.cores.find(({ id }) => id === `piper_model_${key}`);

  it('becomes 163 voices, each with a core of its own, and 489 files of 10,687,940,611 bytes', () => {
    expect(manifest.voices).toHaveLength(163);
    expect(manifest.cores).toHaveLength(163);
    expect(files).toHaveLength(489);
    expect(files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)).toBe(10_687_940_611);
    expect(manifest.voices.map(({ coreRequirements }) => coreRequirements)).toEqual(
      manifest.cores.map(({ id }) => [id]),
    );
    expect(new Set(manifest.voices.map(({ modelKey }) => modelKey))).toEqual(new Set(Object.keys(catalog)));
  });

  it('describes a voice as people look for it', () => {
    expect(voice('en_US-lessac-medium')).toEqual({
      id: 'piper_en_US-lessac-medium',
      kind: 'voice',
      engineId: 'piper',
      displayName: 'Lessac (English, United States, medium)',
      language: 'en-US',
      gender: null,
      coreRequirements: ['piper_model_en_US-lessac-medium'],
      speakerId: null,
      modelKey: 'en_US-lessac-medium',
      aliases: ['piper_en-us-lessac-medium'],
    });
    expect(voice('en_GB-southern_english_female-low')?.displayName).toBe(
      'Southern English Female (English, Great Britain, low)',
    );
    expect(voice('en_US-joe-medium')).not.toHaveProperty('aliases');
  });

  it('keeps the model, its description and its card together, and points to the card for the licence', () => {
    const lessac = core('en_US-lessac-medium');
    expect(lessac?.files.map(({ filename }) => filename)).toEqual([
      'en_US-lessac-medium.onnx',
      'en_US-lessac-medium.onnx.json',
      'MODEL_CARD',
    ]);
    expect(lessac?.files[0]).toEqual({
      filename: 'en_US-lessac-medium.onnx',
      url: `https://huggingface.co/rhasspy/piper-voices/resolve/${PIPER_REVISION}/en/en_US/lessac/medium/en_US-lessac-medium.onnx`,
      sizeBytes: 63_201_294,
      md5: '2fc642b535197b6305c7c8f92dc8b24f',
    });
    expect(new Set(manifest.cores.map(({ license }) => license))).toEqual(new Set(['see MODEL_CARD']));
  });

  it('writes tugão in ASCII on disk, percent-encoded in the URL, and unchanged in the model key', () => {
    expect(voice('pt_PT-tugão-medium')).toMatchObject({
      id: 'piper_pt_PT-tugao-medium',
      displayName: 'Tugão (Portuguese, Portugal, medium)',
      coreRequirements: ['piper_model_pt_PT-tugao-medium'],
    });
    const [model] = core('pt_PT-tugao-medium')?.files ?? [];
    expect(model?.filename).toBe('pt_PT-tugao-medium.onnx');
    expect(model?.url).toMatch(/\/pt\/pt_PT\/tug%C3%A3o\/medium\/pt_PT-tug%C3%A3o-medium\.onnx$/);
  });

  it('holds only names of the grammar, and no two ids that differ in case alone', () => {
    const ids = [
      ...manifest.cores.map(({ id }) => id),
      ...manifest.voices.flatMap((v) => [v.id, ...(v.aliases ?? [])]),
    ];
    for (const name of [...ids, ...files.map(({ filename }) => filename)]) expect(name).toMatch(SEGMENT);
    expect(new Set(ids.map((id) => id.toLowerCase())).size).toBe(ids.length);
  });

  it('lets two voices have one and the same model', () => {
    const digest = (key: string) => core(key)?.files[0]?.md5;
    expect(digest('en_US-reza_ibrahim-medium')).toBe(digest('fa_IR-reza_ibrahim-medium'));
  });

  it('comes out the same whatever order the keys came in', () => {
    const turned = (value: unknown): unknown =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.fromEntries(
            Object.entries(value)
              .reverse()
              .map(([key, inner]) => [key, turned(inner)]),
          )
        : value;
    expect(JSON.stringify(importPiper(turned(catalog), options))).toBe(JSON.stringify(manifest));
  });

  it('leaves its input as it was', () => {
    const before = JSON.stringify(catalog);
    importPiper(catalog, { ...options, assets });
    expect(JSON.stringify(catalog)).toBe(before);
  });
});

describe('digests from elsewhere', () => {
  it('strengthen the files whose size and md5 they state', () => {
    const files = importPiper(catalog, { ...options, assets }).cores.flatMap((core) => core.files);
    expect(files.filter(({ sha256 }) => sha256 !== undefined)).toHaveLength(18);
    expect(files.find(({ filename }) => filename === 'en_US-lessac-medium.onnx')?.sha256).toBe(
      '5efe09e69902187827af646e1a6e9d269dee769f9877d17b16b1b46eeaaf019f',
    );
  });

  it.each([
    ['another size', { sizeBytes: 199 }],
    ['another md5', { md5: 'f'.repeat(32) }],
    ['another file', { file: 'en/other/MODEL_CARD' }],
    ['no sha256', { sha256: null }],
  ])('are not believed with %s', (_, difference) => {
    const asset = { file: 'en/MODEL_CARD', sizeBytes: 198, md5, sha256: 'a'.repeat(64), ...difference };
    const { cores } = importPiper({ x: voiceOf() }, { ...options, assets: [asset] });
    expect(cores[0]?.files[0]).not.toHaveProperty('sha256');
  });
});

describe('another catalog of the same shape', () => {
  it('may lack what only describes, and take its files from another revision', () => {
    const lean = { x: { language: { code: 'de' }, files: { 'a b/MODEL#1/MODEL_CARD': file } } };
    const { cores, voices } = importPiper(lean, { ...options, revision: 'refs/pr/1' });
    expect(voices[0]).toMatchObject({ displayName: 'X (de)', language: 'de' });
    expect(cores[0]?.files[0]?.url).toBe(
      'https://huggingface.co/rhasspy/piper-voices/resolve/refs%2Fpr%2F1/a%20b/MODEL%231/MODEL_CARD',
    );
  });

  it('may name a voice in another script', () => {
    const { voices } = importPiper({ 'zh_CN-小雅-medium': voiceOf({ aliases: ['小雅'] }) }, options);
    expect(voices[0]).toMatchObject({
      id: 'piper_zh_CN-u5c0fu96c5-medium',
      modelKey: 'zh_CN-小雅-medium',
      aliases: ['piper_u5c0fu96c5'],
    });
  });

  it('takes a digest in capitals as the same digest', () => {
    const { cores } = importPiper(
      { x: voiceOf({ files: { MODEL_CARD: { size_bytes: 1, md5_digest: md5.toUpperCase() } } }) },
      options,
    );
    expect(cores[0]?.files[0]?.md5).toBe(md5);
  });
});

describe('a catalog that is wrong', () => {
  const withFile = (path: string, entry: unknown = file) => ({ 'en_US-x': voiceOf({ files: { [path]: entry } }) });

  it.each([
    ['no object', [], '$'],
    ['nothing', null, '$'],
    ['no voices', {}, '$'],
    ['a voice that is none', { 'en_US-x': 5 }, '$["en_US-x"]'],
    ['a key that contradicts its place', { 'en_US-x': voiceOf({ key: 'en_US-y' }) }, '$["en_US-x"].key'],
    ['no language', { plain: voiceOf({ language: undefined }) }, '$.plain.language'],
    ['a language code that is none', { plain: voiceOf({ language: { code: 'e n' } }) }, '$.plain.language.code'],
    ['a name that steers a terminal', { plain: voiceOf({ name: '\u001b[2J' }) }, '$.plain.name'],
    ['no files', { plain: voiceOf({ files: {} }) }, '$.plain.files'],
    ['files that are a list', { plain: voiceOf({ files: [file] }) }, '$.plain.files'],
    [
      'a size that is text',
      withFile('a.onnx', { ...file, size_bytes: '1' }),
      '$["en_US-x"].files["a.onnx"].size_bytes',
    ],
    ['a size below zero', withFile('a.onnx', { ...file, size_bytes: -1 }), '$["en_US-x"].files["a.onnx"].size_bytes'],
    ['half a byte', withFile('a.onnx', { ...file, size_bytes: 1.5 }), '$["en_US-x"].files["a.onnx"].size_bytes'],
    ['no size', withFile('a.onnx', { md5_digest: md5 }), '$["en_US-x"].files["a.onnx"].size_bytes'],
    [
      'a digest of the wrong length',
      withFile('a.onnx', { ...file, md5_digest: 'ab' }),
      '$["en_US-x"].files["a.onnx"].md5_digest',
    ],
    ['no digest', withFile('a.onnx', { size_bytes: 1 }), '$["en_US-x"].files["a.onnx"].md5_digest'],
    ['a way out of the folder', withFile('../MODEL_CARD'), '$["en_US-x"].files["../MODEL_CARD"]'],
    ['a path from the root', withFile('/MODEL_CARD'), '$["en_US-x"].files["/MODEL_CARD"]'],
    ['half a character', withFile('\ud800/MODEL_CARD'), '$["en_US-x"].files["\\ud800/MODEL_CARD"]'],
    ['a device of Windows', withFile('en/CON.onnx'), '$["en_US-x"].files["en/CON.onnx"]'],
    ['a key with a separator', { 'a/b': voiceOf() }, '$["a/b"]'],
    ['aliases that are no list', { plain: voiceOf({ aliases: 'old' }) }, '$.plain.aliases'],
    ['an alias that is no name', { plain: voiceOf({ aliases: ['old', 7] }) }, '$.plain.aliases[1]'],
  ])('names the place of %s', (_, publisher, path) => {
    expect(defectsOf(publisher)).toEqual([path]);
  });

  it('names both of two keys that become one id', () => {
    expect(defectsOf({ tugao: voiceOf(), tugão: voiceOf() })).toEqual(['$["tugão"]']);
    expect(defectsOf({ Ab: voiceOf(), ab: voiceOf() })).toEqual(['$.ab']);
    expect(defectsOf({ model_x: voiceOf(), x: voiceOf() })).toEqual(['$.x']);
    expect(() => importPiper({ tugao: voiceOf(), tugão: voiceOf() }, options)).toThrow(
      '$["tugão"]: becomes "piper_tugao", the name that $.tugao has',
    );
  });

  it('refuses an alias that is the id of another voice, and passes over one that is its own', () => {
    expect(defectsOf({ one: voiceOf({ aliases: ['two'] }), two: voiceOf() })).toEqual(['$.one.aliases']);
    const { voices } = importPiper({ one: voiceOf({ aliases: ['one'] }) }, options);
    expect(voices[0]).not.toHaveProperty('aliases');
  });

  it('refuses two files of one name in one voice', () => {
    const files = { 'a/MODEL_CARD': file, 'b/model_card': file };
    expect(defectsOf({ plain: voiceOf({ files }) })).toEqual(['$.plain.files["b/model_card"]']);
  });

  it('hears of every defect at once, and prints a few', () => {
    const broken = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`v${i}`, voiceOf({ files: {} })]));
    expect(defectsOf(broken)).toHaveLength(9);
    expect(() => importPiper(broken, options)).toThrow(/; and 4 more$/);
  });
});
