/** Records and snapshots of a small history: every event says that the depot was opened once more. */
import { EMPTY_STATE, imageOf, replay, type StateImage } from '@lading/core';
import { fold, type JournalImage, type JournalRecord } from '@lading/runtime';

/** The record at a place of the history, one event each. */
export function recordAt(from: number): JournalRecord {
  return { v: 1, from, epoch: from, at: 1_700_000_000_000 + from, events: [{ type: 'Woken', epoch: from + 1 }] };
}

/** The first so many records. */
export const recordsTo = (count: number): readonly JournalRecord[] =>
  Array.from({ length: count }, (_, from) => recordAt(from));

/** The snapshot after so many records. */
export function imageAt(count: number): StateImage {
  return imageOf(
    replay(
      EMPTY_STATE,
      recordsTo(count).flatMap(({ events }) => events),
    ),
  );
}

/** The events that a journal tells, as a count that also proves their order: each names its own place. */
export function foldedEpoch(image: JournalImage): number {
  return fold(image).epoch;
}
