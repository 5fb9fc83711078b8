import type { AnyStateMachine } from 'xstate';
import type { Effect } from './effect.js';
import type { LadingEvent } from './event.js';
import { invariant } from './invariant.js';

/**
 * The one place that runs a machine. XState's own `transition()` does for each event what is the same for all of them: it costs 5 to 25 µs, of
 * which a reader of ten thousand events has too few. So the table of a machine is read once, and an event is looked up in it. Holds for machines
 * as ours are: flat phases, named guards, assignments and effects; whatever else a machine has is refused when it is made. A test holds every
 * place of both machines against XState's `transition()`, on the exact version that is pinned.
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

interface Scene {
  context: unknown;
  readonly event: LadingEvent;
}

/** An action as the machine names it: an assignment by its name, or an effect with what makes it of the scene. */
type NamedAction = string | { readonly type: 'effect'; readonly params: (scene: Scene) => Effect };

interface NamedTransition {
  readonly target?: string;
  readonly reenter?: boolean;
  readonly guard?: string;
  readonly actions?: NamedAction | readonly NamedAction[];
}

interface Phases {
  readonly on?: Readonly<Record<string, NamedTransition | readonly NamedTransition[]>>;
  readonly entry?: NamedAction | readonly NamedAction[];
}

/** One way out of a phase, with everything that it does in order. */
interface Way {
  readonly guard: ((scene: Scene) => boolean) | null;
  /** Null where the phase stays, and nothing is entered. */
  readonly target: string | null;
  readonly actions: readonly Action[];
}

/** What XState's `assign` makes of a function. */
interface Assignment {
  readonly assignment: (scene: Scene) => unknown;
}

type Ways = ReadonlyMap<string, readonly Way[]>;

type Action = (scene: Scene, effects: Effect[]) => void;

const listOf = <T>(one: T | readonly T[] | undefined): readonly T[] => [one ?? []].flat() as readonly T[];

/** What nobody here runs, a machine must not have. */
function mustHaveOnly(names: string, node: object): void {
  for (const name in node) invariant(names.includes(name), name);
}

/** The table of a machine: the ways out of each phase, by event. */
function waysOf(machine: AnyStateMachine): ReadonlyMap<string, Ways> {
  const { states = {}, on = {}, ...rest } = machine.config as { states?: Record<string, Phases> } & Phases;
  mustHaveOnly('context id initial schemas', rest);
  const { guards, actions } = machine.implementations as unknown as {
    guards: Record<string, (scene: Scene) => boolean>;
    actions: Record<string, Assignment>;
  };
  const actionOf = (named: NamedAction): Action => {
    if (typeof named !== 'string') return (scene, effects) => effects.push(named.params(scene));
    const { assignment } = actions[named] as Assignment;
    return (scene) => {
      scene.context = assignment(scene);
    };
  };
  const wayOf = (transition: NamedTransition, from: string): Way => {
    const { target = null, guard } = transition;
    // XState itself refuses a target that there is not, and a test enters every place: a guard without a name here would stop it.
    const test = guard === undefined ? null : (guards[guard] as (scene: Scene) => boolean);
    const isEntered = target !== null && (target !== from || transition.reenter === true);
    const entry = isEntered ? listOf(states[target]?.entry) : [];
    return { guard: test, target, actions: [...listOf(transition.actions), ...entry].map(actionOf) };
  };
  const table = Object.entries(states).map(([phase, node]) => {
    mustHaveOnly('entry on', node);
    const ways = new Map<string, Way[]>();
    // What stands for the whole machine counts where the phase has no way of its own.
    for (const [type, transitions] of [...Object.entries(node.on ?? {}), ...Object.entries(on)])
      ways.set(type, [...(ways.get(type) ?? []), ...listOf(transitions).map((each) => wayOf(each, phase))]);
    return [phase, ways] as const;
  });
  return new Map(table);
}

export function stepperOf<Phase extends string, Context, Event extends LadingEvent>(
  machine: AnyStateMachine,
): Stepper<Phase, Context, Event> {
  const table = waysOf(machine);
  return (entity, event) => {
    const scene: Scene = { context: entity.context, event };
    const way = table
      .get(entity.phase)
      ?.get(event.type)
      ?.find(({ guard }) => guard === null || guard(scene));
    if (way === undefined) return { next: entity, effects: [], isAccepted: false };
    const effects: Effect[] = [];
    for (const act of way.actions) act(scene, effects);
    const phase = (way.target ?? entity.phase) as Phase;
    return { next: { phase, context: scene.context as Context }, effects, isAccepted: true };
  };
}
