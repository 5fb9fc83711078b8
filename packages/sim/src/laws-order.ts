import { CORE_PHASES, isWorking } from '@lading/core';
import { eventsOf } from '@lading/runtime';
import { hygiene, type Law, policyOf } from './law.js';
import type { StoreCall } from './observation.js';

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

  hygiene('a second owner is turned away', () => ({
    answer: ({ act, code }) =>
      act.do === 'rival' && code === 'done' ? 'a second process opened the depot while the first one lived' : null,
  })),

  hygiene('no more cores are in work than there are slots', (world) => ({
    record: ({ cores }) => {
      let working = 0;
      for (const core of cores.values()) if (isWorking(core)) working++;
      return working <= policyOf(world).slots
        ? null
        : `${working} cores are in work, allowed are ${policyOf(world).slots}`;
    },
  })),

  hygiene('no slot is free while a core waits for one', (world) => ({
    record: ({ cores }) => {
      let working = 0;
      let queued = '';
      for (const [id, core] of cores) {
        if (isWorking(core)) working++;
        if (core.phase === 'queued') queued = id;
      }
      return queued !== '' && working < policyOf(world).slots
        ? `${queued} waits though ${working} of ${policyOf(world).slots} slots are taken`
        : null;
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
