import { type Command, DEFAULT_POLICY, decide, demandOn, type Status } from '@lading/core';
import { STATUS_LAWS, type StatusLaw } from '@lading/runtime';
import { hygiene, type Law, outcome } from './law.js';
import type { World } from './world.js';

const looked = new WeakMap<
  World,
  { readonly state: unknown; readonly atMs: number; readonly list: readonly Status[] }
>();

/** The list of a world, computed once for all laws that look at the same instant. */
function statuses(world: World): readonly Status[] {
  if (!world.isOpen) return [];
  const { state } = world.depot;
  const known = looked.get(world);
  if (known !== undefined && known.state === state && known.atMs === world.elapsedMs) return known.list;
  const list = world.depot.list();
  looked.set(world, { state, atMs: world.elapsedMs, list });
  return list;
}

function commandOf(action: Status['actions'][number], id: string): Command {
  switch (action) {
    case 'download':
    case 'update':
      return { type: 'download', id };
    case 'delete':
      return { type: 'delete', id, force: true };
    case 'prioritize':
      return { type: 'prioritize', id, priority: 1 };
    case 'pause':
    case 'resume':
    case 'cancel':
    case 'retry':
      return { type: action, id };
    default:
      return action satisfies never;
  }
}

const voicePhase = (world: World, id: string) => world.state.voices.get(id)?.phase ?? 'absent';

/** What holds of a status that was retold holds of a live one. */
const shown = ({ name, judge }: StatusLaw): Law =>
  outcome(name, (world) => ({
    look: () => {
      for (const status of statuses(world)) {
        const word = judge(status);
        if (word !== null) return word;
      }
      return null;
    },
  }));

export const LIVE_LAWS: readonly Law[] = [
  ...STATUS_LAWS.map(shown),

  outcome('rate and time to go are positive or not known', (world) => ({
    look: () => {
      const odd = statuses(world).find(
        ({ rateBytesPerSecond: rate, etaMs }) =>
          (rate !== null && !(rate > 0)) || (etaMs !== null && !(etaMs >= 0 && Number.isFinite(etaMs))),
      );
      return odd === undefined
        ? null
        : `${odd.id} goes at ${odd.rateBytesPerSecond} bytes a second for ${odd.etaMs} ms`;
    },
  })),

  outcome("a voice's progress is the sum of its cores'", (world) => ({
    look: () => {
      const all = new Map(
        statuses(world)
          .filter(({ kind }) => kind === 'core')
          .map((status) => [status.id, status]),
      );
      const odd = statuses(world).find(
        ({ kind, cores, bytesDone }) =>
          kind !== 'core' && bytesDone !== cores.reduce((sum, core) => sum + (all.get(core)?.bytesDone ?? 0), 0),
      );
      return odd === undefined ? null : `${odd.id} has ${odd.bytesDone} bytes, its cores have others`;
    },
  })),

  outcome('what a status offers is never refused', (world) => ({
    rest: () => {
      for (const { id, kind, phase, actions } of statuses(world)) {
        // Commands speak of wishes: what a core offers is moved by its own wish only where no voice has a say in it.
        const holders = [...demandOn(world.state, id).holders.keys()];
        if (kind === 'core' && holders.join() !== `core:${id}`) continue;
        // A core may have failed, or be paused, by what others wanted who are gone: then its own wish is in another phase, and so is what may be done.
        const isAtOdds = (phase === 'failed' || phase === 'paused') && voicePhase(world, `core:${id}`) !== phase;
        if (kind === 'core' && isAtOdds) continue;
        for (const action of actions) {
          const answer = decide(
            world.state,
            world.depot.catalog,
            { ...DEFAULT_POLICY, ...world.options.policy },
            commandOf(action, id),
            { now: 0, luck: 0 },
          );
          if (answer.type === 'refusal') return `${id} offers ${action}, which is refused: ${answer.message}`;
        }
      }
      return null;
    },
  })),

  hygiene('progress falls within a ticket only when bytes turned out void', (world) => {
    const seen = new Map<string, { ticket: number; bytes: number }>();
    // What was recorded of void bytes is corrected only with the next record: until then the status knows no better.
    const renewed = new Map<string, number>();
    const ticketOf = (core: string) => world.state.cores.get(core)?.context.ticket ?? 0;
    return {
      reset: ({ core }) => void renewed.set(core, ticketOf(core)),
      dropped: ({ core }) => void renewed.set(core, ticketOf(core)),
      died: () => seen.clear(),
      closed: () => seen.clear(),
      written: ({ core }) => {
        if (!world.isOpen) return null;
        const ticket = ticketOf(core);
        const { bytesDone } = world.depot.status(core);
        const last = seen.get(core);
        seen.set(core, { ticket, bytes: bytesDone });
        const isFall = last?.ticket === ticket && bytesDone < last.bytes && renewed.get(core) !== ticket;
        return isFall ? `${core} fell from ${last.bytes} to ${bytesDone} bytes` : null;
      },
    };
  }),
];
