import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Catalog } from './catalog.js';
import { CORE_PHASES, type CoreContext, type CorePhase, emptyCoreContext, isBusy } from './core-state.js';
import { decide } from './decide.js';
import type { Fault } from './fault.js';
import type { Input } from './input.js';
import { readManifestValue } from './manifest.js';
import { DEFAULT_POLICY } from './policy.js';
import { coreIn, type DepotState, EMPTY_STATE, withCore, withVoice } from './state.js';
import { coreStatus, coresOfVoice, type LiveBytes, type Status, voiceStatus } from './status.js';
import { directWish, emptyVoiceContext, VOICE_PHASES, type VoicePhase } from './voice-state.js';

const sha256 = 'a'.repeat(64);
const reading = readManifestValue(
  {
    version: 3,
    cores: [
      { id: 'a', files: [{ filename: 'f', url: 'https://example.org/f', sizeBytes: 600, sha256 }] },
      { id: 'b', files: [{ filename: 'g', url: 'https://example.org/g', sizeBytes: 400, sha256 }] },
      { id: 'empty', files: [{ filename: 'h', url: 'https://example.org/h', sizeBytes: 0, sha256 }] },
    ],
    voices: [
      { id: 'v', coreRequirements: ['a', 'b'] },
      { id: 'listener', kind: 'stt', coreRequirements: ['a'] },
      { id: 'nothing', coreRequirements: ['empty'] },
    ],
  },
  { base: null, allowHttp: false },
);
if (!reading.ok) throw new Error(JSON.stringify(reading.defects));
const { catalog } = Catalog.of([reading.manifest], 'linux');
const revisionOf = (id: string) => catalog.core(id)?.revision ?? '';
const ids = ['a', 'b', 'empty'];

const fault: Fault = { type: 'interrupted', detail: 'reset', message: 'x' };
const installed = { revision: 'older', generation: 'g1', files: [], weak: ['f'] };
const context = fc.record<Partial<CoreContext>>({
  ticket: fc.nat(2),
  durable: fc.dictionary(
    fc.constantFrom('f', 'g', 'gone'),
    fc.record({ bytes: fc.nat(2000), validator: fc.constant(null), origin: fc.constant(null) }),
  ),
  fault: fc.constantFrom(null, fault),
  pauseReason: fc.constantFrom(null, 'user', 'noSpace'),
  installed: fc.constantFrom(null, installed, { ...installed, revision: revisionOf('a') }),
  retryAt: fc.constantFrom(null, 5),
  bytesTotal: fc.nat(2000),
});
const live = fc.record<LiveBytes>({
  ticket: fc.nat(2),
  bytes: fc.nat(2000),
  rateBytesPerSecond: fc.constantFrom(null, 0, 1, 1e9),
});
const phase = fc.constantFrom(...CORE_PHASES);
const world = fc.record({
  cores: fc.array(fc.tuple(fc.constantFrom(...ids, 'retired'), phase, context), { maxLength: 4 }),
  voices: fc.array(
    fc.tuple(
      fc.constantFrom('v', 'listener', 'nothing', directWish('b')),
      fc.constantFrom(...VOICE_PHASES),
      fc.constantFrom<string[]>([], ['a', 'b'], ['retired']),
    ),
    { maxLength: 4 },
  ),
  flows: fc.dictionary(fc.constantFrom(...ids), live),
});

function stateOf({
  cores,
  voices,
}: {
  cores: [string, CorePhase, Partial<CoreContext>][];
  voices: [string, VoicePhase, string[]][];
}): DepotState {
  let state = EMPTY_STATE;
  for (const [id, p, c] of cores) state = withCore(state, id, { phase: p, context: { ...emptyCoreContext(id), ...c } });
  for (const [id, p, c] of voices)
    state = withVoice(state, id, { phase: p, context: { ...emptyVoiceContext(id), cores: c } });
  return state;
}

const STILL: ReadonlySet<string> = new Set([
  'queued',
  'paused',
  'backingOff',
  'failed',
  'waiting',
  'unavailable',
  'cancelling',
  'deleting',
]);

function check(status: Status): void {
  expect(Number.isSafeInteger(status.bytesDone) && status.bytesDone >= 0, 'bytesDone is a number').toBe(true);
  expect(status.bytesDone).toBeLessThanOrEqual(status.bytesTotal);
  if (status.etaMs !== null) expect(Number.isFinite(status.etaMs) && status.etaMs >= 0).toBe(true);
  if (status.rateBytesPerSecond !== null) expect(Number.isFinite(status.rateBytesPerSecond)).toBe(true);
  expect(status.actions.length).toBeGreaterThan(0);
  expect(status.remedy === null).toBe(status.fault === null);
}

describe('a status', () => {
  it('of any state: never above its total, never no number, with a reason wherever nothing moves', () => {
    fc.assert(
      fc.property(world, ({ cores, voices, flows }) => {
        const state = stateOf({ cores, voices });
        const flow = (id: string) => flows[id];
        for (const id of [...ids, 'retired']) {
          const status = coreStatus(state, catalog, id, flow);
          check(status);
          const entity = coreIn(state, id);
          if (STILL.has(entity.phase) && !isBusy(entity)) expect(status.reason, `core ${entity.phase}`).not.toBeNull();
          if (entity.phase === 'absent') expect([status.bytesDone, status.actions]).toEqual([0, ['download']]);
        }
        for (const id of ['v', 'listener', 'nothing', directWish('b')]) {
          const status = voiceStatus(state, catalog, id, flow);
          check(status);
          if (STILL.has(status.phase)) expect(status.reason, `voice ${status.phase}`).not.toBeNull();
          const parts = coresOfVoice(state, catalog, id).map((core) => coreStatus(state, catalog, core, flow));
          expect(status.bytesDone).toBe(parts.reduce((sum, part) => sum + part.bytesDone, 0));
          expect(status.bytesTotal).toBe(parts.reduce((sum, part) => sum + part.bytesTotal, 0));
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('only counts live bytes of the present ticket, and shows a rate only while bytes flow', () => {
    const state = withCore(EMPTY_STATE, 'a', {
      phase: 'downloading',
      context: { ...emptyCoreContext('a'), ticket: 2, revision: revisionOf('a') },
    });
    const at = (ticket: number, p: CorePhase = 'downloading') =>
      coreStatus(withCore(state, 'a', { phase: p, context: coreIn(state, 'a').context }), catalog, 'a', () => ({
        ticket,
        bytes: 150,
        rateBytesPerSecond: 100,
      }));
    expect(at(2)).toMatchObject({ bytesDone: 150, bytesTotal: 600, rateBytesPerSecond: 100, etaMs: 4500 });
    expect(at(1)).toMatchObject({ bytesDone: 0, rateBytesPerSecond: null, etaMs: null });
    expect(at(2, 'verifying')).toMatchObject({ rateBytesPerSecond: null, etaMs: null });
  });

  it('knows an update beside the phase, and a failed one leaves the old version ready', () => {
    const ready = withCore(EMPTY_STATE, 'a', {
      phase: 'ready',
      context: { ...emptyCoreContext('a'), ticket: 1, installed, fault },
    });
    expect(coreStatus(ready, catalog, 'a')).toMatchObject({
      phase: 'ready',
      reason: 'interrupted',
      isUpdateAvailable: true,
      actions: ['update', 'delete'],
      warnings: ['f'],
    });
    // A voice that nobody asked for has no update, though its core is here; the one that was asked for has.
    expect(voiceStatus(ready, catalog, 'listener').isUpdateAvailable).toBe(false);
    const asked = withVoice(ready, 'listener', {
      phase: 'ready',
      context: { ...emptyVoiceContext('listener'), cores: ['a'] },
    });
    expect(voiceStatus(asked, catalog, 'listener')).toMatchObject({
      kind: 'stt',
      isUpdateAvailable: true,
      fault: null,
      warnings: ['a/f'],
    });
  });

  it('of a waiting voice says what its cores do, the most telling first', () => {
    const both = (x: CorePhase, y: CorePhase) => {
      const state = stateOf({
        cores: [
          ['a', x, { ticket: 1 }],
          ['b', y, { ticket: 1 }],
        ],
        voices: [['v', 'waiting', ['a', 'b']]],
      });
      return voiceStatus(state, catalog, 'v').reason;
    };
    expect(both('queued', 'downloading')).toBe('downloading');
    expect(both('verifying', 'backingOff')).toBe('verifying');
    expect(both('backingOff', 'queued')).toBe('backingOff');
    expect(both('absent', 'ready')).toBe('queued');
  });
});

describe('progress of a download', () => {
  it('never falls within one ticket while bytes become durable and the world tells the truth', () => {
    const put = (state: DepotState, input: Input): DepotState => {
      const decision = decide(state, catalog, DEFAULT_POLICY, input, { now: 0, luck: 0.5 });
      if (decision.type === 'refusal') throw new Error(decision.code);
      return decision.state;
    };
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(120), fc.nat(100)), { maxLength: 12, size: 'max' }), (rounds) => {
        let state = put(EMPTY_STATE, { type: 'download', id: 'v' });
        const { ticket } = coreIn(state, 'a').context;
        state = put(state, { type: 'prepared', core: 'a', ticket, staged: {} });
        let here = 0;
        let durable = 0;
        let before = 0;
        const look = () => {
          const flow = (id: string) => (id === 'a' ? { ticket, bytes: here, rateBytesPerSecond: 10 } : undefined);
          const { bytesDone } = voiceStatus(state, catalog, 'v', flow);
          expect(bytesDone).toBeGreaterThanOrEqual(before);
          before = bytesDone;
        };
        for (const [came, synced] of rounds) {
          here = Math.min(600, here + came);
          look();
          durable = Math.min(here, durable + synced);
          if (durable > 0)
            state = put(state, {
              type: 'checkpointed',
              core: 'a',
              ticket,
              files: { f: { bytes: durable, validator: null, origin: null } },
            });
          look();
        }
        state = put(state, { type: 'downloaded', core: 'a', ticket });
        here = Math.max(here, durable);
        look();
      }),
    );
  });
});
