import { assign, setup } from 'xstate';
import { lowered } from './checkpoint.js';
import { type CoreContext, durableBytes, emptyCoreContext } from './core-state.js';
import type { Effect } from './effect.js';
import type { CoreEvent } from './event.js';

/**
 * The life of one core. The table says which event leads from which phase to which, and which effect entering a phase names; everything
 * that needs a number or a judgement was settled by `decide` before the event was written.
 */
function loweredAll(durable: CoreContext['durable'], staged: Readonly<Record<string, number>>): CoreContext['durable'] {
  const kept = Object.entries(durable).flatMap(([file, checkpoint]) => {
    const less = lowered(checkpoint, staged[file] ?? 0);
    return less === null ? [] : [[file, less] as const];
  });
  return Object.fromEntries(kept);
}

function without(durable: CoreContext['durable'], voided: readonly string[]): CoreContext['durable'] {
  return voided.length === 0
    ? durable
    : Object.fromEntries(Object.entries(durable).filter(([file]) => !voided.includes(file)));
}

/** The context after an event. Total: it never throws, whatever the history holds. */
function remember(context: CoreContext, event: CoreEvent): CoreContext {
  switch (event.type) {
    case 'CoreQueued':
      return { ...context, order: event.order, priority: event.priority, retryAt: null, pauseReason: null };
    case 'CorePrioritized':
      return { ...context, priority: event.priority };
    case 'CoreStarted': {
      const started = { ...context, ticket: event.ticket, revision: event.revision, bytesTotal: event.bytesTotal };
      return event.keepsStaged ? started : { ...started, durable: {}, highWater: 0, strikes: 0 };
    }
    case 'CorePrepared':
      return { ...context, durable: loweredAll(context.durable, event.staged) };
    case 'CoreCheckpointed': {
      const durable = { ...context.durable, ...event.files };
      if (!event.isProgress) return { ...context, durable };
      return {
        ...context,
        durable,
        attempt: 0,
        fault: null,
        highWater: Math.max(context.highWater, durableBytes(durable)),
      };
    }
    case 'CoreStaged': {
      const isSame = event.revision === context.revision;
      const durable = isSame ? { ...context.durable, ...event.files } : event.files;
      // Nobody fetched them: they are no progress that an attempt may be forgiven for.
      const highWater = Math.max(isSame ? context.highWater : 0, durableBytes(durable));
      return { ...context, revision: event.revision, durable, highWater, strikes: isSame ? context.strikes : 0 };
    }
    case 'CoreVerified':
      return { ...context, weak: event.weak };
    case 'CoreDownloaded':
    case 'CoreExtracted':
      return { ...context };
    case 'CoreInstalled': {
      const { revision, generation, files, weak } = event;
      const done = {
        ...emptyCoreContext(context.id),
        ticket: context.ticket,
        revision,
        bytesTotal: context.bytesTotal,
      };
      return { ...done, installed: { revision, generation, files, weak } };
    }
    case 'RetryScheduled': {
      const { attempt, strikes, at, fault } = event;
      return { ...context, attempt, strikes, retryAt: at, fault, durable: without(context.durable, event.voided) };
    }
    case 'CoreFailed':
      return { ...context, fault: event.fault, retryAt: null, durable: without(context.durable, event.voided) };
    case 'CorePaused':
      return { ...context, ticket: event.ticket, pauseReason: event.reason, fault: event.fault, retryAt: null };
    case 'CoreCancelStarted':
    case 'CoreDeletionStarted':
      return { ...context, ticket: event.ticket, retryAt: null, pauseReason: null };
    case 'CoreCancelled':
      return { ...emptyCoreContext(context.id), ticket: context.ticket, installed: context.installed };
    case 'CoreDeleted':
      return { ...emptyCoreContext(context.id), ticket: context.ticket };
    case 'CoreLost':
      return { ...context, installed: null };
    case 'CoreWoken':
      return {
        ...context,
        ticket: event.ticket,
        order: event.order,
        durable: loweredAll(context.durable, event.staged),
      };
    default:
      event satisfies never;
      return context;
  }
}

/** What was installed goes back to being staged, as far as it is good. */
function salvage(context: CoreContext, event: CoreEvent): CoreContext {
  const kept = event.type === 'CoreLost' ? event.kept : {};
  return {
    ...emptyCoreContext(context.id),
    ticket: context.ticket,
    revision: context.installed?.revision ?? null,
    durable: kept,
  };
}

/** A person asked anew: what failed before does not count against it. */
function renew(context: CoreContext, event: CoreEvent): CoreContext {
  return { ...remember(context, event), attempt: 0, strikes: 0, fault: null };
}

function effectOf(type: Exclude<Effect['type'], 'wake'>, context: CoreContext): Effect {
  return { type, core: context.id, ticket: context.ticket };
}

const blueprint = setup({
  types: {
    context: {} as CoreContext,
    events: {} as CoreEvent,
    input: {} as { id: string } | undefined,
  },
  actions: {
    remember: assign(({ context, event }) => remember(context, event)),
    renew: assign(({ context, event }) => renew(context, event)),
    salvage: assign(({ context, event }) => salvage(context, event)),
    effect: (_, _params: Effect) => undefined,
  },
  guards: {
    hasInstalled: ({ context }) => context.installed !== null,
    isArchive: ({ event }) => event.type === 'CoreVerified' && event.isArchive,
  },
});

const leave = {
  CorePaused: { target: 'paused', actions: 'remember' },
  CoreCancelStarted: { target: 'cancelling', actions: 'remember' },
  CoreDeletionStarted: { target: 'deleting', actions: 'remember' },
} as const;

const fail = {
  CoreFailed: [
    { guard: 'hasInstalled', target: 'ready', actions: 'remember' },
    { target: 'failed', actions: 'remember' },
  ],
} as const;

/** What may happen in every phase in which a job works on the core. After a wake-up the job is gone: it queues again. */
const job = {
  ...leave,
  ...fail,
  RetryScheduled: { target: 'backingOff', actions: 'remember' },
  CoreWoken: { target: 'queued', actions: 'remember' },
} as const;

const requeue = { CoreQueued: { target: 'queued', actions: 'renew' } } as const;
const reorder = { CorePrioritized: { actions: 'remember' } } as const;
/** Bytes that became durable, also when the transfer that brought them was just told to stop. */
const note = { CoreCheckpointed: { actions: 'remember' } } as const;

/** Bytes that a person brought: wherever no job is at work that may have the files open. */
const bring = { CoreStaged: { actions: 'remember' } } as const;

export const coreMachine = blueprint.createMachine({
  id: 'core',
  context: ({ input }) => emptyCoreContext(input?.id ?? ''),
  initial: 'absent',
  on: { CoreLost: { actions: 'remember' }, CoreWoken: { actions: 'remember' } },
  states: {
    absent: { on: { ...requeue, ...bring } },
    queued: {
      on: {
        ...leave,
        ...fail,
        ...reorder,
        ...note,
        ...bring,
        CoreStarted: { target: 'preparing', actions: 'remember' },
      },
    },
    preparing: {
      entry: { type: 'effect', params: ({ context }) => effectOf('prepare', context) },
      on: { ...job, ...reorder, ...note, ...bring, CorePrepared: { target: 'downloading', actions: 'remember' } },
    },
    downloading: {
      entry: { type: 'effect', params: ({ context }) => effectOf('transfer', context) },
      on: {
        ...job,
        ...reorder,
        ...note,
        CoreDownloaded: { target: 'verifying', actions: 'remember' },
      },
    },
    verifying: {
      entry: { type: 'effect', params: ({ context }) => effectOf('verify', context) },
      on: {
        ...job,
        CoreVerified: [
          { guard: 'isArchive', target: 'extracting', actions: 'remember' },
          { target: 'installing', actions: 'remember' },
        ],
      },
    },
    extracting: {
      entry: { type: 'effect', params: ({ context }) => effectOf('extract', context) },
      on: { ...job, CoreExtracted: { target: 'installing', actions: 'remember' } },
    },
    installing: {
      entry: { type: 'effect', params: ({ context }) => effectOf('publish', context) },
      on: {
        ...job,
        CoreInstalled: {
          target: 'ready',
          actions: ['remember', { type: 'effect', params: ({ context }) => effectOf('sweep', context) }],
        },
      },
    },
    ready: {
      on: {
        ...requeue,
        ...bring,
        CoreDeletionStarted: leave.CoreDeletionStarted,
        CoreLost: { target: 'absent', actions: 'salvage' },
      },
    },
    paused: {
      entry: { type: 'effect', params: ({ context }) => effectOf('stop', context) },
      on: {
        ...requeue,
        ...note,
        ...bring,
        CoreCancelStarted: leave.CoreCancelStarted,
        CoreDeletionStarted: leave.CoreDeletionStarted,
      },
    },
    backingOff: {
      entry: {
        type: 'effect',
        params: ({ context }) => ({ type: 'wake', core: context.id, ticket: context.ticket, at: context.retryAt ?? 0 }),
      },
      on: {
        ...leave,
        ...fail,
        ...reorder,
        ...bring,
        CoreQueued: { target: 'queued', actions: 'remember' },
        CoreWoken: { target: 'backingOff', reenter: true, actions: 'remember' },
      },
    },
    failed: {
      on: {
        ...requeue,
        ...bring,
        CoreCancelStarted: leave.CoreCancelStarted,
        CoreDeletionStarted: leave.CoreDeletionStarted,
      },
    },
    cancelling: {
      entry: { type: 'effect', params: ({ context }) => effectOf('discard', context) },
      on: {
        CoreCancelled: [
          { guard: 'hasInstalled', target: 'ready', actions: 'remember' },
          { target: 'absent', actions: 'remember' },
        ],
        CoreDeletionStarted: leave.CoreDeletionStarted,
        CoreWoken: { target: 'cancelling', reenter: true, actions: 'remember' },
      },
    },
    deleting: {
      entry: { type: 'effect', params: ({ context }) => effectOf('remove', context) },
      on: {
        CoreDeleted: { target: 'absent', actions: 'remember' },
        CoreWoken: { target: 'deleting', reenter: true, actions: 'remember' },
      },
    },
  },
});
