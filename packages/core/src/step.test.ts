import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AnyStateMachine, createActor, transition } from 'xstate';
import { coreMachine } from './core-machine.js';
import { CORE_PHASES, type CoreContext, type CorePhase, emptyCoreContext } from './core-state.js';
import type { Effect } from './effect.js';
import type { CoreEvent, VoiceEvent } from './event.js';
import { evolve, UnacceptedEvent } from './evolve.js';
import { EMPTY_STATE } from './state.js';
import { type Entity, stepperOf } from './step.js';
import { voiceMachine } from './voice-machine.js';
import { emptyVoiceContext, VOICE_PHASES, type VoiceContext, type VoicePhase } from './voice-state.js';

const core = 'c';
const voice = 'v';
const number = fc.nat(9);
const file = fc.constantFrom('a', 'b');
const checkpoint = fc.record({
  bytes: fc.nat(100),
  validator: fc.constantFrom(null, '"v1"'),
  origin: fc.constantFrom(null, 'https://example.org'),
});
const checkpoints = fc.dictionary(file, checkpoint, { maxKeys: 2 });
const staged = fc.dictionary(file, fc.nat(100), { maxKeys: 2 });
const names = fc.uniqueArray(file, { maxLength: 2 });
const fault = fc.constantFrom(
  { type: 'interrupted', detail: 'x', message: 'x' } as const,
  { type: 'noSpace', detail: 'y', message: 'y' } as const,
);
const is = <const T extends string>(type: T) => ({ type: fc.constant(type), core: fc.constant(core) });

const coreEvent: fc.Arbitrary<CoreEvent> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ ...is('CoreQueued'), order: number, priority: number }) },
  fc.record({ ...is('CorePrioritized'), priority: number }),
  {
    weight: 4,
    arbitrary: fc.record({
      ...is('CoreStarted'),
      ticket: number,
      revision: fc.constantFrom('r1', 'r2'),
      bytesTotal: fc.nat(100),
      keepsStaged: fc.boolean(),
    }),
  },
  { weight: 4, arbitrary: fc.record({ ...is('CorePrepared'), ticket: number, staged }) },
  fc.record({ ...is('CoreStaged'), revision: fc.constantFrom('r1', 'r2'), files: checkpoints }),
  fc.record({ ...is('CoreCheckpointed'), ticket: number, files: checkpoints, isProgress: fc.boolean() }),
  { weight: 4, arbitrary: fc.record({ ...is('CoreDownloaded'), ticket: number }) },
  { weight: 4, arbitrary: fc.record({ ...is('CoreVerified'), ticket: number, isArchive: fc.boolean(), weak: names }) },
  { weight: 4, arbitrary: fc.record({ ...is('CoreExtracted'), ticket: number }) },
  {
    weight: 4,
    arbitrary: fc.record({
      ...is('CoreInstalled'),
      ticket: number,
      revision: fc.constant('r1'),
      generation: fc.constant('g1'),
      files: fc.constant([]),
      weak: names,
    }),
  },
  fc.record({ ...is('RetryScheduled'), fault, attempt: number, strikes: number, at: number, voided: names }),
  fc.record({ ...is('CoreFailed'), fault, voided: names }),
  fc.record({
    ...is('CorePaused'),
    ticket: number,
    reason: fc.constantFrom('user' as const, 'noSpace' as const),
    fault: fc.option(fault),
  }),
  fc.record({ ...is('CoreCancelStarted'), ticket: number }),
  { weight: 2, arbitrary: fc.record(is('CoreCancelled')) },
  fc.record({ ...is('CoreDeletionStarted'), ticket: number }),
  { weight: 2, arbitrary: fc.record(is('CoreDeleted')) },
  fc.record({ ...is('CoreLost'), detail: fc.constantFrom('missing' as const, 'damaged' as const), kept: checkpoints }),
  fc.record({ ...is('CoreWoken'), ticket: number, staged, order: number }),
);

const said = <const T extends string>(type: T) => fc.record({ type: fc.constant(type), voice: fc.constant(voice) });
const voiceEvent: fc.Arbitrary<VoiceEvent> = fc.oneof(
  fc.record({ type: fc.constant('VoiceRequested' as const), voice: fc.constant(voice), cores: names }),
  fc.record({
    type: fc.constant('VoicePaused' as const),
    voice: fc.constant(voice),
    reason: fc.constantFrom('user' as const, 'noSpace' as const),
  }),
  fc.record({ type: fc.constant('VoiceFailed' as const), voice: fc.constant(voice), core: file }),
  fc.record({ type: fc.constant('VoiceUnavailable' as const), voice: fc.constant(voice), core: file }),
  fc.oneof(
    said('VoiceReady'),
    said('VoiceResumed'),
    said('VoiceCancelStarted'),
    said('VoiceCancelled'),
    said('VoiceDeletionStarted'),
    said('VoiceDeleted'),
  ),
);

/** The same step by the public, slow way. */
function publicStep<Phase extends string, Context>(
  machine: AnyStateMachine,
  entity: Entity<Phase, Context>,
  event: CoreEvent | VoiceEvent,
) {
  const before = machine.resolveState({ value: entity.phase, context: entity.context });
  const [after, actions] = transition(machine, before, event);
  const effects = actions
    .filter((action) => (action.type as string) === 'effect')
    .map((action) => (action as unknown as { params: Effect }).params);
  const isAccepted = after !== before;
  const next = isAccepted ? { phase: after.value as Phase, context: after.context as Context } : entity;
  return { next, effects, isAccepted };
}

/** Every place of the machine's own table: which event it takes in which phase. */
function placesOf(machine: AnyStateMachine): string[] {
  const everywhere = [...machine.root.transitions.keys()];
  return Object.entries(machine.root.states).flatMap(([phase, node]) => {
    const events = new Set([...(node as AnyStateMachine['root']).transitions.keys(), ...everywhere]);
    return [...events].map((event) => `${phase} ${event}`);
  });
}

/** Walks at random, from the start and from any phase that an earlier walk came to. Gives what was accepted, and what was not. */
function walk<Phase extends string, Context, Event extends CoreEvent | VoiceEvent>(
  machine: AnyStateMachine,
  start: Entity<Phase, Context>,
  event: fc.Arbitrary<Event>,
) {
  const step = stepperOf<Phase, Context, Event>(machine);
  const reached = new Map<Phase, Entity<Phase, Context>>([[start.phase, start]]);
  const taken = new Set<string>();
  const refused = new Set<string>();
  fc.assert(
    fc.property(fc.nat(99), fc.array(event, { minLength: 1, maxLength: 40, size: 'max' }), (from, events) => {
      let entity = [...reached.values()][from % reached.size] ?? start;
      for (const each of events) {
        const image = JSON.stringify(entity);
        const found = step(entity, each);
        expect(found).toEqual(publicStep(machine, entity, each));
        expect(JSON.stringify(entity), 'the input is left as it was').toBe(image);
        // Through JSON and back nothing is lost: that is how a state comes out of a snapshot.
        expect(JSON.parse(JSON.stringify(found.next))).toEqual(found.next);
        expect(step(JSON.parse(image) as Entity<Phase, Context>, each)).toEqual(found);
        (found.isAccepted ? taken : refused).add(`${entity.phase} ${each.type}`);
        entity = found.next;
        reached.set(entity.phase, entity);
      }
    }),
    { numRuns: 1500 },
  );
  return { phases: [...reached.keys()].sort(), taken: [...taken].sort(), refused };
}

describe('a step through the table of a machine is what public transition() gives', () => {
  it('for cores, on random walks through every place of the table', () => {
    const walked = walk<CorePhase, CoreContext, CoreEvent>(
      coreMachine,
      { phase: 'absent', context: emptyCoreContext(core) },
      coreEvent,
    );
    expect(walked.phases).toEqual([...CORE_PHASES].sort());
    expect(walked.taken).toEqual(placesOf(coreMachine).sort());
    expect(walked.refused.size).toBeGreaterThan(100);
  });

  it('for voices, on random walks through every place of the table', () => {
    const walked = walk<VoicePhase, VoiceContext, VoiceEvent>(
      voiceMachine,
      { phase: 'absent', context: emptyVoiceContext(voice) },
      voiceEvent,
    );
    expect(walked.phases).toEqual([...VOICE_PHASES].sort());
    expect(walked.taken).toEqual(placesOf(voiceMachine).sort());
    expect(walked.refused.size).toBeGreaterThan(30);
  });
});

describe('the machines', () => {
  it.each([
    ['core', coreMachine as AnyStateMachine, CORE_PHASES as readonly string[], emptyCoreContext('')],
    ['voice', voiceMachine as AnyStateMachine, VOICE_PHASES as readonly string[], emptyVoiceContext('')],
  ])(
    '%s: starts absent with an empty context, and has exactly the phases that are named',
    (_name, machine, phases, context) => {
      const snapshot = createActor(machine).getSnapshot() as { value: unknown; context: unknown };
      expect(snapshot.value).toBe('absent');
      expect(snapshot.context).toEqual(context);
      expect(Object.keys(machine.root.states).sort()).toEqual([...phases].sort());
      for (const phase of phases) expect(machine.resolveState({ value: phase, context }).value).toBe(phase);
    },
  );

  it('a phase that has a job names it when it is entered, and again when it is woken, or gives it up', () => {
    const step = stepperOf<CorePhase, CoreContext, CoreEvent>(coreMachine);
    const woken = (phase: CorePhase) => {
      const context = { ...emptyCoreContext(core), ticket: 1, retryAt: phase === 'backingOff' ? 77 : null };
      const { next, effects } = step({ phase, context }, { type: 'CoreWoken', core, ticket: 2, staged: {}, order: 5 });
      return [next.phase, next.context.ticket, ...effects];
    };
    for (const phase of ['preparing', 'downloading', 'verifying', 'extracting', 'installing'] as const)
      expect(woken(phase)).toEqual(['queued', 2]);
    expect(woken('backingOff')).toEqual(['backingOff', 2, { type: 'wake', core, ticket: 2, at: 77 }]);
    expect(woken('cancelling')).toEqual(['cancelling', 2, { type: 'discard', core, ticket: 2 }]);
    expect(woken('deleting')).toEqual(['deleting', 2, { type: 'remove', core, ticket: 2 }]);
  });

  it('the disk may lower what is durable, and never raise it', () => {
    const step = stepperOf<CorePhase, CoreContext, CoreEvent>(coreMachine);
    const durable = {
      a: { bytes: 50, validator: '"v1"', origin: 'https://example.org' },
      b: { bytes: 50, validator: null, origin: null },
    };
    const context = { ...emptyCoreContext(core), durable };
    const { next } = step(
      { phase: 'preparing', context },
      { type: 'CorePrepared', core, ticket: 1, staged: { a: 20, b: 90, c: 10 } },
    );
    expect(next.context.durable).toEqual({ a: { ...durable.a, bytes: 20 }, b: durable.b });
    expect(
      step({ phase: 'preparing', context }, { type: 'CorePrepared', core, ticket: 1, staged: {} }).next.context.durable,
    ).toEqual({});
  });
});

describe('an event that no phase has a place for', () => {
  it('is reported by the step, which changes nothing', () => {
    const step = stepperOf<CorePhase, CoreContext, CoreEvent>(coreMachine);
    const entity: Entity<CorePhase, CoreContext> = { phase: 'absent', context: emptyCoreContext(core) };
    const { next, effects, isAccepted } = step(entity, { type: 'CoreExtracted', core, ticket: 1 });
    expect([isAccepted, effects, next === entity]).toEqual([false, [], true]);
  });

  it('stops a replay with its name and position, for cores and for voices', () => {
    const { position } = EMPTY_STATE;
    expect(() => evolve(EMPTY_STATE, { type: 'CoreDownloaded', core, ticket: 1 })).toThrow(UnacceptedEvent);
    expect(() => evolve(EMPTY_STATE, { type: 'VoiceReady', voice })).toThrow(
      `event ${position + 1}: VoiceReady is not possible in phase "absent"`,
    );
  });
});
