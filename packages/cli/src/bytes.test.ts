import { describe, expect, it } from 'vitest';
import { formatBytes, formatDuration, parseBytes } from './bytes.js';

describe('bytes', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [99_950, '100 kB'],
    [999_600, '1.0 MB'],
    [25_165_947, '25.2 MB'],
    [3_500_000_000, '3.5 GB'],
  ])('%i is shown as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it.each([
    ['1048576', 1_048_576],
    ['500k', 500_000],
    ['2.5M', 2_500_000],
    ['1G', 1_000_000_000],
    ['512KiB', 524_288],
    ['8 MiB', 8_388_608],
  ])('%s is read as %i', (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes);
  });

  it.each(['', '0', '-1', 'k', '1x', '1e9', 'NaN', '0.1', '9999999999999999G'])('%j is no size', (text) => {
    expect(parseBytes(text)).toBeNull();
  });

  it('durations are clock-like and round up', () => {
    expect([1, 59_001, 3_600_000].map(formatDuration)).toEqual(['0:01', '1:00', '1:00:00']);
  });
});
