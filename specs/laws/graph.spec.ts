import { type CoreContext, type CoreEvent, coreMachine, type Fault, type VoiceEvent, voiceMachine } from '@lading/core';
import { describe, expect, it } from 'vitest';
import { adjacencyMapToArray, getAdjacencyMap } from 'xstate/graph';

const fault: Fault = { type: 'interrupted', detail: 'x', message: 'x' };
const core = 'c';
const file = { f: { bytes: 5, validator: null, origin: null } };

const CORE_EVENTS: readonly CoreEvent[] = [
  { type: 'CoreQueued', core, order: 1, priority: 0 },
  { type: 'CorePrioritized', core, priority: 1 },
  { type: 'CoreStarted', core, ticket: 1, revision: 'r', bytesTotal: 9, keepsStaged: true },
  { type: 'CorePrepared', core, ticket: 1, staged: { f: 5 } },
  { type: 'CoreCheckpointed', core, ticket: 1, files: file, isProgress: true },
  { type: 'CoreStaged', core, revision: 'r', files: file },
  { type: 'CoreDownloaded', core, ticket: 1 },
  { type: 'CoreVerified', core, ticket: 1, isArchive: false, weak: [] },
  { type: 'CoreVerified', core, ticket: 1, isArchive: true, weak: [] },
  { type: 'CoreExtracted', core, ticket: 1 },
  { type: 'CoreInstalled', core, ticket: 1, revision: 'r', generation: 'g1', files: [], weak: [] },
  { type: 'RetryScheduled', core, fault, attempt: 1, strikes: 0, at: 7, voided: [] },
  { type: 'CoreFailed', core, fault, voided: [] },
  { type: 'CorePaused', core, ticket: 1, reason: 'user', fault: null },
  { type: 'CoreCancelStarted', core, ticket: 1 },
  { type: 'CoreCancelled', core },
  { type: 'CoreDeletionStarted', core, ticket: 1 },
  { type: 'CoreDeleted', core },
  { type: 'CoreLost', core, detail: 'missing', kept: {} },
  { type: 'CoreWoken', core, ticket: 1, staged: { f: 5 }, order: 1 },
];

const voice = 'v';
const VOICE_EVENTS: readonly VoiceEvent[] = [
  { type: 'VoiceRequested', voice, cores: ['c'] },
  { type: 'VoiceReady', voice },
  { type: 'VoicePaused', voice, reason: 'user' },
  { type: 'VoiceResumed', voice },
  { type: 'VoiceFailed', voice, core },
  { type: 'VoiceUnavailable', voice, core },
  { type: 'VoiceCancelStarted', voice },
  { type: 'VoiceCancelled', voice },
  { type: 'VoiceDeletionStarted', voice },
  { type: 'VoiceDeleted', voice },
];

interface Edge {
  readonly from: string;
  readonly event: string;
  readonly to: string;
}

/** All states that can be told apart by phase and by what `look` sees, and every step between them. */
function edgesOf(
  machine: typeof coreMachine | typeof voiceMachine,
  events: readonly { type: string }[],
  look: (context: never) => string,
): readonly Edge[] {
  const name = (snapshot: unknown) => {
    const { value, context } = snapshot as { value: string; context: never };
    return `${value}${look(context)}`;
  };
  const map = getAdjacencyMap(machine as never, { events: events as never, serializeState: name, limit: 1_000_000 });
  return adjacencyMapToArray(map).map(({ state, event, nextState }) => ({
    from: name(state),
    event: (event as { type: string }).type,
    to: name(nextState),
  }));
}

/** The states from which `goal` cannot be reached. */
function stranded(edges: readonly Edge[], isGoal: (state: string) => boolean): readonly string[] {
  const into = new Map<string, Set<string>>();
  const states = new Set<string>();
  for (const { from, to } of edges) {
    states.add(from).add(to);
    into.set(to, (into.get(to) ?? new Set()).add(from));
  }
  const reached = new Set([...states].filter(isGoal));
  const open = [...reached];
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    for (const before of into.get(state) ?? []) {
      if (reached.has(before)) continue;
      reached.add(before);
      open.push(before);
    }
  }
  return [...states].filter((state) => !reached.has(state));
}

describe('every state a core can be in', () => {
  const look = (context: CoreContext) =>
    [
      context.installed === null ? '' : ' installed',
      Object.keys(context.durable).length > 0 ? ' partial' : '',
      context.fault === null ? '' : ' faulty',
    ].join('');
  const edges = edgesOf(coreMachine, CORE_EVENTS, look as (context: never) => string);

  it('is one of the thirteen phases, and all of them occur', () => {
    expect(new Set(edges.map(({ from }) => from.split(' ')[0])).size).toBe(13);
  });

  it('can come to absent and to ready', () => {
    expect(edges.length).toBeGreaterThan(500);
    expect(stranded(edges, (state) => state === 'absent')).toEqual([]);
    expect(stranded(edges, (state) => state.startsWith('ready'))).toEqual([]);
  });

  it('is left by some event', () => {
    const left = new Set(
      edges.filter(({ from, to }) => from.split(' ')[0] !== to.split(' ')[0]).map(({ from }) => from),
    );
    const all = new Set(edges.flatMap(({ from, to }) => [from, to]));
    expect([...all].filter((state) => !left.has(state))).toEqual([]);
  });

  it('becomes ready only by being installed, or by giving up what was done beside an installed version', () => {
    const ways = new Set(
      edges.filter(({ from, to }) => to.startsWith('ready') && !from.startsWith('ready')).map(({ event }) => event),
    );
    expect([...ways].sort()).toEqual(['CoreCancelled', 'CoreFailed', 'CoreInstalled']);
    const shortcuts = edges.filter(
      ({ from, event, to }) => to.startsWith('ready') && event !== 'CoreInstalled' && !from.includes('installed'),
    );
    expect(shortcuts).toEqual([]);
    const installs = edges
      .filter(({ event, from, to }) => event === 'CoreInstalled' && from !== to)
      .map(({ from }) => from.split(' ')[0]);
    expect(new Set(installs)).toEqual(new Set(['installing']));
  });
});

describe('every state a voice can be in', () => {
  const edges = edgesOf(voiceMachine, VOICE_EVENTS, () => '');

  it('is one of the eight phases, all occur, and each can come to absent and to ready', () => {
    expect(new Set(edges.map(({ from }) => from)).size).toBe(8);
    expect(stranded(edges, (state) => state === 'absent')).toEqual([]);
    expect(stranded(edges, (state) => state === 'ready')).toEqual([]);
  });
});
