/**
 * What `decide` owes to whatever comes, right or late or wrong: people who change their minds, a catalog that changes under them, and reports of
 * jobs that ended long ago. The simulated worlds seldom bring such things, because the layers above keep them away; here nothing does.
 */
import {
  coreIn,
  DEFAULT_POLICY,
  type Decision,
  type DepotState,
  decide,
  demandOn,
  EMPTY_STATE,
  evolve,
  type Input,
  type LadingEvent,
  type Report,
  voiceIn,
} from '@lading/core';
import { EDITIONS } from '@lading/sim';
import { describe, expect, it } from 'vitest';
import { fc } from './chance.ts';

const CATALOGS = EDITIONS.map(({ catalog }) => catalog);
const CORES = [...EDITIONS[0].catalog.cores()].map(({ id }) => id);
const IDS = [...[...EDITIONS[0].catalog.voices()].map(({ id }) => id), ...CORES, 'choir'];
const POLICY = { ...DEFAULT_POLICY, slots: 1, maxAttempts: 3 };
const FAULT = { type: 'interrupted', detail: 'x', message: 'x' } as const;

function reportOf(type: Report['type'], core: string, ticket: number, n: number): Report {
  switch (type) {
    case 'prepared':
      return { type, core, ticket, staged: {} };
    case 'checkpointed':
      return { type, core, ticket, files: { f: { bytes: n, validator: null, origin: null } } };
    case 'verified':
      return { type, core, ticket, weak: [] };
    case 'installed':
      return { type, core, ticket, generation: `g${ticket}`, files: [] };
    case 'faulted':
      return { type, core, ticket, fault: n % 3 === 0 ? { ...FAULT, type: 'notFound' } : FAULT, voided: [] };
    case 'lost':
      return { type, core, generation: `g${ticket}`, detail: 'missing', kept: {} };
    case 'staged':
      return { type, core, revision: 'of another catalog', files: { f: { bytes: n, validator: null, origin: null } } };
    default:
      return { type, core, ticket };
  }
}

/** What a job reports when all goes well. */
const ONWARD: Readonly<Record<string, Exclude<Report['type'], 'lost' | 'staged'>>> = {
  preparing: 'prepared',
  downloading: 'downloaded',
  verifying: 'verified',
  extracting: 'extracted',
  installing: 'installed',
  cancelling: 'discarded',
  deleting: 'removed',
  backingOff: 'due',
};
const REPORTS = [...new Set(Object.values(ONWARD)), 'checkpointed', 'faulted', 'lost', 'staged'] as const;

/** One thing that happens: somebody wants something, a job goes on, a job fails, or the catalog is replaced. */
const happenings = fc.array(
  fc.record({
    what: fc.constantFrom(
      'want',
      'want',
      'onward',
      'onward',
      'onward',
      'onward',
      'fault',
      'checkpoint',
      'lost',
      'edition',
    ),
    command: fc.constantFrom(
      'download',
      'download',
      'download',
      'pause',
      'resume',
      'cancel',
      'retry',
      'delete',
      'force',
      'urge',
      'urge',
      'urge',
    ),
    id: fc.constantFrom(...IDS),
    core: fc.constantFrom(...CORES),
    late: fc.constantFrom(...REPORTS),
    n: fc.integer({ min: 0, max: 900 }),
  }),
  { minLength: 60, maxLength: 160, size: 'max' },
);
type Happening = typeof happenings extends fc.Arbitrary<readonly (infer T)[]> ? T : never;

function inputOf({ what, command, id, core: any, n }: Happening, state: DepotState): Input | null {
  const busy = CORES.filter((each) => coreIn(state, each).phase in ONWARD);
  // Jobs go on more often than not, or nothing would ever be installed.
  const core = what === 'want' || what === 'lost' ? any : (busy[n % busy.length] ?? any);
  const { phase, context } = coreIn(state, core);
  const onward = ONWARD[phase];
  switch (what) {
    case 'want':
      if (command === 'urge') return { type: 'prioritize', id, priority: n % 3 };
      return command === 'delete' || command === 'force'
        ? { type: 'delete', id, force: command === 'force' }
        : { type: command, id };
    case 'onward':
      return onward === undefined ? null : reportOf(onward, core, context.ticket, n);
    case 'fault':
      return reportOf('faulted', core, context.ticket, n);
    case 'checkpoint':
      return reportOf('checkpointed', core, context.ticket, n);
    case 'lost':
      return context.installed === null
        ? null
        : { type: 'lost', core, generation: context.installed.generation, detail: 'missing', kept: {} };
    default:
      return null;
  }
}

interface Life {
  readonly happening: Happening;
  readonly before: DepotState;
  readonly decision: Decision;
  readonly decideOn: (state: DepotState, input: Input) => readonly LadingEvent[];
}

/** Lives through many random histories. */
function live(look: (life: Life) => void): void {
  fc.assert(
    fc.property(happenings, (all) => {
      let state = EMPTY_STATE;
      let edition = 0;
      const ask = (on: DepotState, input: Input) => {
        const catalog = CATALOGS[edition];
        if (catalog === undefined) throw new Error('no such edition');
        return decide(on, catalog, POLICY, input, { now: on.position, luck: 0.5 });
      };
      for (const happening of all) {
        if (happening.what === 'edition') edition = happening.n % CATALOGS.length;
        const input = inputOf(happening, state);
        const decision = input === null ? null : ask(state, input);
        if (decision?.type !== 'decision') continue;
        const decideOn = (on: DepotState, late: Input) => {
          const answer = ask(on, late);
          return answer.type === 'refusal' ? [] : answer.events;
        };
        look({ happening, before: state, decision, decideOn });
        ({ state } = decision);
      }
    }),
    { numRuns: 200 },
  );
}

/** Each event with the state in which it happened. */
function* told({ before, decision }: Life): Generator<readonly [LadingEvent, DepotState], void, undefined> {
  let state = before;
  for (const event of decision.events) {
    yield [event, state];
    [state] = evolve(state, event);
  }
}

describe('whatever comes,', () => {
  it('a report of a job that was ended changes nothing', () => {
    const seen = { busy: 0 };
    live(({ happening: { core, late, n }, decision: { state }, decideOn }) => {
      const { phase, context } = coreIn(state, core);
      // Its last checkpoint may still come; that is a law of its own.
      const isLastWord = late === 'checkpointed' && n % 8 < 2;
      if (late === 'lost' || isLastWord || context.ticket === 0) return;
      const back = late === 'checkpointed' ? 3 + (n % 3) : 1 + (n % 3);
      if (phase in ONWARD) seen.busy++;
      for (const type of [late, ONWARD[phase] ?? late]) {
        if (type === 'checkpointed' && back < 3) continue;
        const events = decideOn(state, reportOf(type, core, context.ticket - back, n));
        expect(events, `${type} of ticket ${context.ticket - back} in ${phase} under ${context.ticket}`).toEqual([]);
      }
    });
    expect(seen.busy).toBeGreaterThan(100);
  });

  it('what a transfer made durable while it was being paused is counted', () => {
    let paused = 0;
    live((life) => {
      for (const [event, state] of told(life)) {
        if (event.type !== 'CorePaused' || coreIn(state, event.core).phase !== 'downloading') continue;
        if (coreIn(life.decision.state, event.core).phase !== 'paused') continue;
        paused++;
        const word = reportOf('checkpointed', event.core, event.ticket - 1, 7);
        const events = life.decideOn(life.decision.state, word);
        expect(events.map(({ type }) => type)).toEqual(['CoreCheckpointed']);
      }
    });
    expect(paused).toBeGreaterThan(3);
  });

  it('a loss concerns the generation that was looked at', () => {
    let installed = 0;
    live(({ happening: { core, n }, decision: { state }, decideOn }) => {
      const { context } = coreIn(state, core);
      if (context.installed === null) return;
      installed++;
      const other = context.installed.generation === `g${n}` ? n + 1 : n;
      expect(decideOn(state, reportOf('lost', core, other, n))).toEqual([]);
    });
    expect(installed).toBeGreaterThan(100);
  });

  it('a core goes only when its last holder has let go, or has been told', () => {
    let deleted = 0;
    live((life) => {
      for (const event of life.decision.events) {
        if (event.type !== 'CoreDeletionStarted') continue;
        deleted++;
        const holders = [...demandOn(life.decision.state, event.core).holders.keys()];
        const blind = holders.filter((id) => voiceIn(life.decision.state, id).phase !== 'unavailable');
        expect(blind, `${event.core} is being deleted under them`).toEqual([]);
      }
    });
    expect(deleted).toBeGreaterThan(20);
  });

  it('a core that one member of a bundle lets go and another takes stays', () => {
    const [first, second] = CATALOGS;
    if (first === undefined || second === undefined) throw new Error('two editions are needed');
    let state = EMPTY_STATE;
    const take = (catalog: typeof first, input: Input) => {
      const decision = decide(state, catalog, POLICY, input, { now: 0, luck: 0 });
      if (decision.type !== 'decision') throw new Error(decision.message);
      ({ state } = decision);
      return decision.events;
    };
    take(second, { type: 'download', id: 'heart' });
    for (let job = CORES.find((core) => (coreIn(state, core).phase in ONWARD)); job !== undefined; ) {
      const { phase, context } = coreIn(state, job);
      take(second, reportOf(ONWARD[phase] ?? 'due', job, context.ticket, 0));
      job = CORES.find((core) => coreIn(state, core).phase in ONWARD);
    }
    expect(voiceIn(state, 'heart')).toMatchObject({ phase: 'ready', context: { cores: ['shared', 'mirrored'] } });
    // Today's `heart` has no need of `mirrored`, but `alto`, which is asked for with the same word, has.
    const events = take(first, { type: 'download', id: 'choir' });
    expect(events.filter(({ type }) => type === 'CoreDeletionStarted')).toEqual([]);
    expect(coreIn(state, 'mirrored').context.installed).not.toBeNull();
  });

  it('a voice is gone only when what it leaves behind is', () => {
    let gone = 0;
    live((life) => {
      for (const [event, state] of told(life)) {
        if (event.type !== 'VoiceDeleted' && event.type !== 'VoiceCancelled') continue;
        gone++;
        const phases = voiceIn(state, event.voice).context.cores.map((core) => coreIn(state, core).phase);
        expect(phases.filter((phase) => phase === 'cancelling' || phase === 'deleting')).toEqual([]);
      }
    });
    expect(gone).toBeGreaterThan(20);
  });

  it('who starts is the most urgent, and among equals the one who waited longest', () => {
    const seen = { urgent: 0, patient: 0 };
    live((life) => {
      for (const [event, state] of told(life)) {
        if (event.type !== 'CoreStarted') continue;
        const mine = coreIn(state, event.core).context;
        for (const [id, { phase, context }] of state.cores.entries()) {
          if (phase !== 'queued' || id === event.core) continue;
          expect(context.priority, `${id} is more urgent than ${event.core}`).toBeLessThanOrEqual(mine.priority);
          if (context.priority < mine.priority) seen.urgent++;
          else seen.patient++;
          if (context.priority === mine.priority)
            expect(context.order, `${id} waited longer than ${event.core}`).toBeGreaterThanOrEqual(mine.order);
        }
      }
    });
    expect(Math.min(seen.urgent, seen.patient)).toBeGreaterThan(3);
  });

  it('bytes of another revision are not built upon', () => {
    const seen = { kept: 0, dropped: 0 };
    live((life) => {
      for (const [event, state] of told(life)) {
        if (event.type !== 'CoreStarted') continue;
        expect(event.keepsStaged).toBe(coreIn(state, event.core).context.revision === event.revision);
        if (event.keepsStaged) seen.kept++;
        else seen.dropped++;
      }
    });
    expect(Math.min(seen.kept, seen.dropped)).toBeGreaterThan(20);
  });
});
