/** Whatever a catalog offers to others, this platform fetches only what is for it. */
import { Catalog, DEFAULT_POLICY, decide, EMPTY_STATE, planFor, readManifestValue } from '@lading/core';
import { expect, it } from 'vitest';
import { fc } from './chance.ts';

const PLATFORMS = ['linux', 'darwin', 'win32'];
const cores = fc.array(fc.option(fc.subarray(PLATFORMS, { minLength: 1 })), { minLength: 1, maxLength: 6 });

it('what is for another platform is neither planned nor fetched', () => {
  let passedOver = 0;
  fc.assert(
    fc.property(cores, fc.constantFrom(...PLATFORMS), (platforms, here) => {
      const ids = platforms.map((_, i) => `c${i}`);
      const reading = readManifestValue(
        {
          version: 3,
          cores: platforms.map((each, i) => ({
            id: ids[i],
            ...(each === null ? {} : { platforms: each }),
            files: [{ filename: 'f', url: 'https://example.org/f', sizeBytes: 1, sha256: 'a'.repeat(64) }],
          })),
          voices: [{ id: 'v', coreRequirements: ids }],
        },
        { base: null, allowHttp: false },
      );
      if (!reading.ok) throw new Error(JSON.stringify(reading.defects));
      const { catalog } = Catalog.of([reading.manifest], here);
      const right = ids.filter((_, i) => platforms[i]?.includes(here) ?? true);
      passedOver += ids.length - right.length;
      const plan = planFor(catalog, EMPTY_STATE, ['v']);
      const decision = decide(EMPTY_STATE, catalog, DEFAULT_POLICY, { type: 'download', id: 'v' }, { now: 0, luck: 0 });
      if (right.length === 0) {
        expect([plan, decision]).toMatchObject([{ type: 'refusal' }, { type: 'refusal' }]);
        return;
      }
      if ('type' in plan || decision.type === 'refusal') throw new Error('refused');
      expect(plan.cores.map(({ id }) => id)).toEqual(right);
      expect(decision.events.flatMap((event) => (event.type === 'CoreQueued' ? event.core : []))).toEqual(right);
    }),
  );
  expect(passedOver).toBeGreaterThan(50);
});
