import type { Status } from '@lading/core';
import { formatBytes, formatDuration } from './bytes.js';
import { paint } from './paint.js';
import { oneLine } from './printable.js';
import { phaseColour, statusWords } from './words.js';

export interface BarLook {
  /** Columns of the terminal. */
  readonly columns: number;
  /** Columns for the names, the same for all bars of a block. */
  readonly nameColumns: number;
  /** Wall clock, milliseconds since 1970. */
  readonly now: number;
  /** False where the terminal's characters are ASCII only. */
  readonly isUnicode: boolean;
}

const GLYPHS = { unicode: { done: '━', open: '─' }, ascii: { done: '#', open: '-' } } as const;
const LONGEST_BAR = 28;
const SHORTEST_BAR = 6;

/** Cut to so many characters, with a mark that something is missing. */
export function fitted(text: string, columns: number, ellipsis = '…'): string {
  const chars = [...text];
  if (chars.length <= columns) return text;
  return columns <= ellipsis.length
    ? chars.slice(0, Math.max(0, columns)).join('')
    : chars.slice(0, columns - ellipsis.length).join('') + ellipsis;
}

export const padded = (text: string, columns: number): string =>
  text + ' '.repeat(Math.max(0, columns - [...text].length));

const shareOf = ({ phase, bytesDone, bytesTotal }: Status): number => {
  if (bytesTotal > 0) return Math.min(1, Math.max(0, bytesDone / bytesTotal));
  return phase === 'ready' ? 1 : 0;
};

function barOf(status: Status, columns: number, isUnicode: boolean): string {
  const { done, open } = isUnicode ? GLYPHS.unicode : GLYPHS.ascii;
  const filled = Math.floor(shareOf(status) * columns);
  return paint(phaseColour(status.phase), done.repeat(filled)) + paint('dim', open.repeat(columns - filled));
}

const AMOUNT_COLUMNS = 19;
const RATE_COLUMNS = 10;
const ETA_COLUMNS = 6;
const PERCENT_COLUMNS = 4;
/** What phases in one word need; reasons take the place of rate and time left. */
const WORDS_COLUMNS = 14;
const GAP = '  ';

interface Layout {
  readonly hasAmount: boolean;
  readonly barColumns: number;
  readonly hasRate: boolean;
  readonly hasEta: boolean;
}

/** Which columns fit, by the width alone, so that all bars of a block stand under each other: bytes first, then bar, rate, time left. */
function layoutOf({ columns, nameColumns }: BarLook): Layout {
  // A line that fills the last column wraps on some terminals.
  let spare = columns - 1 - nameColumns - PERCENT_COLUMNS - WORDS_COLUMNS - 2 * GAP.length;
  const take = (wanted: number): boolean => {
    if (spare < wanted + GAP.length) return false;
    spare -= wanted + GAP.length;
    return true;
  };
  const hasAmount = take(AMOUNT_COLUMNS);
  const hasBar = take(SHORTEST_BAR);
  const hasRate = hasBar && take(RATE_COLUMNS);
  const hasEta = hasRate && take(ETA_COLUMNS);
  const barColumns = hasBar ? Math.min(LONGEST_BAR, SHORTEST_BAR + spare) : 0;
  return { hasAmount, barColumns, hasRate, hasEta };
}

/**
 * One line for one asset: name, bar, percent, bytes, rate, time left, and what is going on. Fits the width by leaving out what matters
 * least. It never wraps.
 */
export function barLine(status: Status, look: BarLook): string {
  const { columns, nameColumns, now, isUnicode } = look;
  const ellipsis = isUnicode ? '…' : '.';
  const { hasAmount, barColumns, hasRate, hasEta } = layoutOf(look);
  const name = padded(fitted(oneLine(status.id), nameColumns, ellipsis), nameColumns);
  const percent = `${Math.floor(shareOf(status) * 100)}%`.padStart(PERCENT_COLUMNS);
  const isMoving = status.phase === 'downloading';
  const { rateBytesPerSecond: rate, etaMs } = status;
  const amount = `${formatBytes(status.bytesDone)} of ${formatBytes(status.bytesTotal)}`;
  const behind = [
    percent,
    ...(hasAmount ? [padded(amount, AMOUNT_COLUMNS)] : []),
    ...(hasRate && isMoving ? [(rate === null ? '' : `${formatBytes(rate)}/s`).padStart(RATE_COLUMNS)] : []),
    ...(hasEta && isMoving ? [(etaMs === null ? '' : formatDuration(etaMs)).padStart(ETA_COLUMNS)] : []),
  ].join(GAP);
  const bar = barColumns === 0 ? '' : `${barOf(status, barColumns, isUnicode)}${GAP}`;
  const used = name.length + GAP.length + (barColumns === 0 ? 0 : barColumns + GAP.length) + behind.length;
  const left = columns - 1 - used - GAP.length;
  if (left < 1) return fitted(`${name}${GAP}${percent}`, Math.max(1, columns - 1), ellipsis);
  const words = fitted(oneLine(statusWords(status, now)), left, ellipsis);
  return `${name}${GAP}${bar}${behind}${GAP}${paint(phaseColour(status.phase), words)}`;
}
