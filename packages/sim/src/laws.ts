import type { Law } from './law.js';
import { BYTES_LAWS } from './laws-bytes.js';
import { LIVENESS_LAWS } from './laws-liveness.js';
import { ORDER_LAWS } from './laws-order.js';
import { OUTCOME_LAWS } from './laws-outcome.js';
import { RETRY_LAWS } from './laws-retry.js';
import { SHARING_LAWS } from './laws-sharing.js';
import { STATUS_LAWS } from './laws-status.js';

/** Everything that holds in every world. */
export const LAWS: readonly Law[] = [
  ...OUTCOME_LAWS,
  ...SHARING_LAWS,
  ...STATUS_LAWS,
  ...BYTES_LAWS,
  ...ORDER_LAWS,
  ...RETRY_LAWS,
  ...LIVENESS_LAWS,
];
