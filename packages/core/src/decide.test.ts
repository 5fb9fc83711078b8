import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Catalog } from './catalog.js';
import { isUsable } from './core-state.js';
import { decide } from './decide.js';
import type { Effect } from './effect.js';
import type { LadingEvent } from './event.js';
import { evolve } from './evolve.js';
import type { Input, Report } from './input.js';
import { readManifestValue } from './manifest.js';
import { DEFAULT_POLICY } from './policy.js';
import { coreIn, type DepotState, demandOn, EMPTY_STATE, imageOf, stateOf, voiceIn } from './state.js';

const core = (id: string, sizeBytes: number) => ({
  id,
  files: [{ filename: 'a.bin', url: 'https://example.org/a', sizeBytes, sha256: 'a'.repeat(64) }],
});
const reading = readManifestValue(
  {
    version: 3,
    cores: [core('c1', 1000), core('c2', 2000), core('c3', 3000)],
    voices: [
      { id: 'A', coreRequirements: ['c1', 'c2', 'c3'] },
      { id: 'B', coreRequirements: ['c2', 'c3'] },
      { id: 'C', coreRequirements: ['c1'] },
    ],
  },
  { base: null, allowHttp: false },
);
if (!reading.ok) throw new Error(JSON.stringify(reading.defects));
const { catalog } = Catalog.of([reading.manifest], 'linux');
const policy = { ...DEFAULT_POLICY, slots: 2, maxAttempts: 2, retryCapMs: 1500, progressBytes: 100 };

/** A depot whose world answers only when told to. */
class Bench {
  state: DepotState = EMPTY_STATE;
  history: LadingEvent[] = [];
  open = new Map<string, Effect>();
  late: Report[] = [];
  now = 0;
  epoch = 0;

  put(input: Input, luck = 0.5): string {
    const decision = decide(this.state, catalog, policy, input, { now: this.now, luck });
    if (decision.type === 'refusal') return decision.code;
    let folded = this.state;
    const effects: Effect[] = [];
    for (const event of decision.events) {
      const [next, more] = evolve(folded, event);
      folded = next;
      effects.push(...more);
    }
    expect(imageOf(folded)).toEqual(imageOf(decision.state));
    expect(effects).toEqual(decision.effects);
    const perCore = new Map<string, number>();
    for (const effect of effects) perCore.set(effect.core, (perCore.get(effect.core) ?? 0) + 1);
    this.state = decision.state;
    this.history.push(...decision.events);
    for (const effect of effects) {
      if (effect.type === 'sweep') continue;
      expect(effect.ticket).toBeLessThanOrEqual(coreIn(this.state, effect.core).context.ticket);
      const old = this.open.get(effect.core);
      if (old !== undefined) this.late.push(answer(old));
      if (effect.type === 'stop') this.open.delete(effect.core);
      else this.open.set(effect.core, effect);
    }
    this.check();
    return 'ok';
  }

  answer(id: string): void {
    const effect = this.open.get(id);
    if (effect === undefined) return;
    if (effect.type === 'wake') this.now = Math.max(this.now, effect.at);
    this.open.delete(id);
    this.put(answer(effect));
  }

  wake(): void {
    this.open.clear();
    this.state = stateOf(JSON.parse(JSON.stringify(imageOf(this.state))) as ReturnType<typeof imageOf>);
    this.put({ type: 'woke', epoch: ++this.epoch, staged: {}, missing: {} });
  }

  check(): void {
    const { state } = this;
    for (const [id, c] of state.cores.entries()) {
      const { holders, wanters } = demandOn(state, id);
      const isWork = [
        'queued',
        'preparing',
        'downloading',
        'verifying',
        'extracting',
        'installing',
        'backingOff',
      ].includes(c.phase);
      if (isWork) expect(wanters.size, `${id} ${c.phase} is wanted`).toBeGreaterThan(0);
      if (c.phase === 'paused') expect(wanters.size, `${id} paused is not wanted`).toBe(0);
      if (c.phase === 'ready') expect(holders.size, `${id} ready is held`).toBeGreaterThan(0);
      expect(c.context.retryAt !== null).toBe(c.phase === 'backingOff');
      const needsJob = isWork && c.phase !== 'queued';
      const isLeaving = c.phase === 'cancelling' || c.phase === 'deleting';
      if (needsJob || isLeaving) expect(this.open.has(id), `${id} ${c.phase} has a job`).toBe(true);
    }
    for (const [id, v] of state.voices.entries()) {
      const allUsable = v.context.cores.every((name) => isUsable(state.cores.get(name)));
      if (v.phase === 'ready') expect(allUsable, `${id} ready`).toBe(true);
      if (v.phase === 'waiting') expect(allUsable, `${id} waiting though all is there`).toBe(false);
      const phases = v.context.cores.map((name) => coreIn(state, name).phase);
      if (v.phase === 'waiting') expect(phases.includes('failed'), `${id} waits for a failed core`).toBe(false);
      if (v.phase === 'waiting') {
        expect(
          phases.some((p) => p !== 'absent' && p !== 'paused'),
          `${id} waits for nothing`,
        ).toBe(true);
      }
      if (v.phase === 'cancelling' || v.phase === 'deleting') {
        expect(
          phases.some((p) => p === 'cancelling' || p === 'deleting'),
          `${id} leaves for nothing`,
        ).toBe(true);
      }
    }
    if (state.queued.size > 0) expect(state.working.size).toBe(policy.slots);
    expect(state.working.size).toBeLessThanOrEqual(policy.slots);
  }
}

function answer(effect: Effect): Report {
  const { core: id, ticket } = effect;
  switch (effect.type) {
    case 'prepare':
      return { type: 'prepared', core: id, ticket, staged: {} };
    case 'transfer':
      return { type: 'downloaded', core: id, ticket };
    case 'verify':
      return { type: 'verified', core: id, ticket, weak: [] };
    case 'extract':
      return { type: 'extracted', core: id, ticket };
    case 'publish':
      return { type: 'installed', core: id, ticket, generation: `g${ticket}`, files: [] };
    case 'discard':
      return { type: 'discarded', core: id, ticket };
    case 'remove':
      return { type: 'removed', core: id, ticket };
    default:
      return { type: 'due', core: id, ticket };
  }
}

const coreIds = ['c1', 'c2', 'c3'];
const anyId = fc.constantFrom('A', 'B', 'C', ...coreIds);
const anyCore = fc.constantFrom(...coreIds);
const faultTypes = ['interrupted', 'notFound', 'noSpace', 'checksumMismatch', 'serverError'] as const;

type Move = (bench: Bench) => void;
const anyMove: fc.Arbitrary<Move> = fc.oneof(
  { weight: 6, arbitrary: anyId.map((id) => (b: Bench) => void b.put({ type: 'download', id })) },
  { weight: 12, arbitrary: anyCore.map((id) => (b: Bench) => b.answer(id)) },
  {
    weight: 4,
    arbitrary: fc.tuple(anyId, fc.constantFrom('pause', 'resume', 'cancel', 'retry')).map(
      ([id, type]) =>
        (b: Bench) =>
          void b.put({ type, id } as Input),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(anyId, fc.boolean()).map(
      ([id, force]) =>
        (b: Bench) =>
          void b.put({ type: 'delete', id, force }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(anyId, fc.nat(3)).map(
      ([id, priority]) =>
        (b: Bench) =>
          void b.put({ type: 'prioritize', id, priority }),
    ),
  },
  { weight: 1, arbitrary: fc.constant((b: Bench) => b.wake()) },
  {
    weight: 4,
    arbitrary: fc.tuple(anyCore, fc.constantFrom(...faultTypes)).map(([id, type]) => (b: Bench) => {
      const effect = b.open.get(id);
      if (effect === undefined || effect.type === 'wake') return;
      b.open.delete(id);
      b.put({
        type: 'faulted',
        core: id,
        ticket: effect.ticket,
        fault: { type, detail: 'x', message: 'x' },
        voided: [],
      });
    }),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(anyCore, fc.integer({ min: 1, max: 3000 })).map(([id, bytes]) => (b: Bench) => {
      const effect = b.open.get(id);
      if (effect?.type !== 'transfer') return;
      b.put({
        type: 'checkpointed',
        core: id,
        ticket: effect.ticket,
        files: { 'a.bin': { bytes, validator: null, origin: null } },
      });
    }),
  },
  {
    weight: 1,
    arbitrary: anyCore.map((id) => (b: Bench) => {
      const generation = coreIn(b.state, id).context.installed?.generation;
      if (generation !== undefined) b.put({ type: 'lost', core: id, generation, detail: 'missing', kept: {} });
    }),
  },
  {
    weight: 3,
    arbitrary: fc.constant((b: Bench) => {
      const report = b.late.pop();
      if (report === undefined || report.type === 'lost' || report.type === 'staged') return;
      const before = imageOf(b.state);
      if (coreIn(b.state, report.core).context.ticket === report.ticket) return;
      b.put(report);
      expect(imageOf(b.state)).toEqual(before);
    }),
  },
);

describe('a depot under random people and a random world', () => {
  it('keeps its invariants at every step, replays to the same state, and comes to rest', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(fc.array(anyMove, { minLength: 1, maxLength: 60, size: 'max' }), (moves) => {
        const bench = new Bench();
        bench.wake();
        for (const move of moves) {
          move(bench);
          for (const c of bench.state.cores.values()) seen.add(c.phase);
          for (const v of bench.state.voices.values()) seen.add(`voice ${v.phase}`);
        }
        let replayed = EMPTY_STATE;
        for (const event of bench.history) replayed = evolve(replayed, event)[0];
        expect(imageOf(replayed)).toEqual(imageOf(bench.state));
        for (let fuel = 0; bench.open.size > 0; fuel++) {
          expect(fuel, 'comes to rest').toBeLessThan(200);
          bench.answer([...bench.open.keys()][0] ?? '');
        }
        for (const v of bench.state.voices.values()) seen.add(`voice ${v.phase}`);
        for (const v of bench.state.voices.values())
          expect(['ready', 'failed', 'paused', 'unavailable']).toContain(v.phase);
        for (const c of bench.state.cores.values()) expect(['absent', 'ready', 'failed', 'paused']).toContain(c.phase);
      }),
      { numRuns: 2000 },
    );
    for (const phase of ['downloading', 'ready', 'paused', 'backingOff', 'failed', 'cancelling', 'deleting'])
      expect(seen).toContain(phase);
    for (const phase of ['waiting', 'ready', 'paused', 'failed', 'unavailable', 'cancelling', 'deleting'])
      expect(seen).toContain(`voice ${phase}`);
  });
});

describe('the flows that must stay true', () => {
  const finish = (bench: Bench) => {
    for (let fuel = 0; bench.open.size > 0 && fuel < 200; fuel++) bench.answer([...bench.open.keys()][0] ?? '');
  };

  it('a second voice that shares all its cores is ready in the same step, without any work', () => {
    const bench = new Bench();
    bench.put({ type: 'download', id: 'A' });
    finish(bench);
    expect(voiceIn(bench.state, 'A').phase).toBe('ready');
    bench.put({ type: 'download', id: 'B' });
    expect(voiceIn(bench.state, 'B').phase).toBe('ready');
    expect(bench.open.size).toBe(0);
  });

  it('cancelling one of two voices leaves the shared cores running', () => {
    const bench = new Bench();
    bench.put({ type: 'download', id: 'A' });
    bench.put({ type: 'download', id: 'B' });
    bench.put({ type: 'cancel', id: 'A' });
    expect(coreIn(bench.state, 'c2').phase).toBe('preparing');
    expect(coreIn(bench.state, 'c1').phase).toBe('cancelling');
    finish(bench);
    expect(voiceIn(bench.state, 'A').phase).toBe('absent');
    expect(voiceIn(bench.state, 'B').phase).toBe('ready');
    expect(coreIn(bench.state, 'c1').phase).toBe('absent');
  });

  it('deleting a core under a voice is refused, and forced makes the voice unavailable before the first file goes', () => {
    const bench = new Bench();
    bench.put({ type: 'download', id: 'A' });
    finish(bench);
    expect(bench.put({ type: 'delete', id: 'c2', force: false })).toBe('inUse');
    bench.put({ type: 'delete', id: 'c2', force: true });
    expect(voiceIn(bench.state, 'A').phase).toBe('unavailable');
    expect(bench.open.get('c2')?.type).toBe('remove');
    bench.put({ type: 'retry', id: 'A' });
    expect(coreIn(bench.state, 'c2').phase).toBe('deleting');
    finish(bench);
    expect(voiceIn(bench.state, 'A').phase).toBe('ready');
  });

  it('asking again while deleting deletes, then downloads', () => {
    const bench = new Bench();
    bench.put({ type: 'download', id: 'C' });
    finish(bench);
    bench.put({ type: 'delete', id: 'C', force: false });
    bench.put({ type: 'download', id: 'C' });
    expect(coreIn(bench.state, 'c1').phase).toBe('deleting');
    finish(bench);
    expect(voiceIn(bench.state, 'C').phase).toBe('ready');
  });
});
