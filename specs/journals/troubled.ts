/** How an origin on loopback does what a story says goes wrong. */
import {
  type Behaviour,
  dropAfter,
  flipByteAt,
  nth,
  type Rule,
  retryAfter,
  stallAfter,
  status,
} from '../origin/behaviour.js';
import type { Trouble } from './stage.js';

function behaviourOf(trouble: Trouble): Behaviour {
  switch (trouble.type) {
    case 'drop':
      return dropAfter(trouble.afterBytes);
    case 'stall':
      return stallAfter(trouble.afterBytes);
    case 'flip':
      return flipByteAt(trouble.atByte);
    case 'status':
      return trouble.retryAfterSeconds === undefined
        ? status(trouble.status)
        : retryAfter(trouble.status, trouble.retryAfterSeconds);
    default:
      return trouble satisfies never;
  }
}

/** Each for one request, in their order. */
export const rulesOf = (troubles: readonly Trouble[]): readonly Rule[] =>
  troubles.map((trouble, i) => nth(i + 1, behaviourOf(trouble)));
