import { describe, expect, it } from 'vitest';
import { Catalog } from './catalog.js';
import { type Manifest, readManifestValue } from './manifest.js';
import { nearestNames } from './nearest.js';

const sha256 = 'a'.repeat(64);
type Json = Record<string, unknown>;
const core = (id: string, more: Json = {}) => ({
  id,
  files: [{ filename: 'a', url: 'https://example.org/a', sizeBytes: 10, sha256 }],
  ...more,
});

const read = (value: Json): Manifest => {
  const reading = readManifestValue({ version: 3, cores: [], ...value }, { base: null, allowHttp: false });
  if (!reading.ok) throw new Error(JSON.stringify(reading.defects));
  return reading.manifest;
};

const speech = read({
  id: 'speech',
  cores: [
    core('model_linux', { aliasOf: 'model', platforms: ['linux'] }),
    core('model_apple', { aliasOf: 'model', platforms: ['darwin', 'ios'] }),
    core('data'),
    core('windows_only', { platforms: ['win32'] }),
  ],
  voices: [
    { id: 'kokoro_af_heart', engineId: 'kokoro', coreRequirements: ['model', 'data', 'model'], aliases: ['heart'] },
    { id: 'kokoro_bf_emma', engineId: 'kokoro', coreRequirements: ['model', 'windows_only'] },
    { id: 'windows_voice', engineId: 'sapi', coreRequirements: ['windows_only'] },
  ],
  bundles: [{ id: 'pair', requires: ['heart', 'kokoro_bf_emma'] }],
});
const on = (platform: string) => Catalog.of([speech], platform).catalog;
const coresOf = (catalog: Catalog, id: string) => {
  const voice = catalog.voice(id);
  if (voice === undefined) return 'no voice';
  const cores = catalog.requiredCores(voice);
  return 'type' in cores ? cores.code : cores.map((each) => each.id);
};

describe('a catalog', () => {
  it('finds cores, voices, aliases, bundles and engines', () => {
    const catalog = on('linux');
    expect(catalog.core('data')?.id).toBe('data');
    expect(catalog.voice('heart')).toBe(catalog.voice('kokoro_af_heart'));
    expect(catalog.bundle('pair')?.requires).toEqual(['heart', 'kokoro_bf_emma']);
    expect([...catalog.engines()]).toEqual(['kokoro', 'sapi']);
    expect(catalog.voicesOf('kokoro').map((voice) => voice.id)).toEqual(['kokoro_af_heart', 'kokoro_bf_emma']);
    expect(catalog.voicesOf('none')).toEqual([]);
    expect([...catalog.cores()]).toHaveLength(4);
    expect([...catalog.voices()]).toHaveLength(3);
    expect([...catalog.bundles()]).toHaveLength(1);
  });

  it('a bundle stands for its members, through their aliases too', () => {
    expect(
      on('linux')
        .wishesOf('pair')
        .map((voice) => voice.id),
    ).toEqual(['kokoro_af_heart', 'kokoro_bf_emma']);
    expect(on('linux').wishesOf('data')).toEqual([]);
  });

  it.each(['toString', 'constructor', '__proto__', ''])('is not deceived by the id %j', (id) => {
    const catalog = on('linux');
    expect([
      catalog.knows(id),
      catalog.core(id),
      catalog.voice(id),
      catalog.bundle(id),
      catalog.resolveCore(id),
    ]).toEqual([false, undefined, undefined, undefined, undefined]);
    expect(catalog.unknownId(id).code).toBe('unknownId');
  });

  it.each([
    ['linux', ['model_linux', 'data']],
    ['darwin', ['model_apple', 'data']],
    ['ios', ['model_apple', 'data']],
    ['android', 'notAvailableHere'],
  ])('resolves the stable id on %s, each core once', (platform, cores) =>
    expect(coresOf(on(platform), 'heart')).toEqual(cores),
  );

  it('a core that is only for other platforms does not block a voice, unless nothing is left of it', () => {
    expect(coresOf(on('linux'), 'kokoro_bf_emma')).toEqual(['model_linux']);
    expect(coresOf(on('linux'), 'windows_voice')).toBe('notAvailableHere');
    expect(coresOf(on('win32'), 'windows_voice')).toEqual(['windows_only']);
  });

  it('a core that is not for this platform gives way to a variant that is', () => {
    const manifest = read({
      cores: [
        core('model', { platforms: ['linux'] }),
        core('model_apple', { aliasOf: 'model', platforms: ['darwin'] }),
      ],
      voices: [{ id: 'v', coreRequirements: ['model'] }],
    });
    expect(coresOf(Catalog.of([manifest], 'linux').catalog, 'v')).toEqual(['model']);
    expect(coresOf(Catalog.of([manifest], 'darwin').catalog, 'v')).toEqual(['model_apple']);
  });

  it('names the voice together with the core that is missing', () => {
    const orphan = { ...speech, cores: [] };
    const { catalog } = Catalog.of([orphan], 'linux');
    const voice = catalog.voice('heart');
    expect(voice && catalog.requiredCores(voice)).toMatchObject({
      code: 'coreMissing',
      ids: ['kokoro_af_heart', 'model'],
      message: expect.stringContaining('"kokoro_af_heart" needs the core "model"'),
    });
  });
});

describe('several catalogs', () => {
  it('may repeat a definition, and their clashes are named', () => {
    const copy = read({ id: 'copy', cores: [core('data')], voices: [{ id: 'heart2', coreRequirements: ['data'] }] });
    expect(Catalog.of([speech, copy], 'linux').defects).toEqual([]);
    const other = read({
      id: 'other',
      cores: [
        core('data', { files: [{ filename: 'a', url: 'https://example.org/a', sizeBytes: 11, sha256 }] }),
        core('more'),
      ],
      voices: [{ id: 'kokoro_af_heart', coreRequirements: ['more'] }],
      bundles: [{ id: 'pair', requires: ['kokoro_af_heart'] }],
    });
    const { catalog, defects } = Catalog.of([speech, other], 'linux');
    expect(defects).toEqual(
      [
        ['cores', 'data'],
        ['voices', 'kokoro_af_heart'],
        ['bundles', 'pair'],
      ].map(([kind, id]) => ({
        path: `$.${kind}`,
        message: `other: "${id}" is defined differently in another catalog`,
      })),
    );
    expect(catalog.core('data')?.sizeBytes).toBe(10);
    expect(catalog.core('more')).toBeDefined();
  });

  it('the same content at another address is no clash', () => {
    const moved = read({
      cores: [core('data', { files: [{ filename: 'a', url: 'https://mirror.example.org/a', sizeBytes: 10, sha256 }] })],
    });
    expect(Catalog.of([speech, moved], 'linux').defects).toEqual([]);
  });
});

describe('the nearest names', () => {
  const names = ['kokoro_af_heart', 'kokoro_af_bella', 'piper_en_US-lessac-medium', 'whisper_base_en', 'heart'];

  it.each([
    ['kokoro_af_haert', 'kokoro_af_heart'],
    ['KOKORO_AF_HEART', 'kokoro_af_heart'],
    ['lessac', 'piper_en_US-lessac-medium'],
    ['whisper_bas_en', 'whisper_base_en'],
    ['haert', 'heart'],
  ])('of %j begin with %j', (id, name) => expect(nearestNames(id, names)[0]).toBe(name));

  it('are at most five, each once, and none for what is near to nothing', () => {
    expect(nearestNames('xyzzy-plugh', names)).toEqual([]);
    expect(nearestNames('', names)).toEqual([]);
    expect(nearestNames('a'.repeat(100_000), names)).toEqual([]);
    expect(
      nearestNames(
        'voice',
        Array.from({ length: 50 }, (_, i) => `voice${i % 10}`),
      ),
    ).toHaveLength(5);
  });

  it('are what the refusal of an unknown id offers', () => {
    expect(on('linux').unknownId('hart')).toMatchObject({
      code: 'unknownId',
      ids: ['heart'],
      remedy: 'Did you mean "heart"?',
    });
    expect(on('linux').unknownId('qqqqqqq').remedy).toMatch(/lading list/);
  });
});
