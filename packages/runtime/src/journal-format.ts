import { BugError, type DepotState, EMPTY_STATE, replay, stateOf } from '@lading/core';
import { crc32c } from './crc32c.js';
import type { JournalImage, JournalRecord } from './ports.js';

/**
 * The journal as text: one record, one line of `length checksum json`, the length in bytes of the JSON and its CRC-32C in hex. A line that was
 * torn by a crash can be told from one that was changed: the first has nothing valid behind it.
 */
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });
const NEWLINE = 0x0a;

export class JournalCorrupt extends Error {
  override readonly name = 'JournalCorrupt';
  constructor(
    readonly offset: number,
    message: string,
  ) {
    super(message);
  }
}

export function encodeLine(value: unknown): Uint8Array {
  const json = encoder.encode(JSON.stringify(value));
  const head = encoder.encode(`${json.length} ${crc32c(json).toString(16).padStart(8, '0')} `);
  const line = new Uint8Array(head.length + json.length + 1);
  line.set(head);
  line.set(json, head.length);
  line[line.length - 1] = NEWLINE;
  return line;
}

/** The value of one line without its newline; undefined if length, checksum or JSON is wrong. */
export function decodeLine(line: Uint8Array): unknown {
  const space = line.indexOf(0x20);
  if (space < 1 || space > 9 || line[space + 9] !== 0x20) return undefined;
  const json = line.subarray(space + 10);
  const head = String.fromCharCode(...line.subarray(0, space + 9));
  if (head !== `${json.length} ${crc32c(json).toString(16).padStart(8, '0')}`) return undefined;
  try {
    return JSON.parse(decoder.decode(json));
  } catch {
    return undefined;
  }
}

/**
 * A line that is all there and yet wrong was changed, not torn: a torn write lacks its end, or has zeros where bytes never came. Its record may
 * have been acted on, so it must not be cut off in silence.
 */
function wasChanged(line: Uint8Array): boolean {
  if (line.includes(0)) return false;
  const match = /^(\d{1,9}) ([0-9a-f]{8}) /.exec(String.fromCharCode(...line.subarray(0, 20)));
  if (match === null) return false;
  const json = line.subarray(match[0].length);
  const length = Number(match[1]);
  const checksum = Number.parseInt(match[2] ?? '', 16);
  if (json.length === length || crc32c(json) === checksum) return true;
  // Two records in one line: the newline between them was changed.
  return json.length > length && crc32c(json.subarray(0, length)) === checksum;
}

export interface Lines {
  readonly values: readonly unknown[];
  /** Bytes up to the end of the last good line. */
  readonly goodBytes: number;
}

/** Reads lines. What follows the last good line is a torn tail, unless it was changed or something valid follows the tear: then it is corruption. */
export function decodeLines(bytes: Uint8Array): Lines {
  const values: unknown[] = [];
  let goodBytes = 0;
  let torn: number | null = null;
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline === -1 ? bytes.length : newline;
    const value = newline === -1 ? undefined : decodeLine(bytes.subarray(start, end));
    if (value === undefined && newline !== -1 && wasChanged(bytes.subarray(start, end))) {
      throw new JournalCorrupt(start, `the journal is damaged at byte ${start}: a record does not match its checksum`);
    }
    if (value === undefined) torn ??= start;
    else if (torn !== null)
      throw new JournalCorrupt(torn, `the journal is damaged at byte ${torn}: valid records follow`);
    else {
      values.push(value);
      goodBytes = end + 1;
    }
    start = end + 1;
  }
  return { values, goodBytes };
}

/** Turns shapes of older releases into today's. Version 1 is the first: there is nothing to turn yet, but nothing unknown passes. */
export function upcast(value: unknown): JournalRecord {
  const record = value as JournalRecord;
  const isRecord = typeof value === 'object' && value !== null && record.v === 1 && Array.isArray(record.events);
  if (!isRecord) throw new BugError(`a journal record has an unknown format: ${JSON.stringify(value)?.slice(0, 80)}`);
  return record;
}

/** The state that a journal tells. Records that the snapshot already holds are passed over; a gap or an older fence is a fault. */
export function fold(image: JournalImage): DepotState {
  let state = image.snapshot === null ? EMPTY_STATE : stateOf(image.snapshot);
  for (const record of image.records) {
    if (record.from + record.events.length <= state.position) continue;
    if (record.from !== state.position) {
      throw new JournalCorrupt(0, `the journal has a gap: expected event ${state.position}, found ${record.from}`);
    }
    if (record.epoch < state.epoch) {
      throw new JournalCorrupt(
        0,
        `event ${record.from} was written by an owner of epoch ${record.epoch} after epoch ${state.epoch} began`,
      );
    }
    state = replay(state, record.events);
  }
  return state;
}
