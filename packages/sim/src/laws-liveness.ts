import { demandOn } from '@lading/core';
import { eventsOf, isMoving } from '@lading/runtime';
import type { Act } from './act.js';
import { type Law, liveness } from './law.js';
import type { World } from './world.js';

/** Simulated time in which a cancelling core must be gone: the disk of a simulated world takes none, milliseconds. */
const PROMPT_MS = 1_000;

function restless(world: World): string | null {
  for (const [id, { phase }] of world.state.cores.entries()) if (isMoving(phase)) return `${id} is still ${phase}`;
  return null;
}

function undecided(world: World): string | null {
  for (const [id, { phase, context }] of world.state.voices.entries()) {
    if (phase === 'waiting')
      return `${id} still waits for ${context.cores.map((core) => `${core} (${world.state.cores.get(core)?.phase})`).join(', ')}`;
  }
  return null;
}

function leaving(world: World): string | null {
  for (const [id, { phase }] of world.state.voices.entries())
    if (phase === 'cancelling' || phase === 'deleting') return `${id} is still ${phase}`;
  return null;
}

/** A file of a generation that is neither installed, nor set aside, nor of a core on its way. */
function strayFile(world: World, except: ReadonlySet<string> = new Set()): string | null {
  for (const path of world.disk.files('/depot/cores').keys()) {
    const [, , , id = '', generation = ''] = path.split('/');
    if (except.has(id)) continue;
    const core = world.state.cores.get(id);
    const phase = core?.phase ?? 'absent';
    // What an update that failed has brought is counted on by the next attempt.
    if (Object.keys(core?.context.durable ?? {}).length > 0) continue;
    const isKept = generation === core?.context.installed?.generation || generation.startsWith('.quarantine-');
    // What was being published when the core paused or failed, and what is left of a core that was lost, is for the next attempt to use.
    if (demandOn(world.state, id).holders.size > 0 && phase !== 'ready') continue;
    if (!isKept && (phase === 'ready' || phase === 'absent')) return `${path} belongs to nobody; ${id} is ${phase}`;
  }
  return null;
}

export const LIVENESS_LAWS: readonly Law[] = [
  liveness('a depot opens once faults have ended', (world) => {
    let isHealed = false;
    return {
      healed: () => {
        isHealed = true;
      },
      notOpened: ({ error }) =>
        isHealed ? `it does not open: ${error instanceof Error ? error.message : String(error)}` : null,
      rest: () => (world.isOpen ? null : 'it is not open'),
    };
  }),

  liveness('when faults have ended everything comes to rest', (world) => ({
    rest: () => restless(world),
    end: () => restless(world),
  })),

  liveness('when faults have ended every wanted voice is ready, or has failed with a reason', (world) => ({
    rest: () => undecided(world),
    end: () => undecided(world),
  })),

  liveness('cancelling and deleting end', (world) => ({ rest: () => leaving(world), end: () => leaving(world) })),

  liveness('asked for again, everything that is wanted is ready', (world) => ({
    end: () => {
      for (const [id, { phase, context }] of world.state.voices.entries()) {
        if (phase !== 'ready')
          return `${id} is ${phase}: ${context.cores.map((core) => `${core} is ${world.state.cores.get(core)?.phase} (${world.state.cores.get(core)?.context.fault?.message ?? ''})`).join(', ')}`;
      }
      return null;
    },
  })),

  liveness('cancelling and deleting are prompt, whatever the network does', (world) => {
    const since = new Map<string, number>();
    const look = () => {
      for (const [id, atMs] of since)
        if (world.elapsedMs - atMs > PROMPT_MS) return `${id} has been leaving for ${world.elapsedMs - atMs} ms`;
      return null;
    };
    return {
      died: () => since.clear(),
      broken: () => since.clear(),
      opening: () => since.clear(),
      record: ({ record }) => {
        const word = look();
        for (const event of record.events) {
          if (event.type === 'CoreCancelStarted' || event.type === 'CoreDeletionStarted')
            since.set(event.core, world.elapsedMs);
          if (event.type === 'CoreCancelled' || event.type === 'CoreDeleted') since.delete(event.core);
        }
        return word;
      },
      look: () => (world.isOpen ? look() : null),
    };
  }),

  liveness('at rest nobody holds a file or a connection', () => {
    const open = new Set<string | number>();
    const clear = () => open.clear();
    return {
      died: clear,
      closed: clear,
      staged: ({ core, file }) => void open.add(`${core}/${file}`),
      unstaged: ({ core, file }) => void open.delete(`${core}/${file}`),
      request: ({ id }) => void open.add(id),
      requestEnded: ({ id }) => void open.delete(id),
      rest: () => (open.size === 0 ? null : `still open: ${[...open].join(', ')}`),
    };
  }),

  liveness('every promise is kept', () => {
    const open = new Set<Act>();
    const clear = () => open.clear();
    return {
      died: clear,
      act: ({ act }) =>
        void (['kill', 'reopen', 'update'].includes(act.do) || !('id' in act || act.do === 'clean') || open.add(act)),
      answer: ({ act }) => void open.delete(act),
      opening: clear,
      settled: () =>
        open.size === 0
          ? null
          : `never answered: ${[...open].map(({ do: what, ...act }) => `${what} ${'id' in act ? act.id : ''}`).join(', ')}`,
    };
  }),

  liveness('what no record names is gone when a depot has been opened, unless the disk refuses', (world) => {
    let isTroubled = false;
    return {
      act: ({ act }) => {
        isTroubled ||= act.do === 'disk' || act.do === 'fill';
      },
      opened: () => (isTroubled ? null : strayFile(world)),
    };
  }),

  liveness('what no record names does not stay, unless the disk refuses to let it go', (world) => {
    let isTroubled = false;
    // What is left of a core that was lost stays for its next download, or for the next opening if nobody wants it any more.
    const lost = new Set<string>();
    return {
      act: ({ act }) => {
        isTroubled ||= act.do === 'disk' || act.do === 'fill';
      },
      record: ({ record }) => {
        for (const { core } of eventsOf(record.events, 'CoreLost')) lost.add(core);
        for (const { core } of eventsOf(record.events, 'CoreInstalled')) lost.delete(core);
      },
      rest: () => (isTroubled || !world.isOpen ? null : strayFile(world, lost)),
    };
  }),

  liveness('in the end the disk holds what the records name, and nothing else', (world) => ({
    end: () => {
      if (!world.isOpen) return null;
      const named = new Set(
        [...world.state.cores.entries()].flatMap(
          ([id, { context }]) =>
            context.installed?.files.map(
              ({ filename }) => `/depot/cores/${id}/${context.installed?.generation}/${filename}`,
            ) ?? [],
        ),
      );
      const held = [...world.disk.files('/depot/cores').keys(), ...world.disk.files('/depot/staging').keys()];
      const stray = held.find((path) => !named.has(path));
      if (stray !== undefined) return `${stray} belongs to nobody`;
      const missing = [...named].find((path) => !held.includes(path));
      return missing === undefined ? null : `${missing} is not there`;
    },
  })),
];
