import type { Catalog } from './catalog.js';
import { type CorePhase, type CoreState, durableBytes, isUsable } from './core-state.js';
import { type Fault, remedyOf } from './fault.js';
import { coreIn, type DepotState, voiceIn } from './state.js';
import { coreOfDirectWish, type VoicePhase } from './voice-state.js';

/** Received bytes of running transfers, by core; they go by the side channel, never through the journal. */
export interface LiveBytes {
  readonly ticket: number;
  /** Bytes of the core that are here, durable or not. */
  readonly bytes: number;
  /** Measured over a window that excludes reused bytes; null until it means something. */
  readonly rateBytesPerSecond: number | null;
}

export type Live = (core: string) => LiveBytes | undefined;

export type Action = 'download' | 'pause' | 'resume' | 'cancel' | 'retry' | 'delete' | 'prioritize' | 'update';

/** What is going on with one asset, and why. Everything a screen shows; nothing it has to work out. */
export interface Status {
  readonly id: string;
  readonly kind: 'core' | 'voice' | 'stt' | 'llm' | 'embedding';
  readonly phase: CorePhase | VoicePhase;
  /** Why it does not move, or what its cores do; null if it moves by itself or rests. Machine-readable. */
  readonly reason: string | null;
  readonly bytesDone: number;
  readonly bytesTotal: number;
  readonly rateBytesPerSecond: number | null;
  readonly etaMs: number | null;
  /** Wall clock of the next attempt, milliseconds since 1970. */
  readonly retryAt: number | null;
  readonly fault: Fault | null;
  readonly remedy: string | null;
  readonly isUpdateAvailable: boolean;
  /** Files that only a weak digest, or none, vouches for. */
  readonly warnings: readonly string[];
  /** What this platform cannot promise, in words: that all of it ends with the page, say. Null where it is kept. */
  readonly caveat: string | null;
  /** The cores of a voice. */
  readonly cores: readonly string[];
  /** What may be done next. */
  readonly actions: readonly Action[];
}

const noLive: Live = () => undefined;

/** Most telling first: what a waiting voice says its cores are doing. */
const ACTIVITY: readonly CorePhase[] = [
  'downloading',
  'extracting',
  'verifying',
  'installing',
  'preparing',
  'backingOff',
  'queued',
  'cancelling',
  'deleting',
  'paused',
  'failed',
];

function reasonOfCore({ phase, context }: CoreState): string | null {
  if (phase === 'queued') return 'waitingForSlot';
  if (phase === 'paused') return context.pauseReason ?? 'user';
  if (phase === 'backingOff' || phase === 'failed') return context.fault?.type ?? 'unknown';
  if (phase === 'ready' && context.fault !== null) return context.fault.type;
  return null;
}

function actionsOfCore(core: CoreState, isUpdateAvailable: boolean): readonly Action[] {
  switch (core.phase) {
    case 'absent':
      return ['download'];
    case 'queued':
    case 'preparing':
    case 'downloading':
      return ['pause', 'cancel', 'prioritize', 'delete'];
    case 'verifying':
    case 'extracting':
    case 'installing':
      return ['pause', 'cancel', 'delete'];
    case 'backingOff':
      return ['pause', 'cancel', 'retry', 'delete'];
    case 'ready':
      return isUpdateAvailable ? ['update', 'delete'] : ['delete'];
    case 'paused':
      return ['resume', 'cancel', 'delete'];
    case 'failed':
      return ['retry', 'cancel', 'delete'];
    case 'cancelling':
    case 'deleting':
      return ['download'];
    default:
      return core.phase satisfies never;
  }
}

/** Where a job that was ended is still making its last bytes durable (decision 0012): until then they are counted as they were. */
const LAST_WORDS: ReadonlySet<CorePhase> = new Set(['paused', 'queued', 'preparing']);

function bytesDoneOf(core: CoreState, total: number, live: LiveBytes | undefined): number {
  const { phase, context } = core;
  if (phase === 'ready') return total;
  if (phase === 'absent' || phase === 'deleting') return 0;
  const here = durableBytes(context.durable);
  const isCounted = live !== undefined && (live.ticket === context.ticket || LAST_WORDS.has(phase));
  const flowing = isCounted ? live.bytes : 0;
  return Math.min(total, Math.max(here, flowing));
}

/** How far a core is: what its own status and those of its voices tell. */
interface CoreFigures {
  readonly id: string;
  readonly core: CoreState;
  readonly bytesDone: number;
  readonly bytesTotal: number;
  readonly rateBytesPerSecond: number | null;
  readonly isUpdateAvailable: boolean;
}

function figuresOf(state: DepotState, catalog: Catalog, id: string, live: Live): CoreFigures {
  const core = coreIn(state, id);
  const { phase, context } = core;
  const spec = catalog.core(id);
  const flow = live(id);
  const bytesTotal = spec?.sizeBytes ?? context.bytesTotal;
  const { installed } = context;
  return {
    id,
    core,
    bytesDone: bytesDoneOf(core, bytesTotal, flow),
    bytesTotal,
    rateBytesPerSecond: phase === 'downloading' && flow?.ticket === context.ticket ? flow.rateBytesPerSecond : null,
    isUpdateAvailable: installed !== null && spec !== undefined && spec.revision !== installed.revision,
  };
}

const etaMsOf = (missingBytes: number, rate: number | null): number | null =>
  rate !== null && rate > 0 ? Math.ceil((missingBytes / rate) * 1000) : null;

export function coreStatus(state: DepotState, catalog: Catalog, id: string, live: Live = noLive): Status {
  const { core, bytesDone, bytesTotal, rateBytesPerSecond, isUpdateAvailable } = figuresOf(state, catalog, id, live);
  const { installed, fault, retryAt } = core.context;
  return {
    id,
    kind: 'core',
    phase: core.phase,
    reason: reasonOfCore(core),
    bytesDone,
    bytesTotal,
    rateBytesPerSecond,
    etaMs: etaMsOf(bytesTotal - bytesDone, rateBytesPerSecond),
    retryAt,
    fault,
    remedy: fault === null ? null : remedyOf(fault),
    isUpdateAvailable,
    warnings: installed?.weak ?? [],
    cores: [],
    caveat: null,
    actions: actionsOfCore(core, isUpdateAvailable),
  };
}

function reasonOfVoice(phase: VoicePhase, cores: readonly CoreFigures[], pauseReason: string | null): string | null {
  switch (phase) {
    case 'waiting':
      return ACTIVITY.find((activity) => cores.some(({ core }) => core.phase === activity)) ?? 'queued';
    case 'paused':
      return pauseReason ?? 'user';
    case 'failed':
      return cores.find(({ core }) => core.phase === 'failed')?.core.context.fault?.type ?? 'unknown';
    case 'unavailable':
      return 'coreLost';
    case 'cancelling':
    case 'deleting':
      return 'removing';
    default:
      return null;
  }
}

const VOICE_ACTIONS: Readonly<Record<VoicePhase, readonly Action[]>> = {
  absent: ['download'],
  waiting: ['pause', 'cancel', 'prioritize', 'delete'],
  ready: ['delete'],
  paused: ['resume', 'cancel', 'delete'],
  failed: ['retry', 'cancel', 'delete'],
  unavailable: ['download', 'cancel', 'delete'],
  cancelling: ['download'],
  deleting: ['download'],
};

/** The cores of a voice: as it asked for them, or as the catalog says it would. */
export function coresOfVoice(state: DepotState, catalog: Catalog, id: string): readonly string[] {
  const asked = voiceIn(state, id).context.cores;
  if (asked.length > 0) return asked;
  const voice = catalog.voice(id);
  if (voice === undefined) return [];
  const cores = catalog.requiredCores(voice);
  return 'type' in cores ? [] : cores.map((core) => core.id);
}

export function voiceStatus(state: DepotState, catalog: Catalog, id: string, live: Live = noLive): Status {
  const voice = voiceIn(state, id);
  const ids = coresOfVoice(state, catalog, id);
  const cores = ids.map((core) => figuresOf(state, catalog, core, live));
  let rate: number | null = null;
  let bytesTotal = 0;
  let bytesDone = 0;
  let retryAt: number | null = null;
  let fault: Fault | null = null;
  let isUpdateAvailable = false;
  const warnings: string[] = [];
  for (const each of cores) {
    const { context } = each.core;
    if (each.rateBytesPerSecond !== null) rate = (rate ?? 0) + each.rateBytesPerSecond;
    bytesTotal += each.bytesTotal;
    bytesDone += each.bytesDone;
    retryAt ??= context.retryAt;
    if (!isUsable(each.core)) fault ??= context.fault;
    isUpdateAvailable ||= each.isUpdateAvailable && voice.phase !== 'absent';
    for (const file of context.installed?.weak ?? []) warnings.push(`${each.id}/${file}`);
  }
  return {
    id,
    kind: coreOfDirectWish(id) !== null ? 'core' : (catalog.voice(id)?.kind ?? 'voice'),
    phase: voice.phase,
    reason: reasonOfVoice(voice.phase, cores, voice.context.pauseReason),
    bytesDone,
    bytesTotal,
    rateBytesPerSecond: rate,
    etaMs: etaMsOf(bytesTotal - bytesDone, rate),
    retryAt,
    fault,
    remedy: fault === null ? null : remedyOf(fault),
    isUpdateAvailable,
    warnings,
    cores: ids,
    caveat: null,
    actions: isUpdateAvailable ? [...VOICE_ACTIONS[voice.phase], 'update'] : VOICE_ACTIONS[voice.phase],
  };
}
