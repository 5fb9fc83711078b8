import { eventsOf } from '@lading/runtime';
import { hygiene, type Law, policyOf } from './law.js';

/** Requests to one URL within one attempt: the first, two fresh starts, two short replies (`file-transfer.ts`), and one to spare. */
const REQUESTS_PER_ATTEMPT = 6;

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

  hygiene('one attempt asks a source a bounded number of times', () => {
    const asked = new Map<string, number>();
    return {
      record: ({ record }) => {
        for (const { core } of eventsOf(record.events, 'CoreStarted'))
          for (const key of asked.keys()) if (key.startsWith(`${core} `)) asked.delete(key);
      },
      request: ({ core, url }) => {
        const key = `${core} ${url}`;
        const count = (asked.get(key) ?? 0) + 1;
        asked.set(key, count);
        return count > REQUESTS_PER_ATTEMPT ? `${url} was asked ${count} times in one attempt` : null;
      },
    };
  }),
];
