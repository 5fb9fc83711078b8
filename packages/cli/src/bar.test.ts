import type { Status } from '@lading/core';
import { describe, expect, it } from 'vitest';
import { barLine, fitted } from './bar.js';
import { developed } from './paint.js';

const moving: Status = {
  id: 'demo_model',
  kind: 'core',
  phase: 'downloading',
  reason: null,
  bytesDone: 6_200_000,
  bytesTotal: 25_200_000,
  rateBytesPerSecond: 7_700_000,
  etaMs: 2_400,
  retryAt: null,
  fault: null,
  remedy: null,
  isUpdateAvailable: false,
  caveat: null,
  warnings: [],
  cores: [],
  actions: [],
};
const retrying: Status = {
  ...moving,
  phase: 'backingOff',
  rateBytesPerSecond: null,
  etaMs: null,
  retryAt: 14_000,
  fault: { type: 'interrupted', detail: 'reset', message: 'other side closed' },
};

const drawn = (status: Status, columns: number, isUnicode = true) =>
  developed(barLine(status, { columns, nameColumns: 13, now: 10_000, isUnicode }), false);

describe('a bar', () => {
  it('shows name, bar, percent, bytes, rate, time left and phase where there is room', () => {
    expect(drawn(moving, 110)).toMatch(
      /^demo_model {5}━+─+ +24% +6\.2 MB of 25\.2 MB +7\.7 MB\/s +0:03 {2}downloading$/,
    );
  });

  it('says why it does not move, and for how long', () => {
    expect(drawn(retrying, 110)).toContain('retrying in 4.0 s: connection broke');
  });

  it.each([1, 5, 12, 20, 30, 40, 50, 60, 70, 79, 80, 90, 120, 300])('stays below %i columns', (columns) => {
    for (const status of [moving, retrying])
      expect([...drawn(status, columns)].length).toBeLessThanOrEqual(Math.max(1, columns - 1));
  });

  it('leaves out the time left before the rate, the rate before the bar, the bar before the bytes', () => {
    const parts = (columns: number) => {
      const line = drawn(moving, columns);
      return [/\d:\d\d/, /\/s/, /━/, / of /].map((part) => part.test(line));
    };
    expect([110, 78, 68, 60, 40].map(parts)).toEqual([
      [true, true, true, true],
      [false, true, true, true],
      [false, false, true, true],
      [false, false, false, true],
      [false, false, false, false],
    ]);
  });

  it('stands in the same column as its neighbours, whatever they do', () => {
    const percentAt = (status: Status) => drawn(status, 100).indexOf('24%');
    expect(percentAt(retrying)).toBe(percentAt(moving));
  });

  it('is ASCII where the terminal is', () => {
    expect(drawn(moving, 110, false)).toMatch(/^[ -~]+$/);
  });

  it('carries colour only where colour is allowed', () => {
    const line = barLine(moving, { columns: 80, nameColumns: 13, now: 0, isUnicode: true });
    expect(developed(line, true)).toContain('\u001b[36m');
    expect(developed(line, false)).not.toContain('\u001b');
  });

  it('never shows more than whole nor less than nothing', () => {
    expect(drawn({ ...moving, bytesDone: 99_000_000 }, 80)).toContain('100%');
    expect(drawn({ ...moving, bytesTotal: 0 }, 80)).toContain(' 0%');
  });
});

describe('a text that is too long', () => {
  it('is cut with a mark', () => {
    expect(fitted('demo_phonemes', 6)).toBe('demo_…');
    expect(fitted('demo', 4)).toBe('demo');
  });
});
