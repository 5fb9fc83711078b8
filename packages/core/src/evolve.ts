import type { Effect } from './effect.js';
import type { CoreEvent, LadingEvent, VoiceEvent } from './event.js';
import { BugError } from './invariant.js';
import { coreIn, type DepotState, stepCore, stepVoice, voiceIn, withCore, withVoice } from './state.js';

/** A history holds an event that no machine accepts at this place: the history or the code is wrong, and we stop rather than guess. */
export class UnacceptedEvent extends BugError {
  constructor(
    readonly event: LadingEvent,
    readonly phase: string,
    readonly position: number,
  ) {
    super(
      `event ${position}: ${event.type} is not possible in phase "${phase}": ${JSON.stringify(event).slice(0, 200)}`,
    );
  }
}

const isVoiceEvent = (event: LadingEvent): event is VoiceEvent => event.type.startsWith('Voice');

/** One event folded into the state, and the effects that the entered phases name. Pure. Replay calls it and drops the effects. */
export function evolve(state: DepotState, event: LadingEvent): readonly [DepotState, readonly Effect[]] {
  const position = state.position + 1;
  if (event.type === 'Woken') return [{ ...state, epoch: event.epoch, position }, []];
  if (isVoiceEvent(event)) {
    const voice = voiceIn(state, event.voice);
    const { next, isAccepted } = stepVoice(voice, event);
    if (!isAccepted) throw new UnacceptedEvent(event, voice.phase, position);
    return [{ ...withVoice(state, event.voice, next), position }, []];
  }
  const core = coreIn(state, event.core);
  const { next, effects, isAccepted } = stepCore(core, event as CoreEvent);
  if (!isAccepted) throw new UnacceptedEvent(event, core.phase, position);
  return [{ ...withCore(state, event.core, next), position }, effects];
}

/** Folds a whole history, effects dropped. */
export function replay(state: DepotState, events: Iterable<LadingEvent>): DepotState {
  let next = state;
  for (const event of events) next = evolve(next, event)[0];
  return next;
}
