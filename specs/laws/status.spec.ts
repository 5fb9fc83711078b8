/**
 * What a screen is told, whatever the depot knows and whatever flows: also where more bytes lie on the disk than the catalog now declares, and where
 * a transfer that was ended still counts.
 */
import {
  CORE_PHASES,
  type CorePhase,
  coreStatus,
  emptyCoreContext,
  type Live,
  type LiveBytes,
  stateOf,
  voiceStatus,
} from '@lading/core';
import { goodsOf } from '@lading/sim';
import { describe, expect, it } from 'vitest';
import { fc } from './chance.ts';

const SIZES = { a: 100, b: 0, c: 7 };
const { catalog } = goodsOf({
  cores: Object.fromEntries(Object.entries(SIZES).map(([id, size]) => [id, { f: size }])),
  voices: { v: Object.keys(SIZES) },
});
const FAULT = { type: 'stalled', detail: 'body', message: 'x' } as const;
/** Where a job that was ended may still be making its last bytes durable (decision 0012). */
const LAST_WORDS: readonly CorePhase[] = ['paused', 'queued', 'preparing'];
const STILL: readonly CorePhase[] = ['queued', 'paused', 'backingOff', 'failed'];

const cores = fc.array(
  fc.record({
    phase: fc.constantFrom(...CORE_PHASES),
    durable: fc.integer({ min: 0, max: 150 }),
    ticket: fc.integer({ min: 1, max: 3 }),
    flow: fc.option(
      fc.record({
        ticket: fc.integer({ min: 1, max: 3 }),
        bytes: fc.integer({ min: 0, max: 300 }),
        rateBytesPerSecond: fc.option(fc.double({ min: 0.001, max: 1e6, noNaN: true })),
      }),
    ),
  }),
  { minLength: 3, maxLength: 3 },
);

interface Seen {
  readonly phase: CorePhase;
  readonly durable: number;
  readonly size: number;
  readonly ticket: number;
  readonly flow: LiveBytes | null;
  readonly status: ReturnType<typeof coreStatus>;
  readonly mute: ReturnType<typeof coreStatus>;
}

/** Shows many states to a law: each core with its status, and what the status would be if nothing flowed. */
function look(law: (seen: Seen) => void): void {
  fc.assert(
    fc.property(cores, (some) => {
      const ids = Object.keys(SIZES);
      const state = stateOf({
        epoch: 1,
        position: 9,
        voices: [{ phase: 'waiting', context: { id: 'v', cores: ids, pauseReason: null, core: null } }],
        cores: some.map(({ phase, durable, ticket }, i) => ({
          phase,
          context: {
            ...emptyCoreContext(ids[i] ?? ''),
            ticket,
            durable: { f: { bytes: durable, validator: null, origin: null } },
            fault: STILL.includes(phase) ? FAULT : null,
            installed: phase === 'ready' ? { revision: 'r', generation: 'g1', files: [], weak: [] } : null,
          },
        })),
      });
      const live: Live = (core) => some[ids.indexOf(core)]?.flow ?? undefined;
      for (const [i, { phase, durable, ticket, flow }] of some.entries()) {
        const id = ids[i] ?? '';
        const status = coreStatus(state, catalog, id, live);
        const size = catalog.core(id)?.sizeBytes ?? 0;
        law({ phase, durable, size, ticket, flow, status, mute: coreStatus(state, catalog, id) });
      }
      const whole = voiceStatus(state, catalog, 'v', live);
      expect(whole.bytesDone).toBeGreaterThanOrEqual(0);
      expect(whole.bytesDone).toBeLessThanOrEqual(whole.bytesTotal);
      expect(whole.etaMs === null || Number.isFinite(whole.etaMs)).toBe(true);
    }),
    { numRuns: 800 },
  );
}

describe('a status', () => {
  it('has a progress between nothing and all, and a time to go that is a number or not known', () => {
    look(({ status: { bytesDone, bytesTotal, etaMs } }) => {
      expect(bytesDone).toBeGreaterThanOrEqual(0);
      expect(bytesDone).toBeLessThanOrEqual(bytesTotal);
      if (etaMs !== null) expect(Number.isFinite(etaMs) && etaMs >= 0).toBe(true);
    });
  });

  it('counts what is durable, whatever flows', () => {
    look(({ phase, durable, size, status }) => {
      if (phase === 'absent' || phase === 'deleting') return;
      expect(status.bytesDone).toBeGreaterThanOrEqual(Math.min(size, durable));
    });
  });

  it('does not count what flowed under another ticket, but for the last words of a job that was ended', () => {
    look(({ phase, ticket, flow, status, mute }) => {
      const isOver = flow === null || flow.ticket !== ticket;
      if (isOver && !LAST_WORDS.includes(phase)) expect(status).toEqual(mute);
      if (isOver) expect(status.rateBytesPerSecond).toBeNull();
    });
  });

  it('of what does not move says why', () => {
    look(({ phase, status }) => {
      if (STILL.includes(phase)) expect(status.reason).not.toBeNull();
    });
  });
});
