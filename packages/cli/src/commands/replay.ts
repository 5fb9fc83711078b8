import { readFile } from 'node:fs/promises';
import { text as textFrom } from 'node:stream/consumers';
import {
  Catalog,
  coreStatus,
  type DepotState,
  EMPTY_STATE,
  replay,
  type Status,
  stateOf,
  voiceStatus,
} from '@lading/core';
import {
  type Breach,
  JOURNAL_LAWS,
  type JournalRecord,
  type Moment,
  type PortableJournal,
  replayed,
  stateSha256,
} from '@lading/runtime';
import { CliError, EXIT, UsageError } from '../exit.js';
import { imported, notReplayable, sha256 } from '../journal-file.js';
import { momentWords, phaseChanges } from '../moment-words.js';
import type { Output } from '../output.js';
import { paint } from '../paint.js';
import { oneLine } from '../printable.js';
import type { Outcome, Session } from '../session.js';
import { eventWords, timeWords } from '../timeline.js';
import { plural } from '../words.js';
import { linesOf } from './status.js';

/** The columns of `12:34:56.789  123456  `. */
const INDENT = ' '.repeat(21);

/** Tells an exported history moment by moment, holds the laws against each, and shows the state that it comes to. */
export async function replayFile({ out }: Session, file: string, flags: { readonly at?: string }): Promise<Outcome> {
  const journal = imported(await textOf(file));
  const until = positionOf(flags.at, journal);
  const told = new Timeline(out);
  const { whole, rest } = cutAt(journal.records, until);
  const begin = journal.snapshot?.position ?? 0;
  for (const record of journal.records) if (endOf(record) <= begin) told.before(record);
  if (begin > 0) out.result(paint('dim', `${INDENT}what was before is known by name only: here is a snapshot`));
  const { state: last, moments, breaches } = retell(told, journal, whole);
  const state = rest === null ? last : told.part(rest, last, until);
  const hash = stateSha256(state, sha256);
  if (until === journal.head.position && hash !== journal.head.stateSha256)
    throw notReplayable('it ends in another state than it ended in when it was written');
  showState(out, state, whole.at(-1)?.at ?? 0, journal.head.position);
  const laws = JOURNAL_LAWS.length;
  out.result(
    breaches === 0
      ? paint('green', `${plural(laws, 'law')} held at every one of ${plural(moments, 'moment')}`)
      : paint(
          'red',
          `${plural(breaches, 'breach', 'breaches')} of ${plural(laws, 'law')} at ${plural(moments, 'moment')}`,
        ),
  );
  out.result(`state ${hash}`);
  const { position, cores, voices } = state;
  const counts = { position, events: journal.head.position, moments, laws, breaches, stateSha256: hash };
  return {
    exitCode: breaches === 0 ? EXIT.done : EXIT.failed,
    counts: { ...counts, cores: cores.size, voices: voices.size },
  };
}

const endOf = (record: JournalRecord): number => record.from + record.events.length;

/** The records that end at a position or before it, and the one that it lies within. */
function cutAt(
  records: readonly JournalRecord[],
  until: number,
): { whole: readonly JournalRecord[]; rest: JournalRecord | null } {
  const whole = records.filter((record) => endOf(record) <= until);
  const next = records[whole.length];
  return { whole, rest: next === undefined || next.from >= until ? null : next };
}

/** Throws if there is no such place in the history. */
function positionOf(at: string | undefined, { head, snapshot }: PortableJournal): number {
  if (at === undefined) return head.position;
  const first = snapshot?.position ?? 0;
  const position = /^\d{1,15}$/.test(at) ? Number(at) : Number.NaN;
  if (position >= first && position <= head.position) return position;
  throw new UsageError(
    `--at must be a position from ${first} to ${head.position}, not ${JSON.stringify(at)}`,
    first > 0
      ? `What was before event ${first} is gone; its snapshot is where the history begins.`
      : 'Positions count events; `lading replay` without --at shows them all.',
  );
}

/** Folds whole records, telling each. An event that no machine accepts is told with the line it stands in. */
function retell(
  told: Timeline,
  { snapshot, head, records }: PortableJournal,
  whole: readonly JournalRecord[],
): { readonly state: DepotState; readonly moments: number; readonly breaches: number } {
  let state = snapshot === null ? EMPTY_STATE : stateOf(snapshot);
  let moments = 0;
  let count = 0;
  try {
    for (const { moment, breaches } of replayed({ snapshot, records: whole }, head.bounds)) {
      state = moment.after;
      moments++;
      count += breaches.length;
      told.moment(moment, breaches);
    }
  } catch (error) {
    const line = records.findIndex((record) => record.from === state.position) + 2;
    throw notReplayable(`line ${line}: ${error instanceof Error ? error.message : String(error)}`);
  }
  return { state, moments, breaches: count };
}

/** One line a moment; the day and the owner where they change. */
class Timeline {
  private day = '';

  constructor(private readonly out: Output) {}

  private line(at: number, position: number, words: string): void {
    const [day = '', time = ''] = timeWords(at).split(' ');
    if (day !== this.day) this.out.result(paint('bold', time === '' ? day : `${day} UTC`));
    this.day = day;
    this.out.result(`${paint('dim', `${time.padEnd(12)} ${String(position).padStart(6)}`)}  ${words}`);
  }

  /** What is known only by name: the state that it changed is gone. */
  before(record: JournalRecord): void {
    const { at, epoch, events } = record;
    this.out.record('past', { position: endOf(record), at, epoch, events });
    for (const [i, event] of events.entries())
      this.line(at, record.from + i + 1, paint('dim', oneLine(eventWords(event, at))));
  }

  moment(moment: Moment, breaches: readonly Breach[]): void {
    const { record } = moment;
    const { at, epoch, events } = record;
    const position = endOf(record);
    this.out.record('moment', { position, at, epoch, events, phases: phaseChanges(moment) });
    if (!this.out.isJson) this.line(at, position, momentWords(moment));
    for (const { law, message } of breaches) {
      this.out.record('breach', { position, law, message });
      this.out.result(`${INDENT}${paint('red', `a law is broken: ${law}: ${oneLine(message)}`)}`);
    }
  }

  /** Stops within a record: its events happened at once, so no law speaks of what is between them. */
  part(record: JournalRecord, state: DepotState, until: number): DepotState {
    const { at, epoch } = record;
    const events = record.events.slice(0, until - record.from);
    this.out.record('moment', { position: until, at, epoch, events, isPart: true });
    for (const [i, event] of events.entries()) this.line(at, record.from + i + 1, oneLine(eventWords(event, at)));
    return replay(state, events);
  }
}

/** Every voice and core: where it is, why, and what might be done next. */
function showState(out: Output, state: DepotState, at: number, end: number): void {
  const catalog = Catalog.empty();
  const statuses: readonly Status[] = [
    ...[...state.voices.keys()].map((id) => voiceStatus(state, catalog, id)),
    ...[...state.cores.keys()].map((id) => coreStatus(state, catalog, id)),
  ];
  out.result();
  out.result(paint('bold', `after event ${state.position} of ${end}, owner ${state.epoch}`));
  const idColumns = Math.max(4, ...statuses.map(({ id }) => id.length));
  for (const status of statuses) {
    out.record('status', status);
    for (const line of linesOf(status, idColumns, at)) out.result(line);
    if (status.actions.length > 0) out.result(`  ${paint('dim', `may: ${status.actions.join(', ')}`)}`);
  }
  out.result();
}

/** The text of a file, or of stdin. Throws `CliError` naming the file. */
export async function textOf(file: string): Promise<string> {
  try {
    return file === '-' ? await textFrom(process.stdin) : await readFile(file, 'utf8');
  } catch (error) {
    throw new CliError(
      `cannot read ${file}: ${(error as Error).message}`,
      'filePermissions',
      'Name a file that can be read.',
    );
  }
}
