import type { DepotState, LadingEvent, Status } from '@lading/core';
import type { Moment } from '@lading/runtime';
import { paint } from './paint.js';
import { oneLine } from './printable.js';
import { eventColour, eventWords } from './timeline.js';
import { phaseColour } from './words.js';

/** Tells of what the phases beside it do not show: what went wrong, and what it brought. */
const TELLING: ReadonlySet<LadingEvent['type']> = new Set([
  'RetryScheduled',
  'CoreFailed',
  'CoreInstalled',
  'CoreStaged',
  'CoreLost',
]);

export interface PhaseChange {
  readonly id: string;
  readonly kind: 'core' | 'voice';
  readonly from: Status['phase'];
  readonly to: Status['phase'];
}

const phaseOf = (state: DepotState, kind: PhaseChange['kind'], id: string): Status['phase'] =>
  (kind === 'core' ? state.cores : state.voices).get(id)?.phase ?? 'absent';

/** Which voices and cores are in another phase after a moment than before it; voices first, for they are what people asked for. */
export function phaseChanges({ before, after, touched }: Moment): readonly PhaseChange[] {
  return (['voice', 'core'] as const).flatMap((kind) =>
    touched
      .map((id) => ({ id, kind, from: phaseOf(before, kind, id), to: phaseOf(after, kind, id) }))
      .filter(({ from, to }) => from !== to),
  );
}

/** A moment in one line: what happened, and the phases that it led to. */
export function momentWords(moment: Moment): string {
  const { events, at } = moment.record;
  const told = events.filter(({ type }, i) => i === 0 || TELLING.has(type));
  const words = told.map((event) => {
    const text = oneLine(eventWords(event, at));
    const colour = eventColour(event);
    return colour === null ? text : paint(colour, text);
  });
  const phases = phaseChanges(moment).map(({ id, to }) => `${id} ${paint(phaseColour(to), to)}`);
  return words.join('; ') + (phases.length === 0 ? '' : `${paint('dim', '  → ')}${phases.join(', ')}`);
}
