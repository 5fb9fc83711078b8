/** A history that cannot be is refused by name: whoever passes over what he does not understand tells another story. */
import { coreIn, EMPTY_STATE, evolve, type LadingEvent, UnacceptedEvent, voiceIn } from '@lading/core';
import { fold, JournalCorrupt, type JournalRecord, upcast } from '@lading/runtime';
import { describe, expect, it } from 'vitest';
import { fc } from './chance.ts';
import { coreOracle, voiceOracle } from './oracle.ts';

const core = 'c';
const voice = 'v';
const fault = { type: 'interrupted', detail: 'x', message: 'x' } as const;
const events: readonly LadingEvent[] = [
  { type: 'CoreQueued', core, order: 1, priority: 0 },
  { type: 'CoreStarted', core, ticket: 1, revision: 'r', bytesTotal: 9, keepsStaged: false },
  { type: 'CorePrepared', core, ticket: 1, staged: {} },
  { type: 'CoreDownloaded', core, ticket: 1 },
  { type: 'CoreVerified', core, ticket: 1, isArchive: false, weak: [] },
  { type: 'CoreExtracted', core, ticket: 1 },
  { type: 'CoreInstalled', core, ticket: 1, revision: 'r', generation: 'g1', files: [], weak: [] },
  { type: 'RetryScheduled', core, fault, attempt: 1, strikes: 0, at: 5, voided: [] },
  { type: 'CoreFailed', core, fault, voided: [] },
  { type: 'CorePaused', core, ticket: 2, reason: 'user', fault: null },
  { type: 'CoreCancelStarted', core, ticket: 2 },
  { type: 'CoreCancelled', core },
  { type: 'CoreDeletionStarted', core, ticket: 2 },
  { type: 'CoreDeleted', core },
  { type: 'VoiceRequested', voice, cores: [core] },
  { type: 'VoiceReady', voice },
  { type: 'VoicePaused', voice, reason: 'user' },
  { type: 'VoiceResumed', voice },
  { type: 'VoiceFailed', voice, core },
  { type: 'VoiceCancelStarted', voice },
  { type: 'VoiceCancelled', voice },
  { type: 'VoiceDeletionStarted', voice },
  { type: 'VoiceDeleted', voice },
];

const record = (from: number, epoch: number, ...told: readonly LadingEvent[]): JournalRecord => ({
  v: 1,
  from,
  epoch,
  at: 0,
  events: told,
});
const woken = (epoch: number): LadingEvent => ({ type: 'Woken', epoch });

describe('a history', () => {
  it('with an event that is not possible in its phase is refused', () => {
    const seen = { accepted: 0, refused: 0 };
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...events), { minLength: 1, maxLength: 40 }), (told) => {
        let state = EMPTY_STATE;
        for (const event of told) {
          const isPossible =
            'voice' in event
              ? voiceOracle(voiceIn(state, voice).phase, voiceIn(state, voice).context, event) !== null
              : event.type !== 'Woken' &&
                coreOracle(coreIn(state, core).phase, coreIn(state, core).context, event) !== null;
          if (isPossible) {
            seen.accepted++;
            [state] = evolve(state, event);
          } else {
            seen.refused++;
            expect(() => evolve(state, event), `${event.type} changes nothing`).toThrow(UnacceptedEvent);
          }
        }
      }),
      { numRuns: 500 },
    );
    expect(Math.min(seen.accepted, seen.refused)).toBeGreaterThan(100);
  });

  it('with a gap is refused', () => {
    const gap = fc.integer({ min: 1, max: 50 });
    fc.assert(
      fc.property(gap, (missing) => {
        const records = [record(0, 1, woken(1)), record(1 + missing, 1, woken(1))];
        expect(() => fold({ snapshot: null, records })).toThrow(JournalCorrupt);
      }),
    );
  });

  it('in which an owner writes after another has taken over is refused', () => {
    const epoch = fc.integer({ min: 2, max: 50 });
    fc.assert(
      fc.property(epoch, epoch, (mine, back) => {
        const records = [record(0, mine, woken(mine)), record(1, Math.max(0, mine - back), woken(mine))];
        expect(() => fold({ snapshot: null, records })).toThrow(JournalCorrupt);
      }),
    );
  });

  it('of an unknown format is refused', () => {
    const [known] = [record(0, 1, woken(1))];
    expect(upcast(known)).toEqual(known);
    const strange = [{ ...known, v: 2 }, { ...known, events: null }, {}, [], 'x', 7];
    for (const value of strange) expect(() => upcast(value), JSON.stringify(value)).toThrow('unknown format');
  });
});
