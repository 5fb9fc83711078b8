import type { Catalog } from './catalog.js';
import { isUsable } from './core-state.js';
import type { Effect } from './effect.js';
import type { LadingEvent } from './event.js';
import { evolve } from './evolve.js';
import type { Stamp } from './input.js';
import type { Policy } from './policy.js';
import { coreIn, type DepotState, demandOn, voiceIn } from './state.js';

/**
 * A decision in the making: each event is folded as it is written down, so that what follows from it is decided on what then is. Holds the
 * consequences that keep cores and voices in step; all of them are events in the same record.
 */
export class Draft {
  readonly events: LadingEvent[] = [];
  readonly effects: Effect[] = [];

  constructor(
    public state: DepotState,
    readonly catalog: Catalog,
    readonly policy: Policy,
    readonly stamp: Stamp,
  ) {}

  emit(event: LadingEvent): void {
    const [state, effects] = evolve(this.state, event);
    this.state = state;
    this.events.push(event);
    this.effects.push(...effects);
  }

  /** Brings a core in line with who wants it. Called after any change of demand. */
  settleDemand(id: string): void {
    const core = coreIn(this.state, id);
    const { holders, wanters } = demandOn(this.state, id);
    if (wanters.size > 0) {
      if (core.phase === 'absent' || core.phase === 'paused') this.enqueue(id, core.context.priority);
      return;
    }
    const ticket = core.context.ticket + 1;
    switch (core.phase) {
      case 'queued':
      case 'preparing':
      case 'downloading':
      case 'verifying':
      case 'extracting':
      case 'installing':
      case 'backingOff':
        if (holders.size > 0) this.emit({ type: 'CorePaused', core: id, ticket, reason: 'user', fault: null });
        else this.emit({ type: 'CoreCancelStarted', core: id, ticket });
        return;
      case 'paused':
      case 'failed':
        if (holders.size === 0) this.emit({ type: 'CoreCancelStarted', core: id, ticket });
        return;
      default:
        return;
    }
  }

  enqueue(id: string, priority: number): void {
    this.emit({ type: 'CoreQueued', core: id, order: this.state.position, priority });
  }

  /** Fetches the catalog's version of a core beside the one that is installed, if it is another. */
  updateIfNew(id: string): void {
    const { phase, context } = coreIn(this.state, id);
    const spec = this.catalog.core(id);
    if (phase !== 'ready' || spec === undefined || context.installed?.revision === spec.revision) return;
    this.enqueue(id, context.priority);
  }

  /** Somebody has let go of a core: it is removed if nobody holds it any more, and rests if nobody of those who do wants it now. */
  letGo(id: string): void {
    const core = coreIn(this.state, id);
    const isFree = demandOn(this.state, id).holders.size === 0;
    if (isFree && core.context.installed !== null && core.phase !== 'deleting') {
      this.emit({ type: 'CoreDeletionStarted', core: id, ticket: core.context.ticket + 1 });
    } else this.settleDemand(id);
  }

  /** Voices that may have become ready because a core did. */
  settleReady(core: string): void {
    for (const id of demandOn(this.state, core).wanters.keys()) this.readyIfComplete(id);
  }

  readyIfComplete(id: string): void {
    const voice = voiceIn(this.state, id);
    if (voice.phase !== 'waiting' && voice.phase !== 'failed') return;
    if (voice.context.cores.every((core) => isUsable(this.state.cores.get(core))))
      this.emit({ type: 'VoiceReady', voice: id });
  }

  /** Voices that cannot go on because a core failed for good. */
  settleFailed(core: string): void {
    for (const id of demandOn(this.state, core).wanters.keys()) {
      if (voiceIn(this.state, id).phase === 'waiting') this.emit({ type: 'VoiceFailed', voice: id, core });
    }
  }

  /** The disk is full for this core: its voices pause, and with them what only they want. */
  settleFull(core: string): void {
    for (const id of demandOn(this.state, core).wanters.keys()) {
      const voice = voiceIn(this.state, id);
      if (voice.phase !== 'waiting' && voice.phase !== 'failed') continue;
      this.emit({ type: 'VoicePaused', voice: id, reason: 'noSpace' });
      for (const other of voice.context.cores) if (other !== core) this.settleDemand(other);
    }
  }

  /** Voices that lost a core under them; at once, before the first file goes. */
  settleLost(core: string): void {
    for (const id of demandOn(this.state, core).holders.keys()) {
      const voice = voiceIn(this.state, id);
      if (voice.phase === 'unavailable') continue;
      this.emit({ type: 'VoiceUnavailable', voice: id, core });
      for (const other of voice.context.cores) if (other !== core) this.settleDemand(other);
    }
  }

  /** Voices that are gone now that a core of theirs is. */
  settleLeaving(core: string): void {
    for (const id of demandOn(this.state, core).leavers.keys()) this.goneIfComplete(id);
  }

  goneIfComplete(id: string): void {
    const voice = voiceIn(this.state, id);
    const isBusy = voice.context.cores.some((core) => {
      const { phase } = coreIn(this.state, core);
      return phase === 'cancelling' || phase === 'deleting';
    });
    if (isBusy) return;
    if (voice.phase === 'cancelling') this.emit({ type: 'VoiceCancelled', voice: id });
    else if (voice.phase === 'deleting') this.emit({ type: 'VoiceDeleted', voice: id });
  }

  /** Fills the free slots from the queue. Every decision ends with it. */
  admit(): void {
    while (this.state.working.size < this.policy.slots) {
      const id = this.state.queued.first;
      if (id === null) return;
      this.start(id);
    }
  }

  private start(id: string): void {
    const { context } = coreIn(this.state, id);
    const spec = this.catalog.core(id);
    if (spec === undefined) {
      const message = `the core "${id}" is not in the catalog any more`;
      this.emit({
        type: 'CoreFailed',
        core: id,
        fault: { type: 'manifestError', detail: 'coreMissing', message },
        voided: [],
      });
      this.settleFailed(id);
      return;
    }
    this.emit({
      type: 'CoreStarted',
      core: id,
      ticket: context.ticket + 1,
      revision: spec.revision,
      bytesTotal: spec.sizeBytes,
      keepsStaged: context.revision === spec.revision,
    });
  }
}
