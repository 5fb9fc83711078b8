import { bytesOf } from './checkpoint.js';
import { type CorePhase, type CoreState, durableBytes, isBusy } from './core-state.js';
import type { Draft } from './draft.js';
import type { Checkpoint } from './event.js';
import type { Report, Wake } from './input.js';
import { retryVerdict } from './retry.js';
import { coreIn } from './state.js';

type JobReport = Exclude<Report, { type: 'lost' | 'staged' }>;

/** The phases in which a report makes sense; in any other it is late and changes nothing. */
const EXPECTED_IN: Readonly<Record<Exclude<JobReport['type'], 'faulted'>, string>> = {
  prepared: 'preparing',
  checkpointed: 'downloading',
  downloaded: 'downloading',
  verified: 'verifying',
  extracted: 'extracting',
  installed: 'installing',
  discarded: 'cancelling',
  removed: 'deleting',
  due: 'backingOff',
};

/**
 * The last checkpoint of a transfer that a pause stopped. It comes when the core is paused already, or even resumed: nothing was written since,
 * because work on one core is a chain, and the next link begins when this one has let go.
 */
function isLastWord({ phase, context }: CoreState, ticket: number): boolean {
  if (phase === 'paused') return ticket === context.ticket - 1;
  if (phase === 'queued') return ticket === context.ticket - 1 && context.revision !== null;
  return phase === 'preparing' && ticket === context.ticket - 2;
}

function isStale(core: CoreState, report: JobReport): boolean {
  if (report.type === 'checkpointed' && isLastWord(core, report.ticket)) return false;
  if (report.ticket !== core.context.ticket) return true;
  if (report.type === 'faulted') return !isBusy(core);
  return core.phase !== EXPECTED_IN[report.type];
}

/** No job has the files of such a core open: one that is being prepared waits until who brings them has let go. */
const TAKES_STAGED: ReadonlySet<CorePhase> = new Set([
  'absent',
  'queued',
  'preparing',
  'ready',
  'paused',
  'backingOff',
  'failed',
]);

/** Enough that is new and durable to forgive earlier failures; bytes fetched again after a loss do not count. */
function isProgress(draft: Draft, core: CoreState, files: Readonly<Record<string, Checkpoint>>): boolean {
  const { durable, highWater, bytesTotal } = core.context;
  let now = durableBytes(durable) + durableBytes(files);
  for (const name in files) {
    const before = Object.hasOwn(durable, name) ? durable[name] : undefined;
    if (before !== undefined) now -= bytesOf(before);
  }
  const step = Math.max(1, Math.min(draft.policy.progressBytes, Math.floor(bytesTotal / 100)));
  return now - highWater >= step || (now > highWater && now >= bytesTotal);
}

function faulted(draft: Draft, core: CoreState, report: Extract<Report, { type: 'faulted' }>): void {
  const { context } = core;
  const { fault, voided } = report;
  const id = report.core;
  if (core.phase === 'cancelling') return gone(draft, id, 'CoreCancelled');
  if (core.phase === 'deleting') return gone(draft, id, 'CoreDeleted');
  if (fault.type === 'noSpace' && context.installed === null) {
    draft.emit({ type: 'CorePaused', core: id, ticket: context.ticket + 1, reason: 'noSpace', fault });
    draft.settleFull(id);
    return;
  }
  const verdict = retryVerdict(draft.policy, context, fault, draft.stamp.luck);
  if (verdict.type === 'giveUp') {
    draft.emit({ type: 'CoreFailed', core: id, fault, voided });
    if (context.installed === null) draft.settleFailed(id);
    return;
  }
  const { attempt, strikes, delayMs } = verdict;
  draft.emit({ type: 'RetryScheduled', core: id, fault, attempt, strikes, at: draft.stamp.now + delayMs, voided });
}

/** The core has left the disk, or what of it was staged has. Leftovers that could not be removed are swept when the depot opens next. */
function gone(draft: Draft, id: string, type: 'CoreCancelled' | 'CoreDeleted'): void {
  draft.emit({ type, core: id });
  draft.settleLeaving(id);
  draft.settleDemand(id);
}

export function decideReport(draft: Draft, report: Report): void {
  const id = report.core;
  const core = coreIn(draft.state, id);
  if (report.type === 'lost') {
    if (core.context.installed?.generation !== report.generation || core.phase === 'deleting') return;
    draft.emit({ type: 'CoreLost', core: id, detail: report.detail, kept: report.kept });
    draft.settleLost(id);
    // An update may have been on its way: with the installed version its voices are gone, and nobody wants it now.
    draft.settleDemand(id);
    return;
  }
  if (report.type === 'staged') {
    const { core: id, revision, files } = report;
    const isWanted = draft.catalog.core(id)?.revision === revision;
    if (isWanted && TAKES_STAGED.has(core.phase)) draft.emit({ type: 'CoreStaged', core: id, revision, files });
    return;
  }
  if (isStale(core, report)) return;
  const { ticket } = report;
  switch (report.type) {
    case 'prepared':
      return draft.emit({ type: 'CorePrepared', core: id, ticket, staged: report.staged });
    case 'checkpointed':
      return draft.emit({
        type: 'CoreCheckpointed',
        core: id,
        ticket,
        files: report.files,
        isProgress: isProgress(draft, core, report.files),
      });
    case 'downloaded':
      return draft.emit({ type: 'CoreDownloaded', core: id, ticket });
    case 'verified': {
      const isArchive = draft.catalog.core(id)?.archive != null;
      return draft.emit({ type: 'CoreVerified', core: id, ticket, isArchive, weak: report.weak });
    }
    case 'extracted':
      return draft.emit({ type: 'CoreExtracted', core: id, ticket });
    case 'installed':
      draft.emit({
        type: 'CoreInstalled',
        core: id,
        ticket,
        revision: core.context.revision ?? '',
        generation: report.generation,
        files: report.files,
        weak: core.context.weak,
      });
      return draft.settleReady(id);
    case 'discarded':
      return gone(draft, id, 'CoreCancelled');
    case 'removed':
      return gone(draft, id, 'CoreDeleted');
    case 'due':
      return draft.enqueue(id, core.context.priority);
    case 'faulted':
      return faulted(draft, core, report);
    default:
      report satisfies never;
  }
}

/** Recovery is an ordinary decision: the disk outranks the journal about partial bytes, and both about what a dead process was doing. */
export function decideWake(draft: Draft, wake: Wake): void {
  draft.emit({ type: 'Woken', epoch: wake.epoch });
  for (const [id, kept] of Object.entries(wake.missing)) {
    draft.emit({ type: 'CoreLost', core: id, detail: 'missing', kept });
    draft.settleLost(id);
    draft.settleDemand(id);
  }
  for (const [id, core] of draft.state.cores.entries()) {
    if (!isBusy(core) && core.phase !== 'backingOff') continue;
    const { ticket, order } = core.context;
    draft.emit({ type: 'CoreWoken', core: id, ticket: ticket + 1, staged: wake.staged[id] ?? {}, order });
  }
}
