import { type Catalog, coreIn, DEFAULT_POLICY, type DepotState, isBusy, type Policy } from '@lading/core';
import type { SchedulerLike } from 'rxjs';
import { Conductor } from './conductor.js';
import type { Depot } from './depot.js';
import { fold } from './journal-format.js';
import { Meter } from './meter.js';
import { OpenDepot } from './open-depot.js';
import { Performer } from './perform.js';
import type { Ports } from './ports.js';
import { keysOfEvent, Signals } from './signals.js';
import { EVERYTHING, Streams } from './streams.js';
import { Throttle } from './throttle.js';
import { View } from './view.js';

/** Without a byte for so long, from connecting on, a request is stalled; milliseconds. */
export const DEFAULT_STALL_MS = 30_000;

export interface OpenOptions {
  readonly catalog: Catalog;
  readonly policy?: Partial<Policy>;
  readonly stallMs?: number;
  /** All transfers together stay below this many bytes a second. */
  readonly limitBytesPerSecond?: number;
  /** Time of the streams; virtual in tests. */
  readonly scheduler?: SchedulerLike;
}

/** What the disk holds, for `Woken`: staged bytes of cores that were in work, and installed generations that are gone. */
async function surveyed(
  ports: Ports,
  state: DepotState,
): Promise<{ staged: Record<string, Readonly<Record<string, number>>>; missing: string[] }> {
  const staged: Record<string, Readonly<Record<string, number>>> = {};
  const missing: string[] = [];
  for (const [id, core] of state.cores.entries()) {
    const { installed } = core.context;
    if (installed !== null && !(await ports.store.generations(id)).includes(installed.generation)) missing.push(id);
    if (isBusy(core) || core.phase === 'backingOff') {
      staged[id] = await ports.store.reclaim(id, installed?.generation ?? null, Object.keys(core.context.durable));
    }
  }
  return { staged, missing };
}

/** Removes what a dead process left and no record names. Under the lease; what belongs to a core in work is that core's. */
async function swept(ports: Ports, state: DepotState): Promise<void> {
  for (const core of await ports.store.residents()) {
    const { phase, context } = coreIn(state, core);
    if (phase === 'ready') await ports.store.sweep(core, context.installed?.generation ?? null);
    if (phase === 'absent' && context.ticket > 0) await ports.store.sweep(core, null);
  }
}

/** Opens a depot on a platform: becomes its owner, reads its history, looks at the disk, and goes on where the last owner ended. */
export async function openDepotOn(ports: Ports, options: OpenOptions): Promise<Depot> {
  const held = await ports.lease.acquire();
  try {
    const state = fold(await ports.journal.load());
    const epoch = Math.max(held.epoch, state.epoch + 1);
    const survey = await surveyed(ports, state);
    await swept(ports, state);

    const signals = new Signals();
    const streams = new Streams(signals, options.scheduler);
    let failure: { readonly error: unknown } | null = null;
    const meter = new Meter(ports.clock, (core) => signals.wake([core]));
    const conductor = new Conductor({
      state,
      catalog: options.catalog,
      policy: { ...DEFAULT_POLICY, ...options.policy },
      epoch,
      journal: ports.journal,
      clock: ports.clock,
      luck: ports.luck,
      perform: (effect) => performer.perform(effect),
      onRecord: (record) => {
        streams.publish(record);
        signals.wake([...record.events.flatMap(keysOfEvent), EVERYTHING]);
      },
      onBroken: (error) => {
        failure = { error };
        signals.wakeAll();
        void performer.close();
      },
    });
    const performer = new Performer({
      ports,
      catalog: options.catalog,
      meter,
      stallMs: options.stallMs ?? DEFAULT_STALL_MS,
      throttle: new Throttle(ports.clock, options.limitBytesPerSecond ?? Number.POSITIVE_INFINITY),
      state: () => conductor.state,
      report: (report) => conductor.report(report),
    });
    await conductor.report({ type: 'woke', epoch, ...survey });
    const locate = (core: string, generation: string, file: string) => ports.store.locate(core, generation, file);
    const release = async () => {
      await ports.journal.close();
      await held.release();
    };
    const view = new View(options.catalog, () => conductor.state, locate, meter.live);
    return new OpenDepot({
      view,
      conductor,
      performer,
      signals,
      streams,
      store: ports.store,
      release,
      failure: () => failure,
    });
  } catch (error) {
    await ports.journal.close();
    await held.release();
    throw error;
  }
}
