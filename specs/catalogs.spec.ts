/** The catalogs that are delivered: each is read without a defect, all together make one, and a plan needs no network. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  Catalog,
  EMPTY_STATE,
  LIMITS,
  type Manifest,
  type Plan,
  planFor,
  type Refusal,
  readManifest,
} from '@lading/core';
import { describe, expect, it } from 'vitest';

const folder = new URL('../manifests/', import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
/** The demo names its files relative to its own address. */
const demoBase = 'http://127.0.0.1/demo.json';

function manifestOf(name: string): Manifest {
  const text = readFileSync(new URL(name, folder), 'utf8');
  const reading = readManifest(text, { base: name === 'demo.json' ? demoBase : null, allowHttp: false });
  if (!reading.ok) throw new Error(`${name}: ${JSON.stringify(reading.defects, null, 2)}`);
  return reading.manifest;
}

function catalogFor(platform: string, ...manifests: readonly string[]): Catalog {
  const { catalog, defects } = Catalog.of(manifests.map(manifestOf), platform);
  expect(defects).toEqual([]);
  return catalog;
}

function planned(plan: Plan | Refusal): Plan {
  if ('type' in plan) throw new Error(`refused: ${plan.message}`);
  return plan;
}

describe('the catalogs', () => {
  it('are those of the README', () => {
    expect(names.sort()).toEqual(
      ['assistant', 'demo', 'kokoro', 'language', 'piper', 'speech', 'supertonic'].map((name) => `${name}.json`),
    );
  });

  it.each(names)('%s is read without a defect, and every file in it has a size and a digest', (name) => {
    const manifest = manifestOf(name);
    expect(manifest.cores.length).toBeGreaterThan(0);
    for (const file of manifest.cores.flatMap(({ files }) => files)) {
      const [content] = file.contents;
      expect(content.sizeBytes, file.filename).toBeGreaterThan(0);
      expect(content.sha256 ?? content.sha1 ?? content.md5 ?? content.gitBlob, file.filename).not.toBeNull();
      for (const url of file.urls)
        expect(url).toMatch(name === 'demo.json' ? /^http:\/\/127\.0\.0\.1\// : /^https:\/\//);
    }
  });

  it.each(names)('%s can be planned offline, entry by entry', (name) => {
    const catalog = catalogFor('linux', name);
    let entries = 0;
    for (const { id, coreRequirements } of catalog.voices()) {
      const plan = planned(planFor(catalog, EMPTY_STATE, [id]));
      expect(plan.voices).toEqual([id]);
      expect(plan.cores.length).toBeGreaterThan(0);
      expect(plan.cores.length).toBeLessThanOrEqual(coreRequirements.length);
      expect(plan.bytesToFetch).toBe(
        plan.cores.flatMap(({ files }) => files).reduce((sum, file) => sum + file.sizeBytes, 0),
      );
      expect(plan.bytesToFetch).toBe(plan.bytesTotal);
      entries += 1;
    }
    expect(entries).toBeGreaterThan(0);
    for (const { id, requires } of catalog.bundles()) {
      expect(planned(planFor(catalog, EMPTY_STATE, [id])).voices).toEqual(requires);
    }
  });

  it('load together without a clash', () => {
    const catalog = catalogFor('linux', ...names);
    expect([...catalog.voices()].length).toBeGreaterThan(250);
    expect(planned(planFor(catalog, EMPTY_STATE, ['assistant_small'])).bytesToFetch).toBe(313_837_846);
    expect(planned(planFor(catalog, EMPTY_STATE, ['assistant_standard'])).bytesToFetch).toBe(925_764_203);
  });

  it('have all 163 voices of Piper, and tell that only md5 vouches for most of them', () => {
    const { voices, cores } = manifestOf('piper.json');
    expect(voices).toHaveLength(163);
    expect(cores.flatMap(({ files }) => files)).toHaveLength(489);
    const catalog = catalogFor('linux', 'piper.json');
    const proofs = [...catalog.voices()].flatMap(({ id }) =>
      planned(planFor(catalog, EMPTY_STATE, [id])).cores.flatMap(({ files }) => files.map(({ proof }) => proof)),
    );
    expect(proofs.filter((proof) => proof === 'strong')).toHaveLength(18);
    expect(proofs.filter((proof) => proof === 'weak')).toHaveLength(471);
  });

  it('have all 54 voices of Kokoro, and the second one costs no more than its own style', () => {
    const catalog = catalogFor('linux', 'kokoro.json');
    expect([...catalog.voices()]).toHaveLength(54);
    const one = planned(planFor(catalog, EMPTY_STATE, ['kokoro_af_heart']));
    const two = planned(planFor(catalog, EMPTY_STATE, ['kokoro_af_heart', 'kokoro_af_bella']));
    expect(two.bytesToFetch - one.bytesToFetch).toBe(522_240);
    expect(two.sharingSavesBytes).toBe(one.bytesToFetch - 522_240);
  });

  it('stay far below what a manifest may weigh', () => {
    for (const name of names)
      expect(readFileSync(new URL(name, folder)).length).toBeLessThan(LIMITS.manifestBytes / 10);
  });
});

describe('the generators', () => {
  it.each(['generate.mjs', 'generate-demo.mjs'])(
    '%s would write just what is there',
    { timeout: 120_000 },
    async (name) => {
      const program = fileURLToPath(new URL(name, folder));
      await promisify(execFile)(process.execPath, [program, '--check'], { cwd: fileURLToPath(new URL('..', folder)) });
    },
  );
});

describe('the older manifests', () => {
  it('of version 1 are read, archives known by their suffix, and mean the same everywhere', () => {
    const manifest = manifestOf('sources/legacy-manifest-v1.json');
    expect(manifest.voices.map(({ id }) => id)).toContain('kokoro_af_heart');
    const archive = manifest.cores.find(({ id }) => id === 'espeak_ng_data_v1')?.archive;
    expect(archive?.extractType).toBe('tar.bz2');
    for (const platform of ['android', 'ios', 'linux']) {
      const plan = planned(
        planFor(catalogFor(platform, 'sources/legacy-manifest-v1.json'), EMPTY_STATE, ['kokoro_bf_emma']),
      );
      expect(plan.cores).toHaveLength(4);
    }
  });

  it.each([
    ['android', 'kokoro_core_android_v1'],
    ['ios', 'kokoro_core_ios_v1'],
  ])('of version 2 give %s its own variant of a core', (platform, core) => {
    const catalog = catalogFor(platform, 'sources/legacy-manifest-v2.json');
    expect(planned(planFor(catalog, EMPTY_STATE, ['kokoro_af_heart'])).cores.map(({ id }) => id)).toEqual([core]);
    expect(catalog.resolveCore('kokoro_core_v1')?.id).toBe(core);
    expect(planned(planFor(catalog, EMPTY_STATE, ['piper_en_US-lessac-medium'])).cores).toHaveLength(1);
  });

  it('of version 2 say on linux that a voice is not available there, and why', () => {
    const catalog = catalogFor('linux', 'sources/legacy-manifest-v2.json');
    const plan = planFor(catalog, EMPTY_STATE, ['kokoro_af_heart']);
    expect(plan).toMatchObject({ type: 'refusal', code: 'notAvailableHere' });
    expect((plan as Refusal).message).toContain('kokoro_core_v1');
    expect((plan as Refusal).message).toContain('linux');
    expect(planned(planFor(catalog, EMPTY_STATE, ['supertonic_m1'])).cores).toHaveLength(1);
  });
});
