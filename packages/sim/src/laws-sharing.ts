import { demandOn } from '@lading/core';
import { eventsOf } from '@lading/runtime';
import { type Law, outcome } from './law.js';

/** Cores are shared: what one voice gives up is not taken from another. */
export const SHARING_LAWS: readonly Law[] = [
  outcome('a core in use is deleted only by force', () => {
    const forced = new Set<string>();
    return {
      act: ({ act }) => void (act.do === 'delete' && act.force ? forced.add(act.id) : null),
      record: ({ record }) => {
        const lost = new Set(eventsOf(record.events, 'VoiceUnavailable').map(({ core }) => core));
        const core = eventsOf(record.events, 'CoreDeletionStarted').find(
          (event) => lost.has(event.core) && !forced.has(event.core),
        )?.core;
        return core === undefined ? null : `${core} was taken from under its voices, and nobody had forced it`;
      },
    };
  }),

  outcome('deleting frees exactly what nobody else needs', (world) => {
    const look = () => {
      if (!world.isOpen) return null;
      for (const [id, { phase, context }] of world.state.cores.entries()) {
        const isHeld = demandOn(world.state, id).holders.size > 0;
        if (!isHeld && (phase !== 'absent' || context.installed !== null))
          return `${id} is ${phase} and nobody holds it`;
      }
      return null;
    };
    return { rest: look, end: look };
  }),

  outcome('no file of a core goes before its voices are told', (world) => ({
    store: ({ call, core }) => {
      if (call !== 'remove') return null;
      const told = [...world.state.voices.entries()].find(
        ([, { phase, context }]) => phase === 'ready' && context.cores.includes(core),
      );
      return told === undefined ? null : `${core} is being removed under ${told[0]}, which is ready`;
    },
  })),
];
