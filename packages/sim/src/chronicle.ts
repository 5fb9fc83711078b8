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
import { fold, type JournalImage, type JournalRecord } from '@lading/runtime';
import type { Tell } from './observation.js';

/** What the journal has promised: its records folded a second time, apart from the depot, each as it becomes durable. */
export class Chronicle {
  state: DepotState = EMPTY_STATE;
  readonly cores = new Map<string, CoreState>();
  readonly voices = new Map<string, VoiceState>();
  /** Every record that was acknowledged as durable, and those that a recovery found beside them. */
  records: JournalRecord[] = [];

  constructor(private readonly tell: Tell) {}

  /** Begins again from what a new owner read. */
  load(image: JournalImage): void {
    this.state = fold(image);
    if (image.snapshot === null) this.records = [...image.records];
    this.cores.clear();
    this.voices.clear();
    for (const [id, core] of this.state.cores.entries()) this.cores.set(id, core);
    for (const [id, voice] of this.state.voices.entries()) this.voices.set(id, voice);
  }

  commit(record: JournalRecord): void {
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
    for (const id of touched) {
      if (this.state.cores.has(id) || before.cores.has(id)) this.cores.set(id, coreIn(this.state, id));
      if (this.state.voices.has(id) || before.voices.has(id)) this.voices.set(id, voiceIn(this.state, id));
    }
    this.records.push(record);
    const { cores, voices } = this;
    this.tell({ type: 'record', record, before, after: this.state, effects, cores, voices, touched: [...touched] });
  }
}
