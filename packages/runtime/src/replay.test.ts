import {
  Catalog,
  type CoreContext,
  type CorePhase,
  type CoreState,
  coreStatus,
  DEFAULT_POLICY,
  type DepotState,
  type Effect,
  emptyCoreContext,
  type Fault,
  type LadingEvent,
  stateOf,
  type VoicePhase,
  type VoiceState,
} from '@lading/core';
import { describe, expect, it } from 'vitest';
import type { Moment } from './moment.js';
import { JOURNAL_LAWS, replayed } from './replay.js';
import { STATUS_LAWS } from './status-law.js';

const fault: Fault = {
  type: 'serverError',
  detail: 'http503',
  message: 'the server answered 503',
  retryAfterMs: 2_000,
};
const gone: Fault = { type: 'notFound', detail: 'http404', message: 'the server answered 404', httpStatus: 404 };
const wrong: Fault = { type: 'checksumMismatch', detail: 'digest', message: 'other bytes' };
const installed = { revision: 'r', generation: 'g1', files: [{ filename: 'f', sizeBytes: 9, sha256: 's' }], weak: [] };
const half = { f: { bytes: 5, validator: null, origin: null } };

const core = (phase: CorePhase, more: Partial<CoreContext> = {}): CoreState => ({
  phase,
  context: { ...emptyCoreContext('model'), bytesTotal: 9, ...more },
});
const voice = (phase: VoicePhase): VoiceState => ({
  phase,
  context: { id: 'aria', cores: ['model'], pauseReason: phase === 'paused' ? 'user' : null, core: null },
});
const state = (...entities: readonly (CoreState | VoiceState)[]): DepotState =>
  stateOf({
    epoch: 1,
    position: 10,
    cores: entities.filter((each): each is CoreState => 'ticket' in each.context),
    voices: entities.filter((each): each is VoiceState => !('ticket' in each.context)),
  });

/** A moment that no machine would allow: the laws look at what is so, however it came about. */
function moment(
  events: readonly LadingEvent[],
  before: DepotState,
  after = before,
  effects: readonly Effect[] = [],
): Moment {
  const touched = [...after.cores.keys(), ...after.voices.keys()];
  const record = { v: 1 as const, from: 10, epoch: 1, at: 1_000, events };
  return {
    record,
    before,
    after,
    effects,
    touched,
    cores: new Map(after.cores.entries()),
    voices: new Map(after.voices.entries()),
  };
}

const started = (ticket: number): LadingEvent => ({
  type: 'CoreStarted',
  core: 'model',
  ticket,
  revision: 'r',
  bytesTotal: 9,
  keepsStaged: true,
});
const retry = (met: Fault, at: number, attempt = 1): LadingEvent => ({
  type: 'RetryScheduled',
  core: 'model',
  fault: met,
  attempt,
  strikes: 0,
  at,
  voided: [],
});
const noted = (bytes: number): LadingEvent => ({
  type: 'CoreCheckpointed',
  core: 'model',
  ticket: 1,
  files: { f: { bytes, validator: null, origin: null } },
  isProgress: false,
});
const none = state();
const waiting = (phase: CorePhase, more: Partial<CoreContext> = {}) => state(voice('waiting'), core(phase, more));

/** For each law a history that breaks it, told by what the law says. */
const broken: readonly (readonly [law: string, word: RegExp, moments: readonly Moment[]])[] = [
  [
    'a voice is ready if and only if it is wanted and all its cores are usable',
    /ready without all/,
    [moment([], state(voice('ready'), core('absent', { ticket: 1 })))],
  ],
  [
    'a voice is ready if and only if it is wanted and all its cores are usable',
    /waiting though all/,
    [moment([], waiting('ready', { installed }))],
  ],
  [
    'a core is installed only when it was downloaded and proven under the same ticket',
    /without CoreDownloaded/,
    [moment([started(1)], none), moment([{ type: 'CoreInstalled', core: 'model', ticket: 1, ...installed }], none)],
  ],
  [
    'a core is installed only when it was downloaded and proven under the same ticket',
    /its job has 1/,
    [moment([started(1)], none), moment([{ type: 'CoreInstalled', core: 'model', ticket: 2, ...installed }], none)],
  ],
  ['a ready core has a version installed', /nothing is installed/, [moment([], state(core('ready')))]],
  [
    'a core that a voice holds is deleted only under voices that know it',
    /although aria hold it/,
    [moment([{ type: 'CoreDeletionStarted', core: 'model', ticket: 2 }], state(voice('ready'), core('deleting')))],
  ],
  [
    'the recorded bytes of a file grow, or begin anew at nothing',
    /lost recorded bytes 0 to 5/,
    [moment([noted(4)], waiting('downloading', { durable: half }))],
  ],
  [
    'records follow each other without a gap, under an epoch that never falls',
    /begins at event 10, expected 9/,
    [moment([], { ...none, position: 9 })],
  ],
  [
    'records follow each other without a gap, under an epoch that never falls',
    /epoch 1 writes after 2/,
    [moment([], { ...none, epoch: 2 })],
  ],
  [
    'each owner has a higher epoch than the one before',
    /epoch 1 follows 1/,
    [moment([{ type: 'Woken', epoch: 1 }], none)],
  ],
  [
    'tickets never fall, and every effect carries the ticket of its core',
    /ticket of model fell/,
    [moment([], waiting('queued', { ticket: 3 }), waiting('queued', { ticket: 2 }))],
  ],
  [
    'tickets never fall, and every effect carries the ticket of its core',
    /carries ticket 1, the core has 2/,
    [moment([], waiting('downloading', { ticket: 2 }), undefined, [{ type: 'transfer', core: 'model', ticket: 1 }])],
  ],
  [
    'every new job has a new ticket',
    /under the old ticket 1/,
    [moment([started(1)], waiting('queued', { ticket: 1 }))],
  ],
  [
    'what is being cancelled brings nothing more',
    /CoreDownloaded of model/,
    [moment([{ type: 'CoreDownloaded', core: 'model', ticket: 1 }], state(core('cancelling')))],
  ],
  [
    'what is being cancelled brings nothing more',
    /CoreCheckpointed of model/,
    [moment([{ type: 'CoreCancelStarted', core: 'model', ticket: 2 }, noted(5)], state(core('downloading')))],
  ],
  ['work is done only for who wants it', /nobody wants it/, [moment([], state(core('downloading')))]],
  [
    'a core that somebody wants is never paused or absent',
    /aria want it/,
    [moment([], waiting('paused', { pauseReason: 'user' }))],
  ],
  [
    'a voice that waits waits for something that moves',
    /waits for model, which is failed/,
    [moment([], waiting('failed', { fault: gone }))],
  ],
  ['a failed voice has a failed core', /its cores are queued/, [moment([], state(voice('failed'), core('queued')))]],
  [
    'a core waits for a time, and says why it is paused, exactly while it does',
    /backingOff with a time of null/,
    [moment([], waiting('backingOff'))],
  ],
  [
    'a core waits for a time, and says why it is paused, exactly while it does',
    /queued with the reason user/,
    [moment([], waiting('queued', { pauseReason: 'user' }))],
  ],
  ['nobody comes back before Retry-After', /after 1999 ms, asked for were 2000/, [moment([retry(fault, 2_999)], none)]],
  [
    'attempts that bring nothing are bounded',
    /a 7th time, allowed are 6/,
    [...[1, 2, 3, 4, 5, 6].map((attempt) => moment([retry(fault, 9_000, attempt)], none))],
  ],
  [
    'wrong bytes are fetched a bounded number of times',
    /wrong bytes 2 times/,
    [moment([retry(wrong, 9_000)], none), moment([retry(wrong, 9_000)], none)],
  ],
  [
    'a fault that repetition cannot mend is not repeated',
    /after notFound http404/,
    [moment([retry(gone, 9_000)], none)],
  ],
  [
    'whatever failed names its fault and a remedy',
    /nobody knows of what/,
    [moment([], state(voice('failed'), core('failed')))],
  ],
  [
    'progress is a number between nothing and all',
    /NaN of 9 bytes/,
    [moment([], waiting('downloading', { durable: { f: { bytes: Number.NaN, validator: null, origin: null } } }))],
  ],
];

function firstWord(name: string, moments: readonly Moment[]): string | null {
  const see = JOURNAL_LAWS.find((law) => law.name === name)?.watch(DEFAULT_POLICY);
  if (see === undefined) throw new Error(`there is no law "${name}"`);
  return moments.map((each) => see(each)).find((word) => word !== null) ?? null;
}

describe('a law of histories', () => {
  it.each(broken)('that is broken says so: %s', (name, word, moments) => {
    expect(firstWord(name, moments)).toMatch(word);
  });

  it('can be broken, each of them', () => {
    const [silence] = STATUS_LAWS;
    // The status of a core always finds a reason, whatever is in its state: what is shown is judged here as it is.
    const status = coreStatus(waiting('queued'), Catalog.empty(), 'model');
    expect(silence?.judge({ ...status, reason: null })).toMatch(/does not say why/);
    expect(silence?.judge(status)).toBeNull();
    const names = new Set(broken.map(([name]) => name));
    expect(JOURNAL_LAWS.map(({ name }) => name).filter((name) => !names.has(name))).toEqual([silence?.name]);
  });
});

describe('a replay', () => {
  const records = [
    { v: 1, from: 0, epoch: 1, at: 1, events: [{ type: 'Woken', epoch: 1 }] },
    { v: 1, from: 1, epoch: 1, at: 2, events: [{ type: 'Woken', epoch: 1 }] },
  ] as const;

  it('tells the breaches of each record with it', () => {
    const judged = [...replayed({ snapshot: null, records }, DEFAULT_POLICY)];
    expect(judged.map(({ breaches }) => breaches.map(({ law }) => law))).toEqual([
      [],
      ['each owner has a higher epoch than the one before'],
    ]);
    expect(judged.map(({ moment: { after } }) => after.position)).toEqual([1, 2]);
  });

  it('passes over what the snapshot holds already', () => {
    const snapshot = { epoch: 1, position: 1, cores: [], voices: [] };
    expect([...replayed({ snapshot, records }, DEFAULT_POLICY)]).toHaveLength(1);
  });
});
