import { describe, expect, it } from 'vitest';
import { Catalog } from './catalog.js';
import { type CoreContext, type CorePhase, emptyCoreContext } from './core-state.js';
import { readManifestValue } from './manifest.js';
import { planFor } from './plan.js';
import { type DepotState, EMPTY_STATE, withCore } from './state.js';

const sha256 = 'a'.repeat(64);
const file = (filename: string, sizeBytes: number, more = {}) => ({
  filename,
  url: `https://example.org/${filename}`,
  sizeBytes,
  sha256,
  ...more,
});
const reading = readManifestValue(
  {
    version: 3,
    cores: [
      {
        id: 'model',
        license: 'Apache-2.0',
        files: [file('m.onnx', 1000), file('tokens.txt', 10, { sha256: null, md5: 'b'.repeat(32) })],
      },
      { id: 'data', url: 'https://example.org/d.tar.gz', extractType: 'tar.gz', sizeBytes: 200, sha256 },
      { id: 'v1', files: [file('v1.bin', 5, { sha256: null })] },
      { id: 'v2', files: [file('v2.bin', 7)] },
      { id: 'elsewhere', platforms: ['win32'], files: [file('w', 1)] },
    ],
    voices: [
      { id: 'one', coreRequirements: ['model', 'data', 'v1'] },
      { id: 'two', coreRequirements: ['model', 'data', 'v2'] },
      { id: 'lost', coreRequirements: ['elsewhere'] },
    ],
    bundles: [{ id: 'both', requires: ['one', 'two'] }],
  },
  { base: null, allowHttp: false },
);
if (!reading.ok) throw new Error(JSON.stringify(reading.defects));
const { catalog } = Catalog.of([reading.manifest], 'linux');

const plan = (state: DepotState, ...ids: string[]) => {
  const made = planFor(catalog, state, ids);
  if ('type' in made) throw new Error(made.code);
  return made;
};
const refusal = (...ids: string[]) => {
  const made = planFor(catalog, EMPTY_STATE, ids);
  return 'type' in made ? made.code : 'planned';
};
const revisionOf = (id: string) => catalog.core(id)?.revision ?? '';
const having = (state: DepotState, id: string, phase: CorePhase, context: Partial<CoreContext>): DepotState =>
  withCore(state, id, { phase, context: { ...emptyCoreContext(id), ticket: 1, ...context } });
const installed = (state: DepotState, id: string, revision = revisionOf(id)): DepotState =>
  having(state, id, 'ready', { revision, installed: { revision, generation: 'g1', files: [], weak: [] } });

describe('a plan', () => {
  it('counts a core that two voices share once, and says what that saves', () => {
    const made = plan(EMPTY_STATE, 'one', 'two');
    expect(made).toMatchObject({
      voices: ['one', 'two'],
      bytesTotal: 1222,
      bytesToFetch: 1222,
      sharingSavesBytes: 1210,
    });
    expect(made.cores.map(({ id, usedBy }) => [id, usedBy])).toEqual([
      ['model', ['one', 'two']],
      ['data', ['one', 'two']],
      ['v1', ['one']],
      ['v2', ['two']],
    ]);
    expect(made.bytesToFetch).toBe(made.cores.reduce((sum, core) => sum + core.bytesToFetch, 0));
    expect(made.cores.flatMap((core) => core.files).reduce((sum, each) => sum + each.bytesToFetch, 0)).toBe(
      made.bytesToFetch,
    );
  });

  it('is the same for a bundle, for its members, and for members named twice', () => {
    expect(plan(EMPTY_STATE, 'both')).toEqual(plan(EMPTY_STATE, 'one', 'two'));
    expect(plan(EMPTY_STATE, 'both', 'one', 'one')).toEqual(plan(EMPTY_STATE, 'both'));
  });

  it('says per file what is there, what is partly there, and what will prove it', () => {
    const state = having(installed(EMPTY_STATE, 'data'), 'model', 'paused', {
      revision: revisionOf('model'),
      durable: { 'm.onnx': { bytes: 400, validator: null, origin: null } },
    });
    const made = plan(state, 'one');
    expect(made.cores.flatMap((core) => core.files)).toEqual([
      { filename: 'm.onnx', sizeBytes: 1000, state: 'partial', bytesToFetch: 600, proof: 'strong' },
      { filename: 'tokens.txt', sizeBytes: 10, state: 'missing', bytesToFetch: 10, proof: 'weak' },
      { filename: 'archive.tar.gz', sizeBytes: 200, state: 'cached', bytesToFetch: 0, proof: 'strong' },
      { filename: 'v1.bin', sizeBytes: 5, state: 'missing', bytesToFetch: 5, proof: 'size' },
    ]);
    expect(made).toMatchObject({ bytesTotal: 1215, bytesToFetch: 615, sharingSavesBytes: 0 });
  });

  it('does not count staged bytes of another revision', () => {
    const state = having(EMPTY_STATE, 'model', 'paused', {
      revision: 'older',
      durable: { 'm.onnx': { bytes: 400, validator: null, origin: null } },
    });
    expect(plan(state, 'one').cores[0]?.bytesToFetch).toBe(1010);
  });

  it('an installed older revision is an update: usable, and fetched anew', () => {
    expect(plan(installed(EMPTY_STATE, 'v1', 'older'), 'one').cores.find((core) => core.id === 'v1')).toMatchObject({
      isUpdate: true,
      bytesToFetch: 5,
    });
    expect(plan(installed(EMPTY_STATE, 'v1'), 'one').cores.find((core) => core.id === 'v1')).toMatchObject({
      isUpdate: false,
      bytesToFetch: 0,
    });
  });

  it('a core that is being deleted is not there', () => {
    const state = having(EMPTY_STATE, 'v1', 'deleting', {
      installed: { revision: revisionOf('v1'), generation: 'g1', files: [], weak: [] },
    });
    expect(plan(state, 'one').cores.find((core) => core.id === 'v1')?.bytesToFetch).toBe(5);
  });

  it('asks for the room that an archive needs while it is unpacked', () => {
    expect(plan(EMPTY_STATE, 'one').neededBytes).toBe(1215 + 200);
    expect(plan(installed(EMPTY_STATE, 'data'), 'one').neededBytes).toBe(1015);
  });

  it('is also made for a core by its own id', () => {
    expect(plan(EMPTY_STATE, 'v2')).toMatchObject({
      voices: [],
      bytesToFetch: 7,
      sharingSavesBytes: 0,
      cores: [{ id: 'v2', usedBy: ['v2'] }],
    });
  });

  it('refuses what is unknown, and what is not for this platform', () => {
    expect(refusal('none')).toBe('unknownId');
    expect(refusal('one', 'none')).toBe('unknownId');
    expect(refusal('lost')).toBe('notAvailableHere');
    expect(refusal('elsewhere')).toBe('notAvailableHere');
  });
});
