import type { DepotState } from '@lading/core';
import { fold, type JournalImage, type JournalRecord, Retelling } from '@lading/runtime';
import type { Tell } from './observation.js';

/** What the journal has promised: its records folded a second time, apart from the depot, each as it becomes durable. */
export class Chronicle {
  private readonly retelling = new Retelling();
  /** Every record that was acknowledged as durable, and those that a recovery found beside them. */
  records: JournalRecord[] = [];

  constructor(private readonly tell: Tell) {}

  get state(): DepotState {
    return this.retelling.state;
  }

  /** Begins again from what a new owner read. */
  load(image: JournalImage): void {
    this.retelling.begin(fold(image));
    if (image.snapshot === null) this.records = [...image.records];
  }

  commit(record: JournalRecord): void {
    const moment = this.retelling.tell(record);
    this.records.push(record);
    this.tell({ type: 'record', ...moment });
  }
}
