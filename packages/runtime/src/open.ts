import {
  BugError,
  type Catalog,
  type Checkpoint,
  coreIn,
  DEFAULT_POLICY,
  type DepotState,
  decide,
  type Installed,
  isBusy,
  type Policy,
} from '@lading/core';
import { asyncScheduler, type SchedulerLike } from 'rxjs';
import { ORDINARY } from './circumstances.js';
import { Conductor } from './conductor.js';
import { Connections } from './connections.js';
import type { Depot } from './depot.js';
import { FaultError, faultOf } from './fault-error.js';
import { fold, JournalCorrupt } from './journal-format.js';
import { keptOf } from './kept.js';
import { LocalOwner } from './local-owner.js';
import { Manners } from './manners.js';
import { Meter } from './meter.js';
import { OpenDepot } from './open-depot.js';
import { Patrol } from './patrol.js';
import { Performer } from './perform.js';
import type { HeldLease, Journal, Ports, Store } from './ports.js';
import type { Channel } from './remote/channel.js';
import { Host } from './remote/host.js';
import { bytesOf, keysOfRecord, Signals } from './signals.js';
import { Streams } from './streams.js';
import { Throttle } from './throttle.js';
import { TRANSFER_LIMITS, type TransferLimits } from './transfer-limits.js';
import { Twins } from './twins.js';
import { View } from './view.js';

/** Without a byte for so long, from connecting on, a request is stalled; milliseconds. */
export const DEFAULT_STALL_MS = 30_000;

export interface OpenOptions {
  readonly catalog: Catalog;
  readonly policy?: Partial<Policy>;
  readonly stallMs?: number;
  /** All transfers together stay below this many bytes a second. */
  readonly limitBytesPerSecond?: number;
  readonly transfer?: Partial<TransferLimits>;
  /** Time of the streams; virtual in tests. */
  readonly scheduler?: SchedulerLike;
  /** Where other programs may use this depot through its owner, with `joinDepot`. */
  readonly channel?: Channel;
  /** The journal cannot be written any more: nothing happens here from now on. */
  readonly onBroken?: (error: unknown) => void;
}

/** The state that a journal tells. Throws `FaultError` `journalCorrupt` for a history that cannot be: nothing is changed then. */
export async function recall(journal: Journal): Promise<DepotState> {
  return (await recalled(journal)).state;
}

/** The same, and the position of the snapshot that it began with. */
async function recalled(journal: Journal): Promise<{ readonly state: DepotState; readonly snapshotAt: number }> {
  try {
    const image = await journal.load();
    return { state: fold(image), snapshotAt: image.snapshot?.position ?? 0 };
  } catch (error) {
    if (!(error instanceof JournalCorrupt || error instanceof BugError)) throw error;
    throw FaultError.of('unknown', 'journalCorrupt', `${error.message}; nothing was changed`, {}, error);
  }
}

/**
 * What of an installed core is on disk with its length: null if all of it is, else the files that can go back to staging. Lengths only; a digest
 * is for `verify`, because opening must not read gigabytes.
 */
async function lossOf(
  store: Pick<Store, 'sizes'>,
  catalog: Catalog,
  core: string,
  installed: Installed,
): Promise<Readonly<Record<string, Checkpoint>> | null> {
  const names = installed.files.map(({ filename }) => filename);
  const sizes = await store.sizes(core, installed.generation, names);
  const here = installed.files.filter((file) => sizes[file.filename] === file.sizeBytes);
  if (here.length === installed.files.length) return null;
  return keptOf(catalog, core, here);
}

/** A state as a reader should see it: without what the disk has lost since. Records nothing. */
export async function withoutLost(
  store: Pick<Store, 'sizes'>,
  catalog: Catalog,
  state: DepotState,
): Promise<DepotState> {
  let seen = state;
  for (const [core, { context }] of state.cores.entries()) {
    const kept = context.installed === null ? null : await lossOf(store, catalog, core, context.installed);
    if (context.installed === null || kept === null) continue;
    const { generation } = context.installed;
    const lost = { type: 'lost', core, generation, detail: 'missing', kept } as const;
    const decision = decide(seen, catalog, { ...DEFAULT_POLICY, slots: 0 }, lost, { now: 0, luck: 0 });
    if (decision.type === 'decision') seen = decision.state;
  }
  return seen;
}

interface Survey {
  readonly staged: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly missing: Readonly<Record<string, Readonly<Record<string, Checkpoint>>>>;
}

/** What the disk holds, for `Woken`: staged bytes of cores that were in work, and what is lost of the installed ones. */
async function surveyed({ store }: Ports, catalog: Catalog, state: DepotState): Promise<Survey> {
  const staged: Record<string, Readonly<Record<string, number>>> = {};
  const missing: Record<string, Readonly<Record<string, Checkpoint>>> = {};
  await eachOf([...state.cores.entries()], async ([id, core]) => {
    const { installed } = core.context;
    const kept = installed === null ? null : await lossOf(store, catalog, id, installed);
    if (kept !== null) missing[id] = kept;
    if (isBusy(core) || core.phase === 'backingOff') {
      staged[id] = await store.reclaim(id, installed?.generation ?? null, Object.keys(core.context.durable));
    }
  });
  return { staged: inOrder(staged), missing: inOrder(missing) };
}

/** Removes what a dead process left and no record names. Under the lease; what belongs to a core in work is that core's. */
async function swept(ports: Ports, state: DepotState, lost: readonly string[]): Promise<void> {
  const isLost = new Set(lost);
  await eachOf(await ports.store.residents(), async (core) => {
    if (isLost.has(core)) return;
    const { phase, context } = coreIn(state, core);
    // Staged bytes that the journal counts on stay: of an update that failed, or of what a repair brought back.
    if (Object.keys(context.durable).length > 0) return;
    if (phase === 'ready') await ports.store.sweep(core, context.installed?.generation ?? null);
    if (phase === 'absent' && context.ticket > 0) await ports.store.sweep(core, null);
  });
}

/** Cores that are looked at side by side: a disk answers several questions in the time of one. */
const LOOKS = 16;

/** Works on all of them, some at once. Rejects with the first error, when nobody works any more. */
async function eachOf<T>(all: readonly T[], work: (each: T) => Promise<void>): Promise<void> {
  let next = 0;
  let failure: { readonly error: unknown } | null = null;
  const look = async () => {
    while (next < all.length && failure === null) {
      try {
        await work(all[next++] as T);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(LOOKS, all.length) }, look));
  if (failure !== null) throw (failure as { readonly error: unknown }).error;
}

/** By id, whichever answer came first: what is decided of it must not depend on the disk's haste. */
const inOrder = <T>(found: Record<string, T>): Record<string, T> =>
  Object.fromEntries(Object.entries(found).sort(([a], [b]) => (a < b ? -1 : 1)));

/** Opens a depot on a platform: becomes its owner, reads its history, looks at the disk, and goes on where the last owner ended. */
export async function openDepotOn(ports: Ports, options: OpenOptions): Promise<Depot> {
  const held = await ports.lease.acquire();
  try {
    const { state, snapshotAt } = await recalled(ports.journal);
    // A dead owner may have written a record and not lived to sync it: what was read becomes durable before anything is removed because of it.
    await ports.journal.append([]);
    const epoch = Math.max(held.epoch, state.epoch + 1);
    const survey = await surveyed(ports, options.catalog, state);
    await swept(ports, state, Object.keys(survey.missing));

    const signals = new Signals();
    const streams = new Streams(signals, options.scheduler);
    let failure: { readonly error: unknown } | null = null;
    const policy = { ...DEFAULT_POLICY, ...options.policy };
    const limits = { ...TRANSFER_LIMITS, ...options.transfer };
    let host: Host | null = null;
    const meter = new Meter(ports.clock, (core) => {
      signals.wake([bytesOf(core)]);
      host?.flow(core);
    });
    const conductor = new Conductor({
      state,
      snapshotAt,
      catalog: options.catalog,
      policy,
      epoch,
      journal: ports.journal,
      clock: ports.clock,
      luck: ports.luck,
      perform: (effect) => performer.perform(effect),
      onRecord: (record) => {
        twins.follow(record);
        host?.record(record);
        streams.publish(record);
        signals.wake(keysOfRecord(record.events));
      },
      onBroken: (error) => {
        failure = { error };
        signals.wakeAll();
        host?.close();
        void performer.close();
        options.onBroken?.(error);
      },
    });
    const twins = new Twins(() => conductor.state);
    const performer = new Performer({
      ports,
      catalog: options.catalog,
      meter,
      stallMs: options.stallMs ?? DEFAULT_STALL_MS,
      twins,
      manners: new Manners(ports.clock, policy.retryAfterMaxMs),
      connections: new Connections(Math.max(limits.connectionsPerOrigin, policy.slots)),
      limits,
      patrol: new Patrol(ports.clock),
      throttle: new Throttle(ports.clock, options.limitBytesPerSecond ?? Number.POSITIVE_INFINITY),
      state: () => conductor.state,
      report: (report) => conductor.report(report),
    });
    await conductor.report({ type: 'woke', epoch, ...survey });
    const locate = (core: string, generation: string, file: string) => ports.store.locate(core, generation, file);
    const release = async () => {
      host?.close();
      await letGo(ports.journal, held);
    };
    const owner = new LocalOwner({ catalog: options.catalog, conductor, performer, store: ports.store, release });
    if (options.channel !== undefined) {
      const { channel, scheduler = asyncScheduler } = options;
      host = new Host({ channel, owner, epoch, state: () => conductor.state, live: meter.live, scheduler });
    }
    const circumstances = () =>
      failure === null
        ? ORDINARY
        : { halt: { reason: 'journalBroken', fault: faultOf(failure.error) } as const, caveat: null };
    const view = new View(options.catalog, () => conductor.state, locate, meter.live, circumstances);
    return new OpenDepot({ view, owner, signals, streams, failure: () => failure });
  } catch (error) {
    // What prevented the opening is the fault to tell.
    await letGo(ports.journal, held).catch(() => undefined);
    throw error;
  }
}

/** The lease is released whatever the journal says: nobody else would. */
async function letGo(journal: Journal, held: HeldLease): Promise<void> {
  try {
    await journal.close();
  } finally {
    await held.release();
  }
}
