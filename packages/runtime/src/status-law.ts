import { Catalog, coreStatus, demandOn, type Status, voiceStatus } from '@lading/core';
import type { Moment } from './moment.js';
import { outcome, type RecordLaw } from './record-law.js';

/** Something that holds of everything that is ever shown of an asset, whether it is live or retold. */
export interface StatusLaw {
  readonly name: string;
  /** A string says what is wrong. */
  readonly judge: (status: Status) => string | null;
}

const NEEDS_REASON: ReadonlySet<Status['phase']> = new Set([
  'paused',
  'failed',
  'backingOff',
  'queued',
  'unavailable',
  'waiting',
]);

export const STATUS_LAWS: readonly StatusLaw[] = [
  {
    name: 'nothing that does not move is without a reason',
    judge: ({ id, phase, reason }) =>
      NEEDS_REASON.has(phase) && reason === null ? `${id} is ${phase} and does not say why` : null,
  },
  {
    name: 'whatever failed names its fault and a remedy',
    judge: ({ id, phase, fault, remedy }) =>
      phase === 'failed' && (fault === null || remedy === null) ? `${id} failed, and nobody knows of what` : null,
  },
  {
    name: 'progress is a number between nothing and all',
    judge: ({ id, bytesDone, bytesTotal }) =>
      bytesDone >= 0 && bytesDone <= bytesTotal ? null : `${id} has ${bytesDone} of ${bytesTotal} bytes`,
  },
];

const nothing = Catalog.empty();
const told = new WeakMap<Moment, readonly Status[]>();

/** The statuses that a record may have changed: of what it touches, and of the voices over that. Computed once for all laws. */
function changedIn(moment: Moment): readonly Status[] {
  const known = told.get(moment);
  if (known !== undefined) return known;
  const { after, touched } = moment;
  const cores = touched.filter((id) => after.cores.has(id));
  const voices = new Set([
    ...touched.filter((id) => after.voices.has(id)),
    ...cores.flatMap((id) => [...demandOn(after, id).holders.keys()]),
  ]);
  const statuses = [
    ...cores.map((id) => coreStatus(after, nothing, id)),
    ...[...voices].map((id) => voiceStatus(after, nothing, id)),
  ];
  told.set(moment, statuses);
  return statuses;
}

/** The same law about a history: a journal knows all of a status but what flows right now. */
export const retold = ({ name, judge }: StatusLaw): RecordLaw =>
  outcome(name, () => (moment) => {
    for (const status of changedIn(moment)) {
      const word = judge(status);
      if (word !== null) return word;
    }
    return null;
  });
