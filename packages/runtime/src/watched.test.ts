import {
  Catalog,
  coreIn,
  DEFAULT_POLICY,
  type DepotState,
  decide,
  EMPTY_STATE,
  type Input,
  imageOf,
  readManifest,
} from '@lading/core';
import { VirtualTimeScheduler } from 'rxjs';
import { describe, expect, it, vi } from 'vitest';
import type { Depot } from './depot.js';
import type { JournalRecord } from './ports.js';
import { joinDepot } from './remote/guest.js';

const VOICES = 1_000;
const EPOCH = 1;

/** A thousand voices that share an engine, each with a core of its own. */
function catalog(): Catalog {
  const sha256 = 'ab'.repeat(32);
  const core = (id: string) => ({
    id,
    files: [{ filename: 'a', url: `https://x.example/${id}`, sizeBytes: 9_000, sha256 }],
  });
  const numbers = Array.from({ length: VOICES }, (_, i) => i);
  const text = JSON.stringify({
    version: 3,
    id: 'many',
    cores: [core('engine'), ...numbers.map((i) => core(`c${i}`))],
    voices: numbers.map((i) => ({ id: `v${i}`, coreRequirements: ['engine', `c${i}`] })),
  });
  const reading = readManifest(text, { base: null, allowHttp: false });
  if (!reading.ok) throw new Error(JSON.stringify(reading.defects));
  return Catalog.of([reading.manifest], 'linux').catalog;
}

/** A depot of which all voices were asked for and are watched, the owner it hears, and how often a status was computed. */
async function watched() {
  const many = catalog();
  const scheduler = new VirtualTimeScheduler();
  let state: DepotState = EMPTY_STATE;
  const put = (input: Input): JournalRecord => {
    const from = state.position;
    const decision = decide(state, many, DEFAULT_POLICY, input, { now: 1, luck: 0.5 });
    if (decision.type === 'refusal') throw new Error(decision.message);
    state = decision.state;
    return { v: 1, from, epoch: EPOCH, at: 1, events: decision.events };
  };
  put({ type: 'woke', epoch: EPOCH, staged: {}, missing: {} });
  for (let i = 0; i < VOICES; i++) put({ type: 'download', id: `v${i}` });
  const ticketOf = (core: string) => coreIn(state, core).context.ticket;
  put({ type: 'prepared', core: 'engine', ticket: ticketOf('engine'), staged: {} });

  let hear: (word: unknown) => void = () => undefined;
  const listen = (listener: (word: unknown) => void) => {
    hear = listener;
    return () => undefined;
  };
  const channel = { post: () => undefined, listen, close: () => undefined };
  const joining = joinDepot({ channel, catalog: many, name: 'test', locate: () => '', scheduler });
  const say = (word: object) => hear({ v: 1, epoch: EPOCH, ...word });
  say({ type: 'hello', image: imageOf(state), live: {} });
  const depot: Depot = await joining.depot;

  const told = new Map<string, number>();
  for (let i = 0; i < VOICES; i++) depot.status$(`v${i}`).subscribe(({ id }) => told.set(id, (told.get(id) ?? 0) + 1));
  scheduler.flush();
  told.clear();
  const computed = vi.spyOn(many, 'voice');
  const flow = (core: string, bytes: number) =>
    say({ type: 'live', live: { [core]: { ticket: ticketOf(core), bytes, rateBytesPerSecond: null } } });
  const checkpoint = (bytes: number) =>
    say({
      type: 'record',
      record: put({
        type: 'checkpointed',
        core: 'engine',
        ticket: ticketOf('engine'),
        files: { a: { bytes, validator: null, origin: null } },
      }),
    });
  return { depot, scheduler, told, computed, flow, checkpoint };
}

describe('of a thousand voices that are watched', () => {
  it('only the one whose core has moved is computed and told', async () => {
    const { scheduler, told, computed, flow } = await watched();
    flow('c7', 100);
    scheduler.flush();
    expect([...told]).toEqual([['v7', 1]]);
    expect(new Set(computed.mock.calls.map(([id]) => id))).toEqual(new Set(['v7']));
    computed.mockClear();
    for (let i = 1; i <= 50; i++) flow('c9', 100 + i);
    scheduler.flush();
    expect(new Set(computed.mock.calls.map(([id]) => id))).toEqual(new Set(['v9']));
    expect(computed.mock.calls.length).toBeLessThanOrEqual(2);
  });

  it('each is computed once a frame when the core that all share moves, however often it does', async () => {
    const { scheduler, told, computed, flow, checkpoint } = await watched();
    for (let i = 1; i <= 500; i++) {
      flow('engine', 10 * i);
      checkpoint(10 * i);
    }
    // At once, and one more time when that has stood for a while.
    expect(computed.mock.calls.length).toBe(VOICES);
    scheduler.flush();
    expect(computed.mock.calls.length).toBe(2 * VOICES);
    expect(told.get('v0')).toBe(2);
  });

  it('none that waits for its download hears of bytes', async () => {
    const { depot, checkpoint, flow } = await watched();
    const reads = vi.spyOn(depot, 'state', 'get');
    const waiting = depot.download('v3').catch(() => undefined);
    reads.mockClear();
    for (let i = 1; i <= 50; i++) {
      checkpoint(10 * i);
      flow('engine', 10 * i);
    }
    expect(reads.mock.calls.length).toBe(0);
    await depot.close();
    await waiting;
  });
});
