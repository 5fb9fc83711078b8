import type { CoreContext, CoreEvent, CorePhase, Effect, VoiceContext, VoiceEvent, VoicePhase } from '@lading/core';

/**
 * The two machines once more, as hand-written reducers that know nothing of XState: slow to read, quick to run, and written from the design,
 * not from the machines. Where the two disagree, one of them is wrong. Null means: not possible in this phase.
 */
interface Outcome<Phase, Context> {
  readonly phase: Phase;
  readonly context: Context;
  readonly effects: readonly Effect[];
}

const WORK: readonly CorePhase[] = ['preparing', 'downloading', 'verifying', 'extracting', 'installing'];
const works = (phase: CorePhase): boolean => WORK.includes(phase);
const among = <T>(value: T, ...list: readonly T[]): boolean => list.includes(value);

const fresh = (before: CoreContext): CoreContext => ({
  id: before.id,
  ticket: before.ticket,
  order: 0,
  priority: 0,
  revision: null,
  bytesTotal: 0,
  durable: {},
  attempt: 0,
  highWater: 0,
  strikes: 0,
  retryAt: null,
  pauseReason: null,
  weak: [],
  fault: null,
  installed: null,
});

function capped(durable: CoreContext['durable'], staged: Readonly<Record<string, number>>): CoreContext['durable'] {
  const result: Record<string, CoreContext['durable'][string]> = {};
  for (const file of Object.keys(durable)) {
    const known = durable[file];
    const end = staged[file] ?? 0;
    if (known === undefined) continue;
    const bytes = Math.min(known.bytes, end);
    const spans = (known.spans ?? [])
      .map(({ from, to }) => ({ from, to: Math.min(to, end) }))
      .filter((s) => s.from < s.to);
    const { validator, origin } = known;
    if (bytes > 0 || spans.length > 0)
      result[file] = spans.length > 0 ? { bytes, validator, origin, spans } : { bytes, validator, origin };
  }
  return result;
}

function minus(durable: CoreContext['durable'], voided: readonly string[]): CoreContext['durable'] {
  const result = { ...durable };
  for (const file of voided) delete result[file];
  return result;
}

function total(durable: CoreContext['durable']): number {
  let sum = 0;
  for (const { bytes, spans } of Object.values(durable)) {
    sum += bytes;
    for (const { from, to } of spans ?? []) sum += to - from;
  }
  return sum;
}

const ENTRY: Partial<Record<CorePhase, Exclude<Effect['type'], 'wake'>>> = {
  preparing: 'prepare',
  downloading: 'transfer',
  verifying: 'verify',
  extracting: 'extract',
  installing: 'publish',
  paused: 'stop',
  cancelling: 'discard',
  deleting: 'remove',
};

function enter(phase: CorePhase, context: CoreContext): Outcome<CorePhase, CoreContext> {
  const { id: core, ticket } = context;
  if (phase === 'backingOff')
    return { phase, context, effects: [{ type: 'wake', core, ticket, at: context.retryAt ?? 0 }] };
  const type = ENTRY[phase];
  return { phase, context, effects: type === undefined ? [] : [{ type, core, ticket }] };
}

const stay = (phase: CorePhase, context: CoreContext): Outcome<CorePhase, CoreContext> => ({
  phase,
  context,
  effects: [],
});

export function coreOracle(phase: CorePhase, c: CoreContext, event: CoreEvent): Outcome<CorePhase, CoreContext> | null {
  const settled: CorePhase = c.installed === null ? 'failed' : 'ready';
  switch (event.type) {
    case 'CoreQueued': {
      if (!among(phase, 'absent', 'ready', 'paused', 'failed', 'backingOff')) return null;
      const queued = { ...c, order: event.order, priority: event.priority, retryAt: null, pauseReason: null };
      return enter('queued', phase === 'backingOff' ? queued : { ...queued, attempt: 0, strikes: 0, fault: null });
    }
    case 'CorePrioritized':
      return among(phase, 'queued', 'preparing', 'downloading', 'backingOff')
        ? stay(phase, { ...c, priority: event.priority })
        : null;
    case 'CoreStarted': {
      if (phase !== 'queued') return null;
      const started = { ...c, ticket: event.ticket, revision: event.revision, bytesTotal: event.bytesTotal };
      return enter('preparing', event.keepsStaged ? started : { ...started, durable: {}, highWater: 0, strikes: 0 });
    }
    case 'CorePrepared':
      return phase === 'preparing' ? enter('downloading', { ...c, durable: capped(c.durable, event.staged) }) : null;
    case 'CoreCheckpointed': {
      if (!among(phase, 'queued', 'preparing', 'downloading', 'paused')) return null;
      const durable = { ...c.durable, ...event.files };
      if (!event.isProgress) return stay(phase, { ...c, durable });
      return stay(phase, { ...c, durable, attempt: 0, fault: null, highWater: Math.max(c.highWater, total(durable)) });
    }
    case 'CoreStaged': {
      if (!among(phase, 'absent', 'queued', 'preparing', 'ready', 'paused', 'backingOff', 'failed')) return null;
      if (event.revision !== c.revision) {
        const anew = { durable: event.files, highWater: total(event.files), strikes: 0 };
        return stay(phase, { ...c, revision: event.revision, ...anew });
      }
      const durable = { ...c.durable, ...event.files };
      return stay(phase, { ...c, durable, highWater: Math.max(c.highWater, total(durable)) });
    }
    case 'CoreDownloaded':
      return phase === 'downloading' ? enter('verifying', c) : null;
    case 'CoreVerified':
      return phase === 'verifying'
        ? enter(event.isArchive ? 'extracting' : 'installing', { ...c, weak: event.weak })
        : null;
    case 'CoreExtracted':
      return phase === 'extracting' ? enter('installing', c) : null;
    case 'CoreInstalled': {
      if (phase !== 'installing') return null;
      const { revision, generation, files, weak } = event;
      const context = {
        ...fresh(c),
        revision,
        bytesTotal: c.bytesTotal,
        installed: { revision, generation, files, weak },
      };
      return { phase: 'ready', context, effects: [{ type: 'sweep', core: c.id, ticket: c.ticket }] };
    }
    case 'RetryScheduled':
      if (!works(phase)) return null;
      return enter('backingOff', {
        ...c,
        attempt: event.attempt,
        strikes: event.strikes,
        retryAt: event.at,
        fault: event.fault,
        durable: minus(c.durable, event.voided),
      });
    case 'CoreFailed':
      if (!works(phase) && !among(phase, 'queued', 'backingOff')) return null;
      return enter(settled, { ...c, fault: event.fault, retryAt: null, durable: minus(c.durable, event.voided) });
    case 'CorePaused':
      if (!works(phase) && !among(phase, 'queued', 'backingOff')) return null;
      return enter('paused', {
        ...c,
        ticket: event.ticket,
        pauseReason: event.reason,
        fault: event.fault,
        retryAt: null,
      });
    case 'CoreCancelStarted':
      if (!works(phase) && !among(phase, 'queued', 'backingOff', 'paused', 'failed')) return null;
      return enter('cancelling', { ...c, ticket: event.ticket, retryAt: null, pauseReason: null });
    case 'CoreCancelled':
      if (phase !== 'cancelling') return null;
      return enter(c.installed === null ? 'absent' : 'ready', { ...fresh(c), installed: c.installed });
    case 'CoreDeletionStarted':
      if (among(phase, 'absent', 'deleting')) return null;
      return enter('deleting', { ...c, ticket: event.ticket, retryAt: null, pauseReason: null });
    case 'CoreDeleted':
      return phase === 'deleting' ? enter('absent', fresh(c)) : null;
    case 'CoreLost':
      if (phase !== 'ready') return stay(phase, { ...c, installed: null });
      return enter('absent', { ...fresh(c), revision: c.installed?.revision ?? null, durable: event.kept });
    case 'CoreWoken': {
      const woken = { ...c, ticket: event.ticket, order: event.order, durable: capped(c.durable, event.staged) };
      if (works(phase)) return enter('queued', woken);
      return among(phase, 'backingOff', 'cancelling', 'deleting') ? enter(phase, woken) : stay(phase, woken);
    }
    default:
      return event satisfies never;
  }
}

/** For each event: the phases it is possible in, and where it leads. */
const VOICE: Readonly<Record<VoiceEvent['type'], readonly [readonly VoicePhase[], VoicePhase]>> = {
  VoiceRequested: [['absent', 'paused', 'failed', 'unavailable', 'cancelling', 'deleting'], 'waiting'],
  VoiceReady: [['waiting', 'failed'], 'ready'],
  VoicePaused: [['waiting', 'failed'], 'paused'],
  VoiceResumed: [['paused'], 'waiting'],
  VoiceFailed: [['waiting'], 'failed'],
  VoiceUnavailable: [['waiting', 'ready', 'paused', 'failed'], 'unavailable'],
  VoiceCancelStarted: [['waiting', 'paused', 'failed', 'unavailable'], 'cancelling'],
  VoiceCancelled: [['cancelling'], 'absent'],
  VoiceDeletionStarted: [['waiting', 'ready', 'paused', 'failed', 'unavailable', 'cancelling'], 'deleting'],
  VoiceDeleted: [['deleting'], 'absent'],
};

export function voiceOracle(
  phase: VoicePhase,
  c: VoiceContext,
  event: VoiceEvent,
): Outcome<VoicePhase, VoiceContext> | null {
  const [from, to] = VOICE[event.type];
  if (!from.includes(phase)) return null;
  if (to === 'absent')
    return { phase: to, context: { id: c.id, cores: [], pauseReason: null, core: null }, effects: [] };
  const context = {
    id: c.id,
    cores: event.type === 'VoiceRequested' ? event.cores : c.cores,
    pauseReason: event.type === 'VoicePaused' ? event.reason : null,
    core:
      event.type === 'VoiceFailed' || event.type === 'VoiceUnavailable'
        ? event.core
        : event.type === 'VoicePaused'
          ? c.core
          : null,
  };
  return { phase: to, context, effects: [] };
}
