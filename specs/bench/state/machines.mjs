// One event through a machine: by XState's public `transition()`, and by the one file of ours that calls it.
import { coreMachine, stepCore } from '@lading/core';
import { Bench } from 'tinybench';
import { transition } from 'xstate';
import { figure } from './figure.mjs';
import { catalogOf, ENGINE, fetching, voiceId } from './world.mjs';

export async function machines() {
  const { state, catalog } = fetching(catalogOf({ voices: 10, packs: true }), 10);
  const core = state.cores.get(ENGINE);
  const checkpoint = {
    type: 'CoreCheckpointed',
    core: ENGINE,
    ticket: core.context.ticket,
    files: {},
    isProgress: true,
  };
  const pause = { type: 'CorePaused', core: ENGINE, ticket: core.context.ticket + 1, reason: 'user', fault: null };
  const snapshot = coreMachine.resolveState({ value: core.phase, context: core.context });
  if (!stepCore(core, pause).isAccepted || catalog.voice(voiceId(1)) === undefined)
    throw new Error('nothing was measured');
  const bench = new Bench({ time: 400 });
  bench
    .add('checkpoint, `step`', () => stepCore(core, checkpoint))
    .add('checkpoint, public `transition`', () => transition(coreMachine, snapshot, checkpoint))
    .add('change of phase, `step`', () => stepCore(core, pause))
    .add('change of phase, public `transition`', () => transition(coreMachine, snapshot, pause));
  await bench.run();
  return bench.tasks.map(({ name, result }) => figure(name, result.latency.p50 * 1000, 'µs'));
}
