import { covers, demandOn, isUsable, rangesOf } from '@lading/core';
import { eventsOf, hygiene, outcome, type RecordLaw } from './record-law.js';

interface Job {
  readonly ticket: number;
  readonly done: ReadonlySet<string>;
}

/** What people get: ready only with what was proven, shared things kept for who needs them. */
export const OUTCOME_LAWS: readonly RecordLaw[] = [
  outcome('a voice is ready if and only if it is wanted and all its cores are usable', () => ({ voices, cores }) => {
    for (const [id, { phase, context }] of voices) {
      const isComplete = context.cores.length > 0 && context.cores.every((core) => isUsable(cores.get(core)));
      if (phase === 'ready' && !isComplete) return `${id} is ready without all of ${context.cores.join(', ')}`;
      if ((phase === 'waiting' || phase === 'failed') && isComplete)
        return `${id} is ${phase} though all of ${context.cores.join(', ')} are usable`;
    }
    return null;
  }),

  outcome('a core is installed only when it was downloaded and proven under the same ticket', () => {
    // Jobs that began before the first record are not known, and not judged.
    const jobs = new Map<string, Job>();
    return ({ record }) => {
      for (const event of record.events) {
        if (event.type === 'CoreStarted') jobs.set(event.core, { ticket: event.ticket, done: new Set() });
        if (event.type === 'CoreDownloaded' || event.type === 'CoreVerified' || event.type === 'CoreExtracted') {
          const job = jobs.get(event.core);
          if (job?.ticket === event.ticket) jobs.set(event.core, { ...job, done: new Set([...job.done, event.type]) });
        }
        if (event.type !== 'CoreInstalled') continue;
        const job = jobs.get(event.core);
        if (job === undefined) continue;
        if (job.ticket !== event.ticket)
          return `${event.core} was installed under ticket ${event.ticket}, its job has ${job.ticket}`;
        const missing = ['CoreDownloaded', 'CoreVerified'].find((type) => !job.done.has(type));
        if (missing !== undefined) return `${event.core} was installed without ${missing}`;
      }
      return null;
    };
  }),

  outcome('a ready core has a version installed', () => ({ cores, touched }) => {
    const empty = touched.find(
      (id) => cores.get(id)?.phase === 'ready' && (cores.get(id)?.context.installed?.files.length ?? 0) === 0,
    );
    return empty === undefined ? null : `${empty} is ready and nothing is installed`;
  }),

  outcome('a core that a voice holds is deleted only under voices that know it', () => ({ record, after }) => {
    for (const { core } of eventsOf(record.events, 'CoreDeletionStarted')) {
      const holders = [...demandOn(after, core).holders.keys()].filter(
        (id) => after.voices.get(id)?.phase !== 'unavailable',
      );
      if (holders.length > 0) return `${core} is being deleted although ${holders.join(', ')} hold it`;
    }
    return null;
  }),

  hygiene('the recorded bytes of a file grow, or begin anew at nothing', () => ({ record, before }) => {
    const fresh = new Set<string>();
    for (const event of record.events) {
      if (event.type !== 'CoreCheckpointed') {
        // Whatever else happens to a core in the same record may have made its bytes void.
        if ('core' in event) fresh.add(event.core);
        continue;
      }
      if (fresh.has(event.core)) continue;
      const durable = before.cores.get(event.core)?.context.durable ?? {};
      for (const [file, checkpoint] of Object.entries(event.files)) {
        const known = durable[file];
        const now = rangesOf(checkpoint);
        const lost = known === undefined ? undefined : rangesOf(known).find((range) => !covers(now, range));
        if (lost !== undefined && now.length > 0)
          return `${event.core}/${file} lost recorded bytes ${lost.from} to ${lost.to}`;
      }
    }
    return null;
  }),
];
