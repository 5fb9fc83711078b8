import type { Status } from '@lading/core';
import { barLine } from './bar.js';
import type { Block, Output } from './output.js';

const ESCAPE = '\u001b[';
const WIDEST_NAME = 32;

/** `LANG=C` says that the terminal's characters are ASCII. */
function isUnicode(env: NodeJS.ProcessEnv): boolean {
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
  return !/^(C|POSIX)$/i.test(locale);
}

/** Bars that are redrawn in place, one for each core. What has come to its end moves up and stays. */
export class Screen implements Block {
  private drawn = 0;
  private lines: readonly string[] = [];

  constructor(
    private readonly out: Output,
    private readonly env: NodeJS.ProcessEnv,
  ) {
    out.attach(this);
  }

  render(statuses: readonly Status[], now: number): void {
    const most = Math.max(1, this.out.rows - 2);
    const nameColumns = Math.min(
      WIDEST_NAME,
      Math.max(8, ...statuses.map(({ id }) => id.length)),
      Math.floor(this.out.columns / 3),
    );
    const look = { columns: this.out.columns, nameColumns, now, isUnicode: isUnicode(this.env) };
    // Where not all fit, those that move are shown.
    const shown =
      statuses.length <= most ? statuses : [...statuses].sort((a, b) => rankOf(a) - rankOf(b)).slice(0, most);
    const up = this.drawn > 0 ? `${ESCAPE}${this.drawn}A\r` : '';
    const rest = this.drawn > shown.length ? `${ESCAPE}J` : '';
    this.lines = shown.map((status) => barLine(status, look));
    this.out.draw(up + rest, this.lines);
    this.drawn = shown.length;
  }

  hide(): void {
    if (this.drawn > 0) this.out.draw(`${ESCAPE}${this.drawn}A\r${ESCAPE}J`, []);
    this.drawn = 0;
  }

  show(): void {
    this.out.draw('', this.lines);
    this.drawn = this.lines.length;
  }

  end(): void {
    this.out.attach(null);
  }
}

const ORDER: readonly Status['phase'][] = [
  'downloading',
  'verifying',
  'extracting',
  'installing',
  'backingOff',
  'preparing',
  'queued',
];

function rankOf({ phase }: Status): number {
  const rank = ORDER.indexOf(phase);
  return rank === -1 ? ORDER.length : rank;
}
