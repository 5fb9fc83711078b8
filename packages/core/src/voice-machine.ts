import { assign, setup } from 'xstate';
import type { VoiceEvent } from './event.js';
import { emptyVoiceContext, type VoiceContext } from './voice-state.js';

/**
 * The life of one wish: a voice, a model, or a core asked for directly. It has no effects of its own: its demand on cores, which follows
 * from its phase, is what moves the world.
 */
function remember(context: VoiceContext, event: VoiceEvent): VoiceContext {
  switch (event.type) {
    case 'VoiceRequested':
      return { ...context, cores: event.cores, pauseReason: null, core: null };
    case 'VoicePaused':
      return { ...context, pauseReason: event.reason };
    case 'VoiceFailed':
    case 'VoiceUnavailable':
      return { ...context, core: event.core, pauseReason: null };
    case 'VoiceReady':
    case 'VoiceResumed':
    case 'VoiceCancelStarted':
    case 'VoiceDeletionStarted':
      return { ...context, pauseReason: null, core: null };
    case 'VoiceCancelled':
    case 'VoiceDeleted':
      return emptyVoiceContext(context.id);
    default:
      event satisfies never;
      return context;
  }
}

const blueprint = setup({
  types: {
    context: {} as VoiceContext,
    events: {} as VoiceEvent,
    input: {} as { id: string } | undefined,
  },
  actions: { remember: assign(({ context, event }) => remember(context, event)) },
});

const request = { VoiceRequested: { target: 'waiting', actions: 'remember' } } as const;
const drop = { VoiceDeletionStarted: { target: 'deleting', actions: 'remember' } } as const;
const cancel = { VoiceCancelStarted: { target: 'cancelling', actions: 'remember' } } as const;
const ready = { VoiceReady: { target: 'ready', actions: 'remember' } } as const;
const lose = { VoiceUnavailable: { target: 'unavailable', actions: 'remember' } } as const;
const pause = { VoicePaused: { target: 'paused', actions: 'remember' } } as const;

export const voiceMachine = blueprint.createMachine({
  id: 'voice',
  context: ({ input }) => emptyVoiceContext(input?.id ?? ''),
  initial: 'absent',
  states: {
    absent: { on: request },
    waiting: {
      on: { ...ready, ...pause, ...cancel, ...drop, ...lose, VoiceFailed: { target: 'failed', actions: 'remember' } },
    },
    ready: { on: { ...drop, ...lose } },
    paused: {
      on: { ...request, ...cancel, ...drop, ...lose, VoiceResumed: { target: 'waiting', actions: 'remember' } },
    },
    failed: { on: { ...request, ...ready, ...pause, ...cancel, ...drop, ...lose } },
    unavailable: { on: { ...request, ...drop, ...cancel } },
    cancelling: { on: { ...request, ...drop, VoiceCancelled: { target: 'absent', actions: 'remember' } } },
    deleting: { on: { ...request, VoiceDeleted: { target: 'absent', actions: 'remember' } } },
  },
});
