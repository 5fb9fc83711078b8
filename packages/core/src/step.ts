import { type AnyStateMachine, createActor } from 'xstate';
import type { Effect } from './effect.js';
import type { LadingEvent } from './event.js';

/**
 * The one place that calls XState. The public `transition()` builds an inert actor for each call (about 25 µs); a single inert scope does
 * the same work in about 5 µs. That leans on an undocumented shape of xstate 5.33.3, so the version is pinned exactly and a test holds
 * this function against the public one. Safe because it is synchronous, not re-entrant, and no actor feature is used.
 */
export interface Entity<Phase extends string, Context> {
  readonly phase: Phase;
  readonly context: Context;
}

export interface Step<Phase extends string, Context> {
  readonly next: Entity<Phase, Context>;
  readonly effects: readonly Effect[];
  /** False if the machine has no place for this event in this phase. */
  readonly isAccepted: boolean;
}

export type Stepper<Phase extends string, Context, Event extends LadingEvent> = (
  entity: Entity<Phase, Context>,
  event: Event,
) => Step<Phase, Context>;

interface Action {
  readonly type: string;
  readonly params: unknown;
}

export function stepperOf<Phase extends string, Context, Event extends LadingEvent>(
  machine: AnyStateMachine,
): Stepper<Phase, Context, Event> {
  const self = createActor(machine);
  const ignore = () => undefined;
  const scope = {
    self,
    system: self.system,
    id: '',
    sessionId: '',
    logger: ignore,
    defer: ignore,
    stopChild: ignore,
    emit: ignore,
    actionExecutor: ignore as (action: Action) => void,
  };
  return (entity, event) => {
    const effects: Effect[] = [];
    scope.actionExecutor = (action) => {
      if (action.type === 'effect') effects.push(action.params as Effect);
    };
    const before = machine.resolveState({ value: entity.phase, context: entity.context });
    const after = machine.transition(before, event, scope as never);
    if (after === before) return { next: entity, effects, isAccepted: false };
    return { next: { phase: after.value as Phase, context: after.context as Context }, effects, isAccepted: true };
  };
}
