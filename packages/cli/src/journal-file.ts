import { createHash } from 'node:crypto';
import { type DepotState, imageOf, type StateImage } from '@lading/core';
import { fold, type JournalRecord, upcast } from '@lading/runtime';
import { CliError } from './exit.js';

/** A history that can be carried to another machine: a line that says what it is, then one line for each record. */
export interface Exported {
  readonly format: 'lading-journal';
  readonly v: 1;
  /** Where it ends. */
  readonly position: number;
  /** Hex sha256 of the state that it ends in, so that a file that was changed is told from one that was not. */
  readonly stateSha256: string;
  /** The state to start from, where the beginning of the history is gone from the disk. */
  readonly snapshot: StateImage | null;
}

/** The same value with the home folder written as `~` in every text. */
export function withoutHome<T>(value: T, home: string): T {
  if (home.length < 2) return value;
  const shorten = (each: unknown): unknown => {
    if (typeof each === 'string') return each.replaceAll(home, '~');
    if (Array.isArray(each)) return each.map(shorten);
    if (typeof each !== 'object' || each === null) return each;
    return Object.fromEntries(Object.entries(each).map(([key, inner]) => [key, shorten(inner)]));
  };
  return shorten(value) as T;
}

const digestOf = (state: DepotState): string =>
  createHash('sha256')
    .update(JSON.stringify(imageOf(state)))
    .digest('hex');

/** The lines of an export. `state` is where the records end. */
export function exportLines(history: readonly JournalRecord[], state: DepotState, home: string): readonly string[] {
  // Records that came after the state was read belong to the next export.
  const until = history.filter((record) => record.from + record.events.length <= state.position);
  const records = withoutHome(until, home);
  const isWhole = state.position === 0 || records[0]?.from === 0;
  const snapshot = isWhole ? null : withoutHome(imageOf(state), home);
  const end = fold({ snapshot, records });
  const head: Exported = {
    format: 'lading-journal',
    v: 1,
    position: end.position,
    stateSha256: digestOf(end),
    snapshot,
  };
  return [head, ...records].map((line) => JSON.stringify(line));
}

const refused = (why: string): CliError =>
  new CliError(
    `the history does not replay: ${why}`,
    'notReplayable',
    'Export it again with `lading log --export FILE`.',
  );

function parsedLine(line: string, number: number): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw refused(`line ${number} is no JSON`);
  }
}

export interface Replayed {
  readonly records: readonly JournalRecord[];
  readonly state: DepotState;
}

/** Folds an exported history. Throws if it has a gap, was changed, or ends elsewhere than it says. */
export function replayed(text: string): Replayed {
  const [first, ...lines] = text.split('\n').filter((line) => line.trim() !== '');
  const head = parsedLine(first ?? '', 1) as Partial<Exported> | null;
  if (head?.format !== 'lading-journal' || head.v !== 1) throw refused('the first line does not say that it is one');
  try {
    const records = lines.map((line, i) => upcast(parsedLine(line, i + 2)));
    const state = fold({ snapshot: head.snapshot ?? null, records });
    if (head.position !== undefined && head.position !== state.position) {
      throw refused(`it ends at event ${state.position} and should end at ${head.position}`);
    }
    if (head.stateSha256 !== undefined && head.stateSha256 !== digestOf(state)) {
      throw refused('it ends in another state than it ended in when it was exported');
    }
    return { records, state };
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw refused(error instanceof Error ? error.message : String(error));
  }
}
