import {
  bytesOf,
  type Catalog,
  coreIn,
  type DepotState,
  type Effect,
  type Fault,
  LIMITS,
  lowered,
  type Report,
} from '@lading/core';
import { DepotClosed } from './conductor.js';
import type { Connections } from './connections.js';
import { FaultError, faultOf } from './fault-error.js';
import { FileFault } from './file-fault.js';
import { Job, JobEnded } from './job.js';
import type { Manners } from './manners.js';
import type { Meter } from './meter.js';
import type { Patrol } from './patrol.js';
import type { Ports } from './ports.js';
import type { Throttle } from './throttle.js';
import { transferCore } from './transfer.js';
import type { TransferLimits } from './transfer-limits.js';
import type { Twins } from './twins.js';

export interface PerformerOptions {
  readonly ports: Ports;
  readonly catalog: Catalog;
  readonly meter: Meter;
  readonly stallMs: number;
  readonly patrol: Patrol;
  readonly throttle: Throttle;
  readonly manners: Manners;
  readonly twins: Twins;
  readonly connections: Connections;
  readonly limits: TransferLimits;
  /** The state as of the last durable record. */
  readonly state: () => DepotState;
  readonly report: (report: Report) => Promise<void>;
}

/**
 * Carries out effects. All work on one core is a chain: the next begins when the one before has let go of its files, so there is never a
 * second transfer of a file. A new ticket ends the old job at once. What goes wrong becomes a report; nothing escapes.
 */
export class Performer {
  private readonly jobs = new Map<string, Job>();
  private readonly chains = new Map<string, Promise<void>>();
  private readonly timers = new Map<string, AbortController>();
  private isClosed = false;

  constructor(private readonly options: PerformerOptions) {}

  readonly perform = (effect: Effect): void => {
    if (this.isClosed) return;
    const { core, ticket } = effect;
    if (effect.type !== 'sweep') this.timers.get(core)?.abort();
    if (this.jobs.get(core)?.ticket !== ticket) this.jobs.get(core)?.end();
    if (effect.type === 'wake') this.wake(core, ticket, effect.at);
    else this.chain(core, () => this.work(effect));
  };

  /** Ends all jobs and waits until they have let go; their last checkpoints are recorded. */
  async close(): Promise<void> {
    this.isClosed = true;
    for (const timer of this.timers.values()) timer.abort();
    for (const job of this.jobs.values()) job.end();
    while (this.chains.size > 0) await Promise.all(this.chains.values());
  }

  /** Runs work of the facade (a check, a repair) between the jobs of a core. After `close` there is none: another may own the files. */
  between<T>(core: string, work: () => Promise<T>): Promise<T> {
    if (this.isClosed) return Promise.reject(new DepotClosed());
    return new Promise((resolve, reject) => {
      this.chain(core, () => work().then(resolve, reject));
    });
  }

  private chain(core: string, work: () => Promise<void>): void {
    const link = async (before: Promise<void> | undefined) => {
      try {
        await before;
        await work();
      } finally {
        if (this.chains.get(core) === next) this.chains.delete(core);
      }
    };
    const next: Promise<void> = link(this.chains.get(core));
    this.chains.set(core, next);
  }

  private wake(core: string, ticket: number, at: number): void {
    const timer = new AbortController();
    this.timers.set(core, timer);
    const { clock } = this.options.ports;
    const due = async () => {
      // Long waits are taken in steps: a timer that outlives a suspended machine would be late, and some cannot hold more than 24 days.
      // Whichever clock says so first: one stops while the machine sleeps, the other may be set back by a day.
      const waitMs = Math.min(MAX_WAIT_MS, at - clock.now());
      const dueMs = clock.monotonicMs() + waitMs;
      const leftMs = () => Math.min(at - clock.now(), dueMs - clock.monotonicMs());
      while (leftMs() > 0) await clock.wait(Math.min(60_000, Math.max(1, leftMs())), timer.signal);
      await this.options.report({ type: 'due', core, ticket });
    };
    due().catch(() => undefined);
  }

  private async work(effect: Exclude<Effect, { type: 'wake' }>): Promise<void> {
    const { core, ticket } = effect;
    try {
      await this.carryOut(effect);
    } catch (error) {
      const job = this.jobs.get(core);
      if (error instanceof JobEnded || (job?.ticket === ticket && job.signal.aborted)) return;
      const fault = await this.withSpace(core, error instanceof FileFault ? error.fault : faultOf(error));
      const voided = error instanceof FileFault ? error.voided : [];
      await this.report({ type: 'faulted', core, ticket, fault, voided });
    }
  }

  private async report(report: Report): Promise<void> {
    try {
      await this.options.report(report);
    } catch {
      // The conductor is closed, or broken and has told so itself; the journal's last record stands.
    }
  }

  private async carryOut(effect: Exclude<Effect, { type: 'wake' }>): Promise<void> {
    const { core, ticket } = effect;
    const { store } = this.options.ports;
    switch (effect.type) {
      case 'prepare':
        return await this.prepare(core, ticket);
      case 'transfer':
        return await this.transfer(this.jobOf(effect));
      case 'verify':
        return await this.verify(this.jobOf(effect));
      case 'extract':
        return await this.extract(this.jobOf(effect));
      case 'publish':
        return await this.publish(this.jobOf(effect));
      case 'stop':
        return;
      case 'discard':
        this.jobs.delete(core);
        await store.sweep(core, coreIn(this.options.state(), core).context.installed?.generation ?? null);
        return await this.report({ type: 'discarded', core, ticket });
      case 'remove':
        this.jobs.delete(core);
        await store.remove(core);
        return await this.report({ type: 'removed', core, ticket });
      case 'sweep': {
        const { phase, context } = coreIn(this.options.state(), core);
        if (phase === 'ready') await store.sweep(core, context.installed?.generation ?? null);
        return;
      }
      default:
        effect satisfies never;
    }
  }

  private jobOf(effect: Effect): Job {
    const job = this.jobs.get(effect.core);
    if (job?.ticket !== effect.ticket) throw new JobEnded();
    job.signal.throwIfAborted();
    return job;
  }

  private async prepare(core: string, ticket: number): Promise<void> {
    const { catalog, ports } = this.options;
    const spec = catalog.core(core);
    if (spec === undefined)
      throw FaultError.of('manifestError', 'coreMissing', `the core "${core}" is not in the catalog any more`);
    const { context } = coreIn(this.options.state(), core);
    // While this waited for the job before it, the core was paused or cancelled: an old ticket does nothing.
    if (context.ticket !== ticket) throw new JobEnded();
    const job = new Job(core, ticket, spec, context.durable, context);
    this.jobs.set(core, job);
    const staged = await ports.store.reclaim(core, context.installed?.generation ?? null, Object.keys(context.durable));
    const here = (name: string) => {
      const known = context.durable[name];
      const left = known === undefined ? null : lowered(known, staged[name] ?? 0);
      return left === null ? 0 : bytesOf(left);
    };
    const neededBytes = spec.files.reduce(
      (sum, file) => sum + Math.max(0, file.contents[0].sizeBytes - here(file.filename)),
      0,
    );
    const freeBytes = await ports.store.freeBytes();
    if (freeBytes !== null && neededBytes > freeBytes) {
      const message = `not enough space: ${neededBytes} bytes are needed, ${freeBytes} are free`;
      throw FaultError.of('noSpace', 'preflight', message, { neededBytes, freeBytes });
    }
    job.signal.throwIfAborted();
    await this.report({ type: 'prepared', core, ticket, staged });
  }

  private async transfer(job: Job): Promise<void> {
    const { connections, limits, manners, meter, patrol, ports, stallMs, throttle, twins } = this.options;
    const { core, ticket } = job;
    // The disk may have lowered what the journal knew: the state after `prepared` counts.
    job.durable = coreIn(this.options.state(), core).context.durable;
    meter.begin(core, ticket);
    try {
      await transferCore(
        { ...ports, stallMs, patrol, throttle, manners, twins, connections, limits },
        meter,
        job,
        (report) => this.options.report(report),
      );
    } catch (error) {
      // What could be kept is recorded by now: from here on the record tells how much there is.
      meter.end(core);
      throw error;
    }
    await this.report({ type: 'downloaded', core, ticket });
  }

  /** A full disk names what is still needed, and what is free if anybody knows. */
  private async withSpace(core: string, fault: Fault): Promise<Fault> {
    if (fault.type !== 'noSpace' || fault.detail === 'preflight') return fault;
    const { durable } = coreIn(this.options.state(), core).context;
    const files = this.options.catalog.core(core)?.files ?? [];
    const missing = files.reduce((sum, { filename, contents }) => {
      const known = durable[filename];
      return sum + Math.max(0, contents[0].sizeBytes - (known === undefined ? 0 : bytesOf(known)));
    }, 0);
    // With everything here it is the unpacking that found no room; how much it needs no catalog says, but not less than this.
    const neededBytes = missing > 0 ? missing : files.reduce((sum, file) => sum + file.contents[0].sizeBytes, 0);
    const needed = { ...fault, message: `${fault.message}: ${neededBytes} bytes are still needed`, neededBytes };
    const freeBytes = (await this.options.ports.store.freeBytes()) ?? fault.freeBytes;
    if (freeBytes === undefined) return needed;
    return { ...needed, message: `${needed.message}, ${freeBytes} are free`, freeBytes };
  }

  private async verify(job: Job): Promise<void> {
    const missing = job.spec.files.filter((file) => !job.proven.has(file.filename));
    if (missing.length > 0) throw new Error(`${missing.length} files of ${job.core} are not proven`);
    const weak = [...job.proven.values()].filter((file) => file.proof !== 'strong').map((file) => file.filename);
    await this.report({ type: 'verified', core: job.core, ticket: job.ticket, weak });
  }

  private async extract(job: Job): Promise<void> {
    const { archive, files } = job.spec;
    const file = files[0];
    if (archive === null || file === undefined) throw new Error(`${job.core} is no archive`);
    const generation = generationOf(job.ticket);
    const options = { ...archive, file: file.filename, generation, maxFiles: LIMITS.archiveFiles };
    job.extracted = await this.options.ports.store.extract(job.core, options, job.signal);
    job.signal.throwIfAborted();
    await this.report({ type: 'extracted', core: job.core, ticket: job.ticket });
  }

  private async publish(job: Job): Promise<void> {
    const { core, ticket } = job;
    const generation = generationOf(ticket);
    const names = job.extracted === null ? [...job.proven.keys()] : null;
    await this.options.ports.store.publish(core, generation, names);
    const files = (job.extracted ?? [...job.proven.values()]).map(({ filename, sizeBytes, sha256 }) => ({
      filename,
      sizeBytes,
      sha256,
    }));
    await this.report({ type: 'installed', core, ticket, generation, files });
    this.options.meter.end(core);
    this.jobs.delete(core);
  }
}

/** The longest backoff: more than any policy asks for can only be a clock that was set back since. */
const MAX_WAIT_MS = 3_600_000;

/** Generations are named by the ticket of the job that made them: never twice the same. */
const generationOf = (ticket: number): string => `g${ticket}`;
