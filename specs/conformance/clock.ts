/** The sentences of the clock: time that goes forward, waits that are never too short, and an end that is prompt. */
import type { Clock } from '@lading/runtime';
import { describe, expect, it } from 'vitest';
import { rejection } from './sentence.js';

export interface ClockBench extends AsyncDisposable {
  readonly clock: Clock;
  /** Lets time pass until the promise has settled. */
  until<T>(promise: Promise<T>): Promise<T>;
}

/** More milliseconds than the timers of browsers and Node can count: they call at once instead. */
const BEYOND_TIMERS_MS = 2 ** 31;

export function clockConformance(name: string, make: () => Promise<ClockBench>): void {
  const sentence = (words: string, test: (bench: ClockBench) => Promise<void>): void =>
    it(words, async () => {
      await using bench = await make();
      await test(bench);
    });
  const never = new AbortController().signal;

  describe(`the clock of ${name}`, () => {
    sentence('tells milliseconds since 1970', async ({ clock }) => {
      expect(clock.now()).toBeGreaterThan(Date.UTC(2020, 0, 1));
      expect(clock.now()).toBeLessThan(Date.UTC(2200, 0, 1));
    });

    sentence('never goes back', async ({ clock, until }) => {
      let before = clock.monotonicMs();
      for (let look = 0; look < 1_000; look++) {
        const now = clock.monotonicMs();
        expect(now).toBeGreaterThanOrEqual(before);
        before = now;
      }
      await until(clock.wait(3, never));
      expect(clock.monotonicMs()).toBeGreaterThan(before);
    });

    sentence('wakes nobody early', async ({ clock, until }) => {
      for (let ms = 1; ms <= 20; ms++) {
        const before = clock.monotonicMs();
        await until(clock.wait(ms, never));
        expect(clock.monotonicMs() - before).toBeGreaterThanOrEqual(ms);
      }
    });

    sentence('ends a wait of no time, or less, without being asked', async ({ clock, until }) => {
      await until(clock.wait(0, never));
      await until(clock.wait(-5, never));
    });

    sentence('wakes in the order of time, not in that of asking', async ({ clock, until }) => {
      const woken: number[] = [];
      const waits = [60, 5, 30].map((ms) => clock.wait(ms, never).then(() => woken.push(ms)));
      await until(Promise.all(waits));
      expect(woken).toEqual([5, 30, 60]);
    });

    sentence('does not take a very long wait for none', async ({ clock, until }) => {
      for (const ms of [BEYOND_TIMERS_MS, Number.POSITIVE_INFINITY]) {
        const stop = new AbortController();
        const long = clock.wait(ms, stop.signal).then(
          () => 'woken',
          () => 'stopped',
        );
        const short = clock.wait(20, never).then(() => 'short');
        expect(await until(Promise.race([long, short]))).toBe('short');
        stop.abort();
        expect(await until(long)).toBe('stopped');
      }
    });

    sentence('ends a wait when the signal says so, with the reason it gives', async ({ clock, until }) => {
      const stop = new AbortController();
      const reason = { why: 'enough' };
      const before = clock.monotonicMs();
      const waiting = rejection(clock.wait(3_600_000, stop.signal));
      await until(clock.wait(1, never));
      stop.abort(reason);
      expect(await until(waiting)).toBe(reason);
      expect(clock.monotonicMs() - before).toBeLessThan(60_000);
    });

    sentence('does not begin to wait for a signal that has spoken before', async ({ clock, until }) => {
      const reason = new Error('before');
      expect(await until(rejection(clock.wait(3_600_000, AbortSignal.abort(reason))))).toBe(reason);
      expect(await until(rejection(clock.wait(0, AbortSignal.abort(reason))))).toBe(reason);
    });

    sentence('ends only the waits of that signal', async ({ clock, until }) => {
      const stop = new AbortController();
      const other = clock.wait(10, never).then(() => 'woken');
      const stopped = rejection(clock.wait(10, stop.signal));
      stop.abort('mine');
      expect(await until(stopped)).toBe('mine');
      expect(await until(other)).toBe('woken');
    });

    sentence('has forgotten a wait that is over', async ({ clock, until }) => {
      const stop = new AbortController();
      const outcome = clock.wait(1, stop.signal).then(() => 'woken');
      expect(await until(outcome)).toBe('woken');
      stop.abort();
      expect(await outcome).toBe('woken');
    });
  });
}
