import { EMPTY_STATE, stateOf } from '@lading/core';
import { type Moment, Retelling } from './moment.js';
import type { JournalImage } from './ports.js';
import type { Bounds, RecordLaw } from './record-law.js';
import { ORDER_LAWS } from './record-laws-order.js';
import { OUTCOME_LAWS } from './record-laws-outcome.js';
import { RETRY_LAWS } from './record-laws-retry.js';
import { retold, STATUS_LAWS } from './status-law.js';

/** All that can be said of records and of the states between them. */
export const RECORD_LAWS: readonly RecordLaw[] = [...OUTCOME_LAWS, ...ORDER_LAWS, ...RETRY_LAWS];

/** All that a history must keep to: the same, and what holds of every status on the way. */
export const JOURNAL_LAWS: readonly RecordLaw[] = [...RECORD_LAWS, ...STATUS_LAWS.map(retold)];

/** A law that a record broke. */
export interface Breach {
  readonly law: string;
  readonly message: string;
}

export interface Judged {
  readonly moment: Moment;
  readonly breaches: readonly Breach[];
}

/**
 * Tells a journal record by record and holds the laws against each. Records that the snapshot already holds are passed over. Throws where no
 * machine accepts an event: such a history did not happen.
 */
export function* replayed(
  image: JournalImage,
  bounds: Bounds,
  laws: readonly RecordLaw[] = JOURNAL_LAWS,
): Generator<Judged, void, undefined> {
  const retelling = new Retelling();
  retelling.begin(image.snapshot === null ? EMPTY_STATE : stateOf(image.snapshot));
  const watchers = laws.map(({ name, watch }) => ({ law: name, see: watch(bounds) }));
  for (const record of image.records) {
    if (record.from + record.events.length <= retelling.state.position) continue;
    const moment = retelling.tell(record);
    const breaches = watchers.flatMap(({ law, see }) => {
      const message = see(moment);
      return message === null ? [] : [{ law, message }];
    });
    yield { moment, breaches };
  }
}
