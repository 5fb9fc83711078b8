import { CORE_PHASES, DEFAULT_POLICY, demandOn, type Policy } from '@lading/core';
import { hygiene, type Law } from './law.js';
import { eventsOf, isMoving } from './look.js';
import type { StoreCall } from './observation.js';
import type { World } from './world.js';

const policyOf = (world: World): Policy => ({ ...DEFAULT_POLICY, ...world.options.policy });

const WORK: ReadonlySet<string> = new Set(['preparing', 'downloading', 'verifying', 'extracting', 'installing']);

/** The phases whose effects call the store so. Nobody else may. */
const CALLED_IN: Readonly<Record<StoreCall, readonly string[]>> = {
  reclaim: ['preparing'],
  discard: ['cancelling'],
  extract: ['extracting'],
  publish: ['installing'],
  // What was being cancelled may have been deleted meanwhile: both want the same.
  sweep: ['ready', 'absent', 'cancelling', 'deleting'],
  remove: ['deleting'],
  // A person's repair may come at any time but this.
  quarantine: CORE_PHASES.filter((phase) => phase !== 'deleting'),
};

export const ORDER_LAWS: readonly Law[] = [
  hygiene('effects run only after their record is durable', (world) => {
    const look = () =>
      world.isOpen && world.depot.state.position > world.chronicle.state.position
        ? 'the depot acts on events that are not recorded yet'
        : null;
    return { request: look, stage: look, store: look, write: look };
  }),

  hygiene('the store is called only as the phase of the core names it', (world) => ({
    store: ({ call, core }) => {
      // Before the depot is open it looks at the disk, under the lease.
      if (!world.isOpen) return null;
      const phase = world.state.cores.get(core)?.phase ?? 'absent';
      return CALLED_IN[call].includes(phase) ? null : `${call} was called for ${core}, which is ${phase}`;
    },
  })),

  hygiene('one thing at a time is done to the files of a core', () => {
    const busy = new Map<string, StoreCall>();
    return {
      died: () => busy.clear(),
      opening: () => busy.clear(),
      store: ({ call, core }) => {
        const other = busy.get(core);
        busy.set(core, call);
        return other === undefined ? null : `${call} of ${core} began while ${other} was under way`;
      },
      stored: ({ core }) => void busy.delete(core),
      stage: ({ core }) => (busy.has(core) ? `${core} is staged while ${busy.get(core)} is under way` : null),
    };
  }),

  hygiene('a job has let go of its files before its core is gone', () => {
    const open = new Map<string, string>();
    const clear = () => open.clear();
    return {
      died: clear,
      closed: clear,
      staged: ({ core, file }) => void open.set(`${core}/${file}`, core),
      unstaged: ({ core, file }) => void open.delete(`${core}/${file}`),
      record: ({ record }) => {
        const gone = [...eventsOf(record.events, 'CoreCancelled'), ...eventsOf(record.events, 'CoreDeleted')].find(
          ({ core }) => [...open.values()].includes(core),
        );
        return gone === undefined ? null : `${gone.core} is gone, and a file of it is still open`;
      },
    };
  }),

  hygiene('records follow each other without a gap, under an epoch that never falls', () => ({
    record: ({ record, before }) => {
      if (record.from !== before.position)
        return `a record begins at event ${record.from}, expected ${before.position}`;
      return record.epoch < before.epoch ? `epoch ${record.epoch} writes after ${before.epoch}` : null;
    },
  })),

  hygiene('each owner has a higher epoch than the one before', () => {
    let last = 0;
    return {
      opened: ({ epoch }) => {
        const word = epoch > last ? null : `epoch ${epoch} follows ${last}`;
        last = epoch;
        return word;
      },
    };
  }),

  hygiene('a second owner is turned away', () => ({
    answer: ({ act, code }) =>
      act.do === 'rival' && code === 'done' ? 'a second process opened the depot while the first one lived' : null,
  })),

  hygiene('tickets never fall, and every effect carries the ticket of its core', () => ({
    record: ({ before, cores, touched, effects }) => {
      const fallen = touched.find(
        (id) => (cores.get(id)?.context.ticket ?? 0) < (before.cores.get(id)?.context.ticket ?? 0),
      );
      if (fallen !== undefined) return `the ticket of ${fallen} fell`;
      const last = new Map(effects.map((effect) => [effect.core, effect]));
      const odd = [...last.values()].find(({ core, ticket }) => cores.get(core)?.context.ticket !== ticket);
      return odd === undefined
        ? null
        : `${odd.type} of ${odd.core} carries ticket ${odd.ticket}, the core has ${cores.get(odd.core)?.context.ticket}`;
    },
  })),

  hygiene('every new job has a new ticket', () => ({
    record: ({ record, before }) => {
      // A job that is taken up after a crash is a new one: of the old one a word may still come.
      const old = [...eventsOf(record.events, 'CoreStarted'), ...eventsOf(record.events, 'CoreWoken')].find(
        ({ core, ticket }) => ticket <= (before.cores.get(core)?.context.ticket ?? 0),
      );
      return old === undefined ? null : `${old.core} started anew under the old ticket ${old.ticket}`;
    },
  })),

  hygiene('no more cores are in work than there are slots', (world) => ({
    record: ({ cores }) => {
      let working = 0;
      for (const { phase } of cores.values()) if (WORK.has(phase)) working++;
      return working <= policyOf(world).slots
        ? null
        : `${working} cores are in work, allowed are ${policyOf(world).slots}`;
    },
  })),

  hygiene('no slot is free while a core waits for one', (world) => ({
    record: ({ cores }) => {
      let working = 0;
      let queued = '';
      for (const [id, { phase }] of cores) {
        if (WORK.has(phase)) working++;
        if (phase === 'queued') queued = id;
      }
      return queued !== '' && working < policyOf(world).slots
        ? `${queued} waits though ${working} of ${policyOf(world).slots} slots are taken`
        : null;
    },
  })),

  hygiene('work is done only for who wants it', () => ({
    record: ({ cores, after }) => {
      for (const [id, { phase }] of cores) {
        const isWork = WORK.has(phase) || phase === 'queued' || phase === 'backingOff';
        if (isWork && demandOn(after, id).wanters.size === 0) return `${id} is ${phase} and nobody wants it`;
      }
      return null;
    },
  })),

  hygiene('a core that somebody wants is never paused or absent', () => ({
    record: ({ cores, after }) => {
      for (const [id, { phase }] of cores) {
        if ((phase === 'paused' || phase === 'absent') && demandOn(after, id).wanters.size > 0)
          return `${id} is ${phase} and ${[...demandOn(after, id).wanters.keys()].join(', ')} want it`;
      }
      return null;
    },
  })),

  hygiene('a voice that waits waits for something that moves', () => ({
    record: ({ voices, cores }) => {
      for (const [id, { phase, context }] of voices) {
        if (phase !== 'waiting') continue;
        const stuck = context.cores.find(
          (core) => cores.get(core)?.context.installed == null && !isMoving(cores.get(core)?.phase ?? 'absent'),
        );
        if (stuck !== undefined) return `${id} waits for ${stuck}, which is ${cores.get(stuck)?.phase ?? 'absent'}`;
      }
      return null;
    },
  })),

  hygiene('a failed voice has a failed core', () => ({
    record: ({ voices, cores }) => {
      const odd = [...voices].find(
        ([, { phase, context }]) =>
          phase === 'failed' && !context.cores.some((core) => cores.get(core)?.phase === 'failed'),
      );
      return odd === undefined
        ? null
        : `${odd[0]} is failed, its cores are ${odd[1].context.cores.map((core) => cores.get(core)?.phase).join(', ')}`;
    },
  })),

  hygiene('a core waits for a time, and says why it is paused, exactly while it does', () => ({
    record: ({ cores, touched }) => {
      for (const id of touched) {
        const core = cores.get(id);
        if (core === undefined) continue;
        const { phase, context } = core;
        if ((phase === 'backingOff') !== (context.retryAt !== null))
          return `${id} is ${phase} with a time of ${context.retryAt}`;
        if ((phase === 'paused') !== (context.pauseReason !== null))
          return `${id} is ${phase} with the reason ${context.pauseReason}`;
      }
      return null;
    },
  })),

  hygiene('no bug is met', () => ({
    answer: ({ act, code, message }) =>
      /^(Bug|Unaccepted|Type|Range|Reference|Syntax)/.test(code) ? `${act.do}: ${code}: ${message}` : null,
    broken: ({ error }) =>
      error instanceof Error && /Bug|Unaccepted|TypeError/.test(error.name) ? `${error.name}: ${error.message}` : null,
    notOpened: ({ error }) =>
      error instanceof Error && /Bug|Unaccepted|TypeError|Corrupt/.test(error.name)
        ? `${error.name}: ${error.message}`
        : null,
  })),
];
