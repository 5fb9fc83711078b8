import type { Catalog } from './catalog.js';
import { decideCommand } from './decide-command.js';
import { decideReport, decideWake } from './decide-report.js';
import { Draft } from './draft.js';
import type { Effect } from './effect.js';
import type { LadingEvent } from './event.js';
import type { Command, Input, Report, Stamp, Wake } from './input.js';
import type { Policy } from './policy.js';
import type { Refusal } from './refusal.js';
import type { DepotState } from './state.js';

export interface Decision {
  readonly type: 'decision';
  /** All events of one record, in order. Empty if the input changes nothing. */
  readonly events: readonly LadingEvent[];
  /** The state after them: what `evolve` makes of the same events. */
  readonly state: DepotState;
  /** What to do once the record is durable. */
  readonly effects: readonly Effect[];
}

const COMMANDS: ReadonlySet<Input['type']> = new Set([
  'download',
  'pause',
  'resume',
  'cancel',
  'retry',
  'prioritize',
  'delete',
]);
const isCommand = (input: Input): input is Command => COMMANDS.has(input.type);

/**
 * Judges one input: legality, staleness, retry policy, budgets, queue order. Pure: the same state, catalog, policy, input and stamp give the
 * same events everywhere. One input gives one record: all events for the core and for every voice it touches.
 */
export function decide(
  state: DepotState,
  catalog: Catalog,
  policy: Policy,
  input: Input,
  stamp: Stamp,
): Decision | Refusal {
  const draft = new Draft(state, catalog, policy, stamp);
  if (isCommand(input)) {
    const refusal = decideCommand(draft, input);
    if (refusal !== null) return refusal;
  } else if (input.type === 'woke') decideWake(draft, input satisfies Wake);
  else decideReport(draft, input satisfies Report);
  draft.admit();
  return { type: 'decision', events: draft.events, state: draft.state, effects: draft.effects };
}
