import { bytesOf, coreIn, durableBytes, evolve, type LadingEvent, lowered } from '@lading/core';
import { eventsOf } from '@lading/runtime';
import { hygiene, type Law, policyOf } from './law.js';

/** Requests to one URL within one attempt: the first, two fresh starts, two short replies (`file-transfer.ts`), and one to spare. */
const REQUESTS_PER_ATTEMPT = 6;

/** What makes a core begin from nothing, or from what is left of it. */
const NEW_LIFE: ReadonlySet<LadingEvent['type']> = new Set([
  'CoreInstalled',
  'CoreCancelled',
  'CoreDeleted',
  'CoreLost',
]);

export const RETRY_LAWS: readonly Law[] = [
  hygiene('a delay lies between base and cap, unless the server asked for more', (world) => ({
    record: ({ record }) => {
      const { retryBaseMs, retryCapMs, retryAfterMaxMs } = policyOf(world);
      for (const { core, at, fault } of eventsOf(record.events, 'RetryScheduled')) {
        const delayMs = at - record.at;
        const asked = Math.min(fault.retryAfterMs ?? 0, retryAfterMaxMs);
        if (delayMs < retryBaseMs) return `${core} waits ${delayMs} ms, the base is ${retryBaseMs}`;
        if (delayMs > Math.max(retryCapMs, asked))
          return `${core} waits ${delayMs} ms, the cap is ${retryCapMs}, asked for were ${asked}`;
      }
      return null;
    },
  })),

  hygiene('a core is not tried again before its time, unless a person says so', () => {
    // A person may ask for it; and who sets the clock back has moved the time itself.
    let isAsked = false;
    return {
      act: ({ act }) => {
        isAsked ||= act.do === 'retry' || act.do === 'clock';
      },
      record: ({ record, before }) => {
        if (isAsked) return null;
        const early = eventsOf(record.events, 'CoreQueued').find(
          ({ core }) => (before.cores.get(core)?.context.retryAt ?? 0) > record.at,
        );
        return early === undefined
          ? null
          : `${early.core} is tried again ${(before.cores.get(early.core)?.context.retryAt ?? 0) - record.at} ms early`;
      },
    };
  }),

  hygiene('progress is what was never here before', () => {
    const most = new Map<string, number>();
    return {
      record: ({ record, before }) => {
        let state = before;
        for (const event of record.events) {
          const isNew = event.type === 'CoreStarted' && !event.keepsStaged;
          if (isNew || NEW_LIFE.has(event.type)) most.delete('core' in event ? event.core : '');
          [state] = evolve(state, event);
          if (event.type !== 'CoreCheckpointed' || !event.isProgress) continue;
          const bytes = durableBytes(coreIn(state, event.core).context.durable);
          const known = most.get(event.core) ?? 0;
          if (bytes <= known) return `${event.core} has ${bytes} bytes and calls it progress, it had ${known} before`;
          most.set(event.core, bytes);
        }
        return null;
      },
    };
  }),

  hygiene('a full disk fails nobody', () => ({
    record: ({ record, cores }) => {
      const failed = eventsOf(record.events, 'CoreFailed').find(
        ({ core, fault }) => fault.type === 'noSpace' && cores.get(core)?.context.installed === null,
      );
      return failed === undefined ? null : `${failed.core} failed because the disk is full`;
    },
  })),

  hygiene('what cannot fit is not begun', (world) => {
    const full = new Set<string>();
    return {
      store: ({ call, core }) => {
        if (call !== 'reclaim') return;
        if (world.disk.isFull) full.add(core);
        else full.delete(core);
      },
      record: ({ record, after }) => {
        for (const { core, staged } of eventsOf(record.events, 'CorePrepared')) {
          if (!world.disk.isFull || !full.has(core)) continue;
          const { durable, bytesTotal } = coreIn(after, core).context;
          const here = Object.entries(durable).reduce((sum, [file, known]) => {
            const left = lowered(known, staged[file] ?? 0);
            return left === null ? sum : sum + bytesOf(left);
          }, 0);
          if (here < bytesTotal) return `${core} lacks ${bytesTotal - here} bytes and was begun on a full disk`;
        }
        return null;
      },
    };
  }),

  hygiene('one attempt asks a source a bounded number of times', () => {
    const asked = new Map<string, number>();
    return {
      record: ({ record }) => {
        for (const { core } of eventsOf(record.events, 'CoreStarted'))
          for (const key of asked.keys()) if (key.startsWith(`${core} `)) asked.delete(key);
      },
      request: ({ core, url, from, to }) => {
        // Of a file that comes in several parts each is asked for: the bound is on each.
        const key = `${core} ${url} ${to === null ? '' : from}`;
        const count = (asked.get(key) ?? 0) + 1;
        asked.set(key, count);
        return count > REQUESTS_PER_ATTEMPT ? `${url} was asked ${count} times in one attempt` : null;
      },
    };
  }),
];
