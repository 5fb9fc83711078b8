import {
  type CoreContext,
  type CoreEvent,
  type CorePhase,
  emptyCoreContext,
  stepCore,
  stepVoice,
  type VoiceContext,
  type VoiceEvent,
  type VoicePhase,
} from '@lading/core';
import { describe, expect, it } from 'vitest';
import { coreOracle, voiceOracle } from './oracle.ts';

const STEPS = 1_000_000;

/** mulberry32: small, seeded, the same everywhere. */
function luckOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const fault = { type: 'interrupted', detail: 'x', message: 'x' } as const;

function coreEvent(luck: () => number, phase: CorePhase, ticket: number): CoreEvent {
  const core = 'c';
  const n = Math.floor(luck() * 100);
  const files = { [`f${n % 3}`]: { bytes: n * 10, validator: null, origin: null } };
  const staged = { f0: n, f1: n * 5, f2: n * 11 };
  const some: readonly CoreEvent[] = [
    { type: 'CoreQueued', core, order: n, priority: n % 3 },
    { type: 'CorePrioritized', core, priority: n },
    {
      type: 'CoreStarted',
      core,
      ticket: ticket + 1,
      revision: `r${n % 2}`,
      bytesTotal: 3000,
      keepsStaged: n % 2 === 0,
    },
    { type: 'CorePrepared', core, ticket, staged },
    { type: 'CoreCheckpointed', core, ticket, files, isProgress: n % 3 === 0 },
    { type: 'CoreStaged', core, revision: `r${n % 2}`, files },
    { type: 'CoreDownloaded', core, ticket },
    { type: 'CoreVerified', core, ticket, isArchive: n % 2 === 0, weak: n % 5 === 0 ? ['f0'] : [] },
    { type: 'CoreExtracted', core, ticket },
    { type: 'CoreInstalled', core, ticket, revision: `r${n % 2}`, generation: `g${ticket}`, files: [], weak: [] },
    { type: 'RetryScheduled', core, fault, attempt: n % 6, strikes: n % 2, at: n, voided: n % 4 === 0 ? ['f1'] : [] },
    { type: 'CoreFailed', core, fault, voided: n % 4 === 0 ? ['f0', 'f2'] : [] },
    {
      type: 'CorePaused',
      core,
      ticket: ticket + 1,
      reason: n % 2 === 0 ? 'user' : 'noSpace',
      fault: n % 2 === 0 ? null : fault,
    },
    { type: 'CoreCancelStarted', core, ticket: ticket + 1 },
    { type: 'CoreCancelled', core },
    { type: 'CoreDeletionStarted', core, ticket: ticket + 1 },
    { type: 'CoreDeleted', core },
    { type: 'CoreLost', core, detail: 'missing', kept: n % 2 === 0 ? files : {} },
    { type: 'CoreWoken', core, ticket: ticket + 1, staged, order: n },
  ];
  // Half the time what would come next by itself, or the deep phases would hardly ever be reached.
  const onward = some.find((event) => event.type === ONWARD[phase]);
  return onward !== undefined && luck() < 0.5 ? onward : (some[Math.floor(luck() * some.length)] as CoreEvent);
}

const ONWARD: Partial<Record<CorePhase, CoreEvent['type']>> = {
  absent: 'CoreQueued',
  queued: 'CoreStarted',
  preparing: 'CorePrepared',
  downloading: 'CoreDownloaded',
  verifying: 'CoreVerified',
  extracting: 'CoreExtracted',
  installing: 'CoreInstalled',
  ready: 'CoreQueued',
};

function voiceEvent(luck: () => number): VoiceEvent {
  const voice = 'v';
  const some: readonly VoiceEvent[] = [
    { type: 'VoiceRequested', voice, cores: luck() < 0.5 ? ['a'] : ['a', 'b'] },
    { type: 'VoiceReady', voice },
    { type: 'VoicePaused', voice, reason: luck() < 0.5 ? 'user' : 'noSpace' },
    { type: 'VoiceResumed', voice },
    { type: 'VoiceFailed', voice, core: 'a' },
    { type: 'VoiceUnavailable', voice, core: 'b' },
    { type: 'VoiceCancelStarted', voice },
    { type: 'VoiceCancelled', voice },
    { type: 'VoiceDeletionStarted', voice },
    { type: 'VoiceDeleted', voice },
  ];
  return some[Math.floor(luck() * some.length)] as VoiceEvent;
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}

describe('the machines and the reducer that was written by hand', () => {
  it('agree on a million random events of a core', { timeout: 240_000 }, () => {
    const luck = luckOf(1);
    let entity: { phase: CorePhase; context: CoreContext } = { phase: 'absent', context: emptyCoreContext('c') };
    const seen = new Set<string>();
    for (let step = 0; step < STEPS; step++) {
      const event = coreEvent(luck, entity.phase, entity.context.ticket);
      const expected = coreOracle(entity.phase, entity.context, event);
      const { next, effects, isAccepted } = stepCore(entity, event);
      const agrees =
        expected === null
          ? !isAccepted
          : isAccepted &&
            same({ ...next, effects }, { phase: expected.phase, context: expected.context, effects: expected.effects });
      if (!agrees)
        expect({ step, event, from: entity, got: { ...next, effects, isAccepted } }).toEqual({
          step,
          event,
          from: entity,
          got: expected,
        });
      if (isAccepted) seen.add(`${entity.phase} ${event.type} ${next.phase}`);
      entity = next;
    }
    expect(seen.size, 'kinds of transition that were taken').toBe(102);
  });

  it('agree on a million random events of a voice', { timeout: 240_000 }, () => {
    const luck = luckOf(2);
    let entity: { phase: VoicePhase; context: VoiceContext } = {
      phase: 'absent',
      context: { id: 'v', cores: [], pauseReason: null, core: null },
    };
    const seen = new Set<string>();
    for (let step = 0; step < STEPS; step++) {
      const event = voiceEvent(luck);
      const expected = voiceOracle(entity.phase, entity.context, event);
      const { next, isAccepted } = stepVoice(entity, event);
      const agrees =
        expected === null
          ? !isAccepted
          : isAccepted && same(next, { phase: expected.phase, context: expected.context });
      if (!agrees)
        expect({ step, event, from: entity, got: next }).toEqual({ step, event, from: entity, got: expected });
      if (isAccepted) seen.add(`${entity.phase} ${event.type} ${next.phase}`);
      entity = next;
    }
    expect(seen.size, 'kinds of transition that were taken').toBe(28);
  });
});
