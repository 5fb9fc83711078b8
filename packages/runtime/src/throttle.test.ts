import { describe, expect, it } from 'vitest';
import type { Clock } from './ports.js';
import { Throttle } from './throttle.js';

const signal = new AbortController().signal;

/** A clock that is where one waits for. */
function clockAt(): Clock & { pass(ms: number): void } {
  let nowMs = 0;
  return {
    now: () => nowMs,
    monotonicMs: () => nowMs,
    wait: (ms) => {
      nowMs += ms;
      return Promise.resolve();
    },
    pass: (ms) => {
      nowMs += ms;
    },
  };
}

describe('a limited rate', () => {
  it.each([1, 1_000, 16_384, 65_536])('is kept within 5 % over 5 s, chunk size %i', async (chunkBytes) => {
    const rate = chunkBytes * 50;
    const clock = clockAt();
    const throttle = new Throttle(clock, rate);
    let bytes = 0;
    while (clock.monotonicMs() < 5_000) {
      await throttle.take(chunkBytes, signal);
      bytes += chunkBytes;
    }
    const average = (bytes / clock.monotonicMs()) * 1_000;
    expect(average / rate).toBeGreaterThan(0.95);
    expect(average / rate).toBeLessThan(1.05);
  });

  it('is shared: two transfers together stay below it', async () => {
    const clock = clockAt();
    const throttle = new Throttle(clock, 100_000);
    for (let i = 0; i < 100; i++) await Promise.all([throttle.take(2_500, signal), throttle.take(2_500, signal)]);
    expect((500_000 / clock.monotonicMs()) * 1_000).toBeLessThanOrEqual(105_000);
  });

  it('is not made up for by a burst after a pause', async () => {
    const clock = clockAt();
    const throttle = new Throttle(clock, 1_000);
    clock.pass(60_000);
    const begin = clock.monotonicMs();
    for (let i = 0; i < 20; i++) await throttle.take(100, signal);
    expect(clock.monotonicMs() - begin).toBeGreaterThanOrEqual(1_800);
  });

  it('ends its wait with the signal', async () => {
    const waits: AbortSignal[] = [];
    const clock: Clock = {
      now: () => 0,
      monotonicMs: () => 0,
      wait: (_, given) => {
        waits.push(given);
        return Promise.resolve();
      },
    };
    await new Throttle(clock, 1).take(10, signal);
    expect(waits).toEqual([signal]);
  });

  it('of infinity never waits', async () => {
    const clock = clockAt();
    await new Throttle(clock, Number.POSITIVE_INFINITY).take(2 ** 40, signal);
    expect(clock.monotonicMs()).toBe(0);
  });
});
