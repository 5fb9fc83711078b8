import {
  type CoreState,
  coreIn,
  type DepotState,
  type Effect,
  EMPTY_STATE,
  evolve,
  type VoiceState,
  voiceIn,
} from '@lading/core';
import type { JournalRecord } from './ports.js';

/** A record as the laws see it: what was before, what is after, and what it makes the world do. */
export interface Moment {
  readonly record: JournalRecord;
  readonly before: DepotState;
  readonly after: DepotState;
  readonly effects: readonly Effect[];
  /** Every core and voice after it. They belong to the teller: the next moment changes them. */
  readonly cores: ReadonlyMap<string, CoreState>;
  readonly voices: ReadonlyMap<string, VoiceState>;
  /** Those that its events touch. */
  readonly touched: readonly string[];
}

/** Folds records one by one and gives a moment for each. Throws where no machine accepts an event; judges nothing else. */
export class Retelling {
  state: DepotState = EMPTY_STATE;
  private readonly cores = new Map<string, CoreState>();
  private readonly voices = new Map<string, VoiceState>();

  begin(state: DepotState): void {
    this.state = state;
    this.cores.clear();
    this.voices.clear();
    for (const [id, core] of state.cores.entries()) this.cores.set(id, core);
    for (const [id, voice] of state.voices.entries()) this.voices.set(id, voice);
  }

  tell(record: JournalRecord): Moment {
    const before = this.state;
    const effects: Effect[] = [];
    const touched = new Set<string>();
    for (const event of record.events) {
      const [next, more] = evolve(this.state, event);
      this.state = next;
      effects.push(...more);
      if ('voice' in event) touched.add(event.voice);
      else if ('core' in event) touched.add(event.core);
    }
    const { state: after, cores, voices } = this;
    for (const id of touched) {
      if (after.cores.has(id) || before.cores.has(id)) cores.set(id, coreIn(after, id));
      if (after.voices.has(id) || before.voices.has(id)) voices.set(id, voiceIn(after, id));
    }
    return { record, before, after, effects, cores, voices, touched: [...touched] };
  }
}
