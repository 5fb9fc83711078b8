import { coreMachine } from './core-machine.js';
import { type CoreContext, type CorePhase, type CoreState, emptyCoreContext, isWorking } from './core-state.js';
import type { CoreEvent, VoiceEvent } from './event.js';
import { Queue } from './queue.js';
import { stepperOf } from './step.js';
import { Table } from './table.js';
import { voiceMachine } from './voice-machine.js';
import {
  emptyVoiceContext,
  isHolding,
  isLeaving,
  isWanting,
  type VoiceContext,
  type VoicePhase,
  type VoiceState,
} from './voice-state.js';

/** Which voices have to do with a core. Level-triggered sets, never counters, and derived: each follows from the voices' phases. */
export interface Demand {
  readonly holders: Table<true>;
  readonly wanters: Table<true>;
  readonly leavers: Table<true>;
}

/** All that a depot knows. A value: `evolve` gives a new one and leaves the old as it was. */
export interface DepotState {
  readonly cores: Table<CoreState>;
  readonly voices: Table<VoiceState>;
  /** Fence of the writer. */
  readonly epoch: number;
  /** Events folded so far. */
  readonly position: number;
  // Derived, rebuilt from the above:
  readonly demand: Table<Demand>;
  readonly queued: Queue;
  readonly working: Table<true>;
}

const NO_DEMAND: Demand = { holders: Table.empty(), wanters: Table.empty(), leavers: Table.empty() };

export const EMPTY_STATE: DepotState = {
  cores: Table.empty(),
  voices: Table.empty(),
  epoch: 0,
  position: 0,
  demand: Table.empty(),
  queued: Queue.empty,
  working: Table.empty(),
};

export const stepCore = stepperOf<CorePhase, CoreContext, CoreEvent>(coreMachine);
export const stepVoice = stepperOf<VoicePhase, VoiceContext, VoiceEvent>(voiceMachine);

export function coreIn(state: DepotState, id: string): CoreState {
  return state.cores.get(id) ?? { phase: 'absent', context: emptyCoreContext(id) };
}

export function voiceIn(state: DepotState, id: string): VoiceState {
  return state.voices.get(id) ?? { phase: 'absent', context: emptyVoiceContext(id) };
}

export function demandOn(state: DepotState, core: string): Demand {
  return state.demand.get(core) ?? NO_DEMAND;
}

function member(set: Table<true>, id: string, isIn: boolean): Table<true> {
  return isIn ? set.set(id, true) : set.delete(id);
}

/** The cores that a voice names learn its phase. Where nobody but holders want a core, both are the same table. */
function withDemand(demand: Table<Demand>, voice: VoiceState, phase: VoicePhase): Table<Demand> {
  const { cores, id } = voice.context;
  const holds = isHolding(phase);
  const wants = isWanting(phase);
  let next = demand;
  for (const core of cores) {
    const known = next.get(core) ?? NO_DEMAND;
    const holders = member(known.holders, id, holds);
    const isOne = known.wanters === known.holders && wants === holds;
    const wanters = isOne ? holders : member(known.wanters, id, wants);
    const leavers = member(known.leavers, id, isLeaving(phase));
    if (holders === known.holders && wanters === known.wanters && leavers === known.leavers) continue;
    next = holders.size + leavers.size === 0 ? next.delete(core) : next.set(core, { holders, wanters, leavers });
  }
  return next;
}

function queuedWith(state: DepotState, id: string, core: CoreState): Queue {
  const before = state.cores.get(id);
  const left = before?.phase === 'queued' ? state.queued.without(before.context) : state.queued;
  return core.phase === 'queued' ? left.with(core.context) : left;
}

export function withCore(state: DepotState, id: string, core: CoreState): DepotState {
  // Nothing ever began, and nothing was brought.
  const isTrace = core.phase === 'absent' && core.context.ticket === 0 && core.context.revision === null;
  return {
    ...state,
    cores: isTrace ? state.cores.delete(id) : state.cores.set(id, core),
    queued: queuedWith(state, id, core),
    working: member(state.working, id, isWorking(core)),
  };
}

export function withVoice(state: DepotState, id: string, voice: VoiceState): DepotState {
  const before = state.voices.get(id);
  const isSame = before === undefined || before.context.cores === voice.context.cores;
  const cleared = isSame ? state.demand : withDemand(state.demand, before, 'absent');
  return {
    ...state,
    voices: voice.phase === 'absent' ? state.voices.delete(id) : state.voices.set(id, voice),
    demand: withDemand(cleared, voice, voice.phase),
  };
}

/** A state as JSON. Holds only what is not derived; reads back to an equal state on every runtime. */
export interface StateImage {
  readonly epoch: number;
  readonly position: number;
  readonly cores: readonly CoreState[];
  readonly voices: readonly VoiceState[];
}

export function imageOf(state: DepotState): StateImage {
  const byId = (a: { context: { id: string } }, b: { context: { id: string } }) =>
    a.context.id < b.context.id ? -1 : 1;
  return {
    epoch: state.epoch,
    position: state.position,
    cores: [...state.cores.values()].map(({ phase, context }) => ({ phase, context })).sort(byId),
    voices: [...state.voices.values()].map(({ phase, context }) => ({ phase, context })).sort(byId),
  };
}

export function stateOf(image: StateImage): DepotState {
  let state: DepotState = { ...EMPTY_STATE, epoch: image.epoch, position: image.position };
  for (const core of image.cores) state = withCore(state, core.context.id, core);
  for (const voice of image.voices) state = withVoice(state, voice.context.id, voice);
  return state;
}
