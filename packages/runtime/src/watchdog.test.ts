import { DEFAULT_POLICY, retryVerdict } from '@lading/core';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FaultError } from './fault-error.js';
import { Patrol } from './patrol.js';
import type { Clock } from './ports.js';
import { Watchdog } from './watchdog.js';

const STALL_MS = 1_000;

/** The runtime's clock over vitest's: time moves only when a test moves it. */
const clock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  wait: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const giveUp = () => {
        clearTimeout(timer);
        reject(signal.reason);
      };
      const timer = setTimeout(() => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      }, ms);
      signal.addEventListener('abort', giveUp);
    }),
};

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const faultIn = (dog: Watchdog) => (dog.signal.reason instanceof FaultError ? dog.signal.reason.fault : null);

describe('a watched request', () => {
  it('that gets no head is ended after the stall time, not before', async () => {
    const dog = new Watchdog(new Patrol(clock), STALL_MS, 'a.bin');
    await vi.advanceTimersByTimeAsync(STALL_MS - 1);
    expect(dog.signal.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(faultIn(dog)).toMatchObject({ type: 'networkTimeout', detail: 'head' });
  });

  it('whose body stops is ended after the stall time since the last byte', async () => {
    const dog = new Watchdog(new Patrol(clock), STALL_MS, 'a.bin');
    await vi.advanceTimersByTimeAsync(900);
    dog.headCame();
    await vi.advanceTimersByTimeAsync(900);
    dog.bytesCame(5_000);
    await vi.advanceTimersByTimeAsync(STALL_MS - 1);
    expect(dog.signal.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(faultIn(dog)).toMatchObject({ type: 'stalled', detail: 'body' });
  });

  it('82: a machine that slept in mid-download asks for the rest, and no attempt is charged', async () => {
    const dog = new Watchdog(new Patrol(clock), 600_000, 'a.bin');
    dog.headCame();
    await vi.advanceTimersByTimeAsync(1_000);
    vi.setSystemTime(Date.now() + 20_000);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(dog.signal.aborted).toBe(false);
    vi.setSystemTime(Date.now() + 3_600_000);
    await vi.advanceTimersByTimeAsync(5_000);
    const fault = faultIn(dog);
    expect(fault).toMatchObject({ type: 'interrupted', detail: 'clockJumped' });
    const tries = { attempt: 3, strikes: 0 };
    expect(fault && retryVerdict(DEFAULT_POLICY, tries, fault, 0.5)).toMatchObject({ type: 'retry', ...tries });
  });

  it('that is silent is told of once for each silence, long before it has stalled', async () => {
    let silences = 0;
    const dog = new Watchdog(new Patrol(clock), 30_000, 'a.bin', () => silences++);
    dog.headCame();
    for (let i = 0; i < 10; i++) {
      await vi.advanceTimersByTimeAsync(1_900);
      dog.bytesCame(5_000);
    }
    expect(silences).toBe(0);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(silences).toBe(1);
    dog.bytesCame(5_000);
    await vi.advanceTimersByTimeAsync(10_000);
    expect([silences, dog.signal.aborted]).toEqual([2, false]);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(faultIn(dog)).toMatchObject({ type: 'stalled', detail: 'body' });
  });

  it('that drips one byte again and again is ended within five stall times', async () => {
    const dog = new Watchdog(new Patrol(clock), STALL_MS, 'a.bin');
    dog.headCame();
    for (let i = 0; i < 50 && !dog.signal.aborted; i++) {
      await vi.advanceTimersByTimeAsync(100);
      dog.bytesCame(1);
    }
    expect(faultIn(dog)).toMatchObject({ type: 'stalled' });
    expect(faultIn(dog)?.message).toMatch(/only \d+ bytes/);
  });

  it('that is slow but moves is never ended', async () => {
    const dog = new Watchdog(new Patrol(clock), STALL_MS, 'a.bin');
    await vi.advanceTimersByTimeAsync(STALL_MS - 100);
    dog.headCame();
    for (let i = 0; i < 500; i++) {
      await vi.advanceTimersByTimeAsync(STALL_MS - 100);
      dog.bytesCame(1_024);
    }
    expect(dog.signal.aborted).toBe(false);
    dog.stop();
  });

  it('is not blamed for the time in which nobody reads, and is watched again after it', async () => {
    const dog = new Watchdog(new Patrol(clock), STALL_MS, 'a.bin');
    dog.headCame();
    for (let i = 0; i < 5; i++) {
      await vi.advanceTimersByTimeAsync(10);
      dog.bytesCame(100);
      dog.pause();
      await vi.advanceTimersByTimeAsync(10 * STALL_MS);
      dog.resume();
    }
    expect(dog.signal.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(STALL_MS - 1);
    expect(dog.signal.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(STALL_MS);
    expect(faultIn(dog)).toMatchObject({ type: 'stalled' });
  });

  it('of which all was read leaves no timer behind and is ended neither then nor later', async () => {
    const dog = new Watchdog(new Patrol(clock), STALL_MS, 'a.bin');
    dog.headCame();
    dog.stop(true);
    expect(vi.getTimerCount()).toBe(0);
    await vi.advanceTimersByTimeAsync(20 * STALL_MS);
    expect(dog.signal.aborted).toBe(false);
  });

  it('that is over leaves no timer behind and is not ended later', async () => {
    const dog = new Watchdog(new Patrol(clock), STALL_MS, 'a.bin');
    dog.headCame();
    dog.stop();
    await vi.advanceTimersByTimeAsync(20 * STALL_MS);
    expect(dog.signal.aborted).toBe(true);
    expect(faultIn(dog)).toBe(null);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('shares its timer with all others, each of which is ended in its own time', async () => {
    const patrol = new Patrol(clock);
    const dogs: Watchdog[] = [];
    for (const stallMs of [900, 300, 1_900, 300, 600]) {
      dogs.push(new Watchdog(patrol, stallMs, 'a.bin'));
      await vi.advanceTimersByTimeAsync(10);
    }
    const ended = () => dogs.map((dog) => faultIn(dog)?.type === 'networkTimeout');
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(259);
    expect(ended()).toEqual([false, false, false, false, false]);
    await vi.advanceTimersByTimeAsync(2);
    expect(ended()).toEqual([false, true, false, false, false]);
    dogs[2]?.stop();
    await vi.advanceTimersByTimeAsync(320);
    expect(ended()).toEqual([false, true, false, true, false]);
    await vi.advanceTimersByTimeAsync(300);
    expect(ended()).toEqual([true, true, false, true, true]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('that cannot be looked at is ended, and the others are watched on', async () => {
    const patrol = new Patrol(clock);
    const broken = new Error('nobody listens');
    const first = new Watchdog(patrol, 30_000, 'a.bin', () => {
      throw broken;
    });
    const second = new Watchdog(patrol, 2_500, 'b.bin');
    await vi.advanceTimersByTimeAsync(2_499);
    expect([first.signal.reason, second.signal.aborted]).toEqual([broken, false]);
    await vi.advanceTimersByTimeAsync(1);
    expect(faultIn(second)).toMatchObject({ type: 'networkTimeout' });
    expect(vi.getTimerCount()).toBe(0);
  });
});
