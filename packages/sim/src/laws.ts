import { RECORD_LAWS, type RecordLaw, Retelling } from '@lading/runtime';
import { type Law, policyOf } from './law.js';
import { BYTES_LAWS } from './laws-bytes.js';
import { LIVENESS_LAWS } from './laws-liveness.js';
import { ORDER_LAWS } from './laws-order.js';
import { OUTCOME_LAWS } from './laws-outcome.js';
import { RETRY_LAWS } from './laws-retry.js';
import { SHARING_LAWS } from './laws-sharing.js';
import { LIVE_LAWS } from './laws-status.js';

/**
 * What holds in every history, held against each record of a world as it becomes durable. Who opens a depot may find records that nobody had
 * acknowledged: then the law is told the history anew, with them.
 */
const lived = ({ kind, name, watch }: RecordLaw): Law => ({
  kind,
  name,
  watch: (world) => {
    let judge = watch(policyOf(world));
    let known = 0;
    return {
      record: (moment) => {
        known++;
        return judge(moment);
      },
      loaded: ({ image: { snapshot, records } }) => {
        if (snapshot !== null || records.length <= known) return null;
        known = records.length;
        judge = watch(policyOf(world));
        const retelling = new Retelling();
        return records.map((record) => judge(retelling.tell(record))).find((breach) => breach !== null) ?? null;
      },
    };
  },
});

/** Everything that holds in every world. */
export const LAWS: readonly Law[] = [
  ...RECORD_LAWS.map(lived),
  ...OUTCOME_LAWS,
  ...SHARING_LAWS,
  ...LIVE_LAWS,
  ...BYTES_LAWS,
  ...ORDER_LAWS,
  ...RETRY_LAWS,
  ...LIVENESS_LAWS,
];
