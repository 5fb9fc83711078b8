import type { Draft } from './draft.js';
import type { Command } from './input.js';
import { type Refusal, refuse } from './refusal.js';
import { coreIn, demandOn, voiceIn } from './state.js';
import { directWish, isHolding } from './voice-state.js';

/** A wish: what the state calls a voice, and the cores it needs here. */
interface Wish {
  readonly voice: string;
  readonly cores: readonly string[];
}

/** The wishes an id stands for in the catalog: voices and bundle members, or a core asked for directly. */
function wishesOf(draft: Draft, id: string): readonly Wish[] | Refusal {
  const wishes: Wish[] = [];
  for (const voice of draft.catalog.wishesOf(id)) {
    const cores = draft.catalog.requiredCores(voice);
    if ('type' in cores) return cores;
    wishes.push({ voice: voice.id, cores: cores.map((core) => core.id) });
  }
  if (wishes.length > 0) return wishes;
  const core = draft.catalog.resolveCore(id);
  if (core !== undefined) return [{ voice: directWish(core.id), cores: [core.id] }];
  return draft.catalog.knows(id) ? draft.catalog.notHere(id) : draft.catalog.unknownId(id);
}

/** The wishes of an id that the depot knows, whether or not the catalog still does. */
function heldOf(draft: Draft, id: string): readonly string[] | Refusal {
  const { catalog, state } = draft;
  const named = catalog.wishesOf(id).map((voice) => voice.id);
  const ids = named.length > 0 ? named : [id];
  const held = ids
    .flatMap((name) => [name, directWish(catalog.resolveCore(name)?.id ?? name)])
    .filter((name) => state.voices.has(name));
  if (held.length > 0) return held;
  if (catalog.knows(id) || state.cores.has(id)) {
    return refuse('nothingToDo', `"${id}" was not asked for, so there is nothing to do`, 'Download it first.', [id]);
  }
  return catalog.unknownId(id);
}

function download(draft: Draft, id: string): Refusal | null {
  const wishes = wishesOf(draft, id);
  if ('type' in wishes) return wishes;
  // Only when all of them are asked for is it known what nobody needs any more.
  const released = wishes.flatMap((wish) => request(draft, wish));
  for (const core of released) draft.letGo(core);
  return null;
}

/** Asks for a voice; gives the cores that it needed before and does not need now. */
function request(draft: Draft, wish: Wish): readonly string[] {
  const voice = voiceIn(draft.state, wish.voice);
  const isSame = voice.context.cores.join() === wish.cores.join();
  if (voice.phase === 'ready' || voice.phase === 'waiting') {
    if (isSame) {
      for (const core of wish.cores) draft.updateIfNew(core);
      return [];
    }
    // The catalog now composes the voice of other cores: what is no longer needed is let go, what is new is fetched.
    draft.emit({ type: 'VoiceDeletionStarted', voice: wish.voice });
  }
  const before = voice.context.cores;
  draft.emit({ type: 'VoiceRequested', voice: wish.voice, cores: wish.cores });
  for (const core of wish.cores) {
    if (coreIn(draft.state, core).phase === 'failed') retryCore(draft, core);
    else draft.settleDemand(core);
    draft.updateIfNew(core);
  }
  draft.readyIfComplete(wish.voice);
  return before.filter((core) => !wish.cores.includes(core));
}

/** Puts a failed core back to work, and with it every voice that failed because of it. */
function retryCore(draft: Draft, core: string): void {
  draft.enqueue(core, coreIn(draft.state, core).context.priority);
  for (const id of demandOn(draft.state, core).wanters.keys()) {
    const voice = voiceIn(draft.state, id);
    const isHopeful = voice.context.cores.every((other) => coreIn(draft.state, other).phase !== 'failed');
    if (voice.phase === 'failed' && isHopeful)
      draft.emit({ type: 'VoiceRequested', voice: id, cores: voice.context.cores });
  }
}

function pause(draft: Draft, id: string): Refusal | null {
  const held = heldOf(draft, id);
  if ('type' in held) return held;
  const voices = held.filter((name) => ['waiting', 'failed'].includes(voiceIn(draft.state, name).phase));
  if (voices.length === 0)
    return refuse('nothingToDo', `"${id}" is not being downloaded`, 'Only a running download can be paused.', [id]);
  for (const name of voices) {
    draft.emit({ type: 'VoicePaused', voice: name, reason: 'user' });
    for (const core of voiceIn(draft.state, name).context.cores) draft.settleDemand(core);
  }
  return null;
}

function resume(draft: Draft, id: string): Refusal | null {
  const held = heldOf(draft, id);
  if ('type' in held) return held;
  const voices = held.filter((name) => voiceIn(draft.state, name).phase === 'paused');
  if (voices.length === 0)
    return refuse('nothingToDo', `"${id}" is not paused`, 'Use retry for a failed download.', [id]);
  for (const name of voices) {
    draft.emit({ type: 'VoiceResumed', voice: name });
    for (const core of voiceIn(draft.state, name).context.cores) {
      if (coreIn(draft.state, core).phase === 'failed') retryCore(draft, core);
      else draft.settleDemand(core);
    }
    draft.readyIfComplete(name);
  }
  return null;
}

function cancel(draft: Draft, id: string): Refusal | null {
  const held = heldOf(draft, id);
  if ('type' in held) return held;
  const voices = held.filter((name) =>
    ['waiting', 'paused', 'failed', 'unavailable'].includes(voiceIn(draft.state, name).phase),
  );
  if (voices.length === 0) {
    const leaving = held.some((name) => voiceIn(draft.state, name).phase === 'cancelling');
    if (leaving) return null;
    return refuse('nothingToDo', `"${id}" is not being downloaded`, 'Use delete for one that is ready.', [id]);
  }
  for (const name of voices) leave(draft, name, { type: 'VoiceCancelStarted', voice: name });
  return null;
}

function leave(
  draft: Draft,
  voice: string,
  event: { type: 'VoiceCancelStarted' | 'VoiceDeletionStarted'; voice: string },
): void {
  draft.emit(event);
  for (const core of voiceIn(draft.state, voice).context.cores) draft.letGo(core);
  draft.goneIfComplete(voice);
}

function retry(draft: Draft, id: string): Refusal | null {
  const held = heldOf(draft, id);
  if ('type' in held) return retryHeldCore(draft, id) ? null : held;
  const voices = held.filter((name) => ['failed', 'unavailable'].includes(voiceIn(draft.state, name).phase));
  const cores = voices.flatMap((name) => voiceIn(draft.state, name).context.cores);
  const waiting = cores.length === 0 ? held.flatMap((name) => voiceIn(draft.state, name).context.cores) : cores;
  // The members of a bundle may share a core: each is queued once.
  const backing = [...new Set(waiting)].filter((core) => coreIn(draft.state, core).phase === 'backingOff');
  if (voices.length === 0 && backing.length === 0) {
    // The one who asked for the core itself may have paused, while others who want it saw it fail.
    if (retryHeldCore(draft, id)) return null;
    return refuse('nothingToDo', `"${id}" has not failed`, 'Use resume for a paused download.', [id]);
  }
  for (const core of backing) draft.enqueue(core, coreIn(draft.state, core).context.priority);
  for (const name of voices) request(draft, { voice: name, cores: voiceIn(draft.state, name).context.cores });
  return null;
}

/** `retry` of a failed core by its own id: the voices that want it follow. False if there is no such core. */
function retryHeldCore(draft: Draft, id: string): boolean {
  const core = draft.catalog.resolveCore(id)?.id ?? id;
  if (coreIn(draft.state, core).phase !== 'failed' || demandOn(draft.state, core).wanters.size === 0) return false;
  retryCore(draft, core);
  return true;
}

function prioritize(draft: Draft, id: string, priority: number): Refusal | null {
  const held = heldOf(draft, id);
  if ('type' in held) return held;
  for (const name of held) {
    for (const core of voiceIn(draft.state, name).context.cores) {
      const { phase, context } = coreIn(draft.state, core);
      const canMove = phase === 'queued' || phase === 'backingOff' || phase === 'preparing' || phase === 'downloading';
      if (canMove && context.priority !== priority) draft.emit({ type: 'CorePrioritized', core, priority });
    }
  }
  return null;
}

function remove(draft: Draft, id: string, isForced: boolean): Refusal | null {
  const isVoice = draft.catalog.wishesOf(id).length > 0 || draft.state.voices.has(id);
  if (!isVoice) {
    const core = draft.catalog.resolveCore(id)?.id ?? id;
    if (draft.state.cores.has(core)) return removeCore(draft, core, isForced);
  }
  const held = heldOf(draft, id);
  if ('type' in held) {
    if (held.code === 'unknownId') return held;
    return refuse('notInstalled', `"${id}" is not installed`, 'See what is with `lading list`.', [id]);
  }
  for (const name of held) {
    if (voiceIn(draft.state, name).phase !== 'deleting')
      leave(draft, name, { type: 'VoiceDeletionStarted', voice: name });
  }
  return null;
}

function removeCore(draft: Draft, id: string, isForced: boolean): Refusal | null {
  const direct = directWish(id);
  const users = [...demandOn(draft.state, id).holders.keys()].filter((name) => name !== direct);
  const inUse = users.filter((name) => voiceIn(draft.state, name).phase !== 'unavailable');
  if (inUse.length > 0 && !isForced) {
    const names = inUse.slice(0, 5).join(', ') + (inUse.length > 5 ? ` and ${inUse.length - 5} more` : '');
    return refuse(
      'inUse',
      `the core "${id}" is used by ${names}`,
      'Delete those first, or force it: they become unavailable.',
      inUse,
    );
  }
  const { phase } = coreIn(draft.state, id);
  const wish = voiceIn(draft.state, direct).phase;
  if (isHolding(wish) || wish === 'cancelling') draft.emit({ type: 'VoiceDeletionStarted', voice: direct });
  else if (phase === 'absent')
    return refuse('notInstalled', `"${id}" is not installed`, 'See what is with `lading list`.', [id]);
  draft.settleLost(id);
  const core = coreIn(draft.state, id);
  if (core.phase !== 'absent' && core.phase !== 'deleting') {
    draft.emit({ type: 'CoreDeletionStarted', core: id, ticket: core.context.ticket + 1 });
  }
  if (draft.state.voices.has(direct)) draft.goneIfComplete(direct);
  return null;
}

/** Judges a command. Emits events into the draft, or returns why not; a refused command has emitted nothing that matters. */
export function decideCommand(draft: Draft, command: Command): Refusal | null {
  switch (command.type) {
    case 'download':
      return download(draft, command.id);
    case 'pause':
      return pause(draft, command.id);
    case 'resume':
      return resume(draft, command.id);
    case 'cancel':
      return cancel(draft, command.id);
    case 'retry':
      return retry(draft, command.id);
    case 'prioritize':
      return prioritize(draft, command.id, command.priority);
    case 'delete':
      return remove(draft, command.id, command.force);
    default:
      return command satisfies never;
  }
}
