import { RECORD_LAWS, type RecordLaw } from '@lading/runtime';
import { type Law, policyOf } from './law.js';
import { BYTES_LAWS } from './laws-bytes.js';
import { LIVENESS_LAWS } from './laws-liveness.js';
import { ORDER_LAWS } from './laws-order.js';
import { OUTCOME_LAWS } from './laws-outcome.js';
import { RETRY_LAWS } from './laws-retry.js';
import { SHARING_LAWS } from './laws-sharing.js';
import { LIVE_LAWS } from './laws-status.js';

/** What holds in every history, held against each record of a world as it becomes durable. */
const lived = ({ kind, name, watch }: RecordLaw): Law => ({
  kind,
  name,
  watch: (world) => ({ record: watch(policyOf(world)) }),
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
