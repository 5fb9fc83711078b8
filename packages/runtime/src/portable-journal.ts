import { DEFAULT_POLICY, type DepotState, fingerprintOf, type StateImage } from '@lading/core';
import { fold, upcast } from './journal-format.js';
import type { JournalImage, JournalRecord } from './ports.js';
import type { Bounds } from './record-law.js';
import { type Private, scrubbedJournal } from './scrub.js';
import { stateText } from './state-text.js';

/**
 * A journal that can be carried to another machine: text, one line that says what it is, then one for each record. All that a replay needs is
 * in it, for events hold what the catalog said. Each line vouches for itself and all before it, so that damage is told by its place.
 */
export interface PortableHead {
  readonly format: 'lading-journal';
  readonly v: 1;
  /** Lines that follow. */
  readonly records: number;
  /** Events that there were when it ends. */
  readonly position: number;
  /** Hex sha256 of the state that it ends in. */
  readonly stateSha256: string;
  /** What its laws are judged by: the numbers of the release that wrote it. */
  readonly bounds: Bounds;
  /** The state to start from, where the beginning of the history is gone. Records before it can be told, and not folded. */
  readonly snapshot: StateImage | null;
}

export interface PortableJournal extends JournalImage {
  readonly head: PortableHead;
}

/** Hex sha256 of a text: each platform has its own. */
export type Sha256 = (text: string) => string;

/** The text is no portable journal, or not all of one, or was changed. */
export class PortableJournalDamaged extends Error {
  override readonly name = 'PortableJournalDamaged';
  constructor(
    /** Counted from 1. */
    readonly line: number,
    message: string,
  ) {
    super(`line ${line}: ${message}`);
  }
}

const chained = (before: string, json: string): string => fingerprintOf(`${before} ${json}`);

const boundsOf = ({ maxAttempts, maxStrikes, retryAfterMaxMs }: Bounds): Bounds => ({
  maxAttempts,
  maxStrikes,
  retryAfterMaxMs,
});

/** Where a journal can begin: at its beginning, or, where that is gone, at its snapshot. */
function rooted({ snapshot, records }: JournalImage): JournalImage {
  const isWhole = records.length === 0 ? snapshot === null : records[0]?.from === 0;
  return { snapshot: isWhole ? null : snapshot, records };
}

export const stateSha256 = (state: DepotState, sha256: Sha256): string => sha256(stateText(state));

/** The text of a portable journal, without what is private. */
export function writePortableJournal(
  image: JournalImage,
  hidden: Private,
  sha256: Sha256,
  bounds: Bounds = DEFAULT_POLICY,
): string {
  const { snapshot, records } = scrubbedJournal(rooted(image), hidden);
  const end = fold({ snapshot, records });
  const head: PortableHead = {
    format: 'lading-journal',
    v: 1,
    records: records.length,
    position: end.position,
    stateSha256: stateSha256(end, sha256),
    bounds: boundsOf(bounds),
    snapshot,
  };
  let check = chained('', JSON.stringify(head));
  const lines = [JSON.stringify({ ...head, check })];
  for (const record of records) {
    check = chained(check, JSON.stringify(record));
    lines.push(JSON.stringify({ ...record, check }));
  }
  return `${lines.join('\n')}\n`;
}

type Line = Readonly<Record<string, unknown>>;

function parsed(text: string, line: number, isLast: boolean): Line {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Line;
  } catch {
    throw new PortableJournalDamaged(line, isLast ? 'it ends in the middle; the file was cut' : 'this is no JSON');
  }
  throw new PortableJournalDamaged(line, 'this is no record');
}

/** Reading goes to any depth, writing does not: what nobody could have written is no record. */
function textOf(line: Line, number: number): string {
  try {
    return JSON.stringify(line);
  } catch {
    throw new PortableJournalDamaged(number, 'it is nested too deep to be a record');
  }
}

/** A line without its check, and the check that the next one builds on. */
function checked(line: Line, before: string, number: number): { readonly rest: Line; readonly check: string } {
  const { check: told, ...rest } = line;
  const check = chained(before, textOf(rest, number));
  if (told !== check) throw new PortableJournalDamaged(number, 'it was changed, or a line before it is missing');
  return { rest, check };
}

function headOf(text: string): { readonly head: PortableHead; readonly check: string } {
  const foreign = (why: string) => new PortableJournalDamaged(1, `this is no journal of Lading: ${why}`);
  if (text.trim() === '') throw foreign('it is empty');
  let line: Line;
  try {
    line = parsed(text, 1, false);
  } catch {
    throw foreign('its first line does not say so');
  }
  if (line['format'] !== 'lading-journal') throw foreign('its first line does not say so');
  if (line['v'] !== 1)
    throw new PortableJournalDamaged(1, `its format is ${JSON.stringify(line['v'])}; this release reads format 1`);
  const { rest, check } = checked(line, '', 1);
  return { head: rest as unknown as PortableHead, check };
}

/** Reads a portable journal and checks that it is whole and as it was written. Throws `PortableJournalDamaged` naming the line. */
export function readPortableJournal(text: string): PortableJournal {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const [first = '', ...others] = lines;
  const { head, check: begin } = headOf(first);
  const records: JournalRecord[] = [];
  let check = begin;
  let end: number | null = null;
  for (const [i, each] of others.entries()) {
    const number = i + 2;
    const isCut = number === lines.length && records.length + 1 <= head.records && !text.endsWith('\n');
    const line = checked(parsed(each, number, isCut), check, number);
    check = line.check;
    const record = upcastAt(line.rest, number);
    if (end !== null && record.from !== end)
      throw new PortableJournalDamaged(number, `it begins at event ${record.from}, expected ${end}`);
    end = record.from + record.events.length;
    records.push(record);
  }
  if (records.length !== head.records) {
    const where = `it ends at event ${end ?? 0} and should go on to event ${head.position}`;
    const counts = `${records.length} of ${head.records} records are here`;
    throw new PortableJournalDamaged(lines.length, `${where}; ${counts}`);
  }
  return { head, snapshot: head.snapshot, records };
}

function upcastAt(value: unknown, line: number): JournalRecord {
  try {
    return upcast(value);
  } catch (error) {
    throw new PortableJournalDamaged(line, (error as Error).message);
  }
}
