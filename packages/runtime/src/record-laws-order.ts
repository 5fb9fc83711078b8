import { demandOn, isWorking } from '@lading/core';
import { eventsOf, hygiene, isMoving, type RecordLaw } from './record-law.js';

/** What follows on what, and who waits for whom. */
export const ORDER_LAWS: readonly RecordLaw[] = [
  hygiene('records follow each other without a gap, under an epoch that never falls', () => ({ record, before }) => {
    if (record.from !== before.position) return `a record begins at event ${record.from}, expected ${before.position}`;
    return record.epoch < before.epoch ? `epoch ${record.epoch} writes after ${before.epoch}` : null;
  }),

  hygiene('each owner has a higher epoch than the one before', () => ({ record, before }) => {
    const odd = eventsOf(record.events, 'Woken').find(({ epoch }) => epoch <= before.epoch || epoch !== record.epoch);
    return odd === undefined ? null : `epoch ${odd.epoch} follows ${before.epoch}, in a record of ${record.epoch}`;
  }),

  hygiene(
    'tickets never fall, and every effect carries the ticket of its core',
    () =>
      ({ before, cores, touched, effects }) => {
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
  ),

  hygiene('every new job has a new ticket', () => ({ record, before }) => {
    // A job that is taken up after a crash is a new one: of the old one a word may still come.
    const old = [...eventsOf(record.events, 'CoreStarted'), ...eventsOf(record.events, 'CoreWoken')].find(
      ({ core, ticket }) => ticket <= (before.cores.get(core)?.context.ticket ?? 0),
    );
    return old === undefined ? null : `${old.core} started anew under the old ticket ${old.ticket}`;
  }),

  hygiene('what is being cancelled brings nothing more', () => ({ record, before }) => {
    const cancelling = new Map<string, boolean>();
    for (const event of record.events) {
      if (!('core' in event) || 'voice' in event) continue;
      const { core, type } = event;
      const isCancelling = cancelling.get(core) ?? before.cores.get(core)?.phase === 'cancelling';
      // Opened again it goes on with being cancelled; an older version of it may meanwhile be found lost.
      const isAllowed = ['CoreCancelled', 'CoreDeletionStarted', 'CoreWoken', 'CoreLost'].includes(type);
      if (isCancelling && !isAllowed) return `${type} of ${core} while it is being cancelled`;
      const isOver = type === 'CoreCancelled' || type === 'CoreDeletionStarted';
      cancelling.set(core, type === 'CoreCancelStarted' || (isCancelling && !isOver));
    }
    return null;
  }),

  hygiene('work is done only for who wants it', () => ({ cores, after }) => {
    for (const [id, core] of cores) {
      const isWork = isWorking(core) || core.phase === 'queued' || core.phase === 'backingOff';
      if (isWork && demandOn(after, id).wanters.size === 0) return `${id} is ${core.phase} and nobody wants it`;
    }
    return null;
  }),

  hygiene('a core that somebody wants is never paused or absent', () => ({ cores, after }) => {
    for (const [id, { phase }] of cores) {
      if ((phase === 'paused' || phase === 'absent') && demandOn(after, id).wanters.size > 0)
        return `${id} is ${phase} and ${[...demandOn(after, id).wanters.keys()].join(', ')} want it`;
    }
    return null;
  }),

  hygiene('a voice that waits waits for something that moves', () => ({ voices, cores }) => {
    for (const [id, { phase, context }] of voices) {
      if (phase !== 'waiting') continue;
      const stuck = context.cores.find(
        (core) => cores.get(core)?.context.installed == null && !isMoving(cores.get(core)?.phase ?? 'absent'),
      );
      if (stuck !== undefined) return `${id} waits for ${stuck}, which is ${cores.get(stuck)?.phase ?? 'absent'}`;
    }
    return null;
  }),

  hygiene('a failed voice has a failed core', () => ({ voices, cores }) => {
    const odd = [...voices].find(
      ([, { phase, context }]) =>
        phase === 'failed' && !context.cores.some((core) => cores.get(core)?.phase === 'failed'),
    );
    return odd === undefined
      ? null
      : `${odd[0]} is failed, its cores are ${odd[1].context.cores.map((core) => cores.get(core)?.phase).join(', ')}`;
  }),

  hygiene('a core waits for a time, and says why it is paused, exactly while it does', () => ({ cores, touched }) => {
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
  }),
];
