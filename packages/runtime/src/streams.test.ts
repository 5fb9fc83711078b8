import { VirtualTimeScheduler } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { Signals } from './signals.js';
import { latest, Streams } from './streams.js';

function bench() {
  const signals = new Signals();
  const scheduler = new VirtualTimeScheduler();
  const streams = new Streams(signals, scheduler);
  let value = 0;
  let reads = 0;
  const stream = streams.project(
    () => ['k'],
    () => {
      reads++;
      return value;
    },
    (a, b) => a === b,
  );
  const set = (next: number) => {
    value = next;
    signals.wake(['k']);
  };
  const at = (ms: number, act: () => void) => scheduler.schedule(act, ms);
  const listeners = () => (signals as unknown as { listeners: Map<string, unknown> }).listeners.size;
  return { scheduler, streams, stream, set, at, listeners, reads: () => reads };
}

describe('a projected stream', () => {
  it('gives the present value at once, at most ten a second after that, and never loses the last', () => {
    const { scheduler, stream, set, at } = bench();
    const seen: { ms: number; value: number }[] = [];
    stream.subscribe((value) => seen.push({ ms: scheduler.now(), value }));
    expect(seen).toEqual([{ ms: 0, value: 0 }]);
    for (let i = 1; i <= 500; i++) at(i * 7, () => set(i));
    scheduler.flush();
    expect(seen.at(-1)?.value).toBe(500);
    expect(seen.length).toBeGreaterThan(25);
    for (let i = 0; i + 1 < seen.length; i++)
      expect((seen[i + 1]?.ms ?? 0) - (seen[i]?.ms ?? 0)).toBeGreaterThanOrEqual(100);
  });

  it('says nothing when nothing changed', () => {
    const { scheduler, stream, set, at } = bench();
    const seen: number[] = [];
    stream.subscribe((value) => seen.push(value));
    for (let i = 1; i <= 10; i++) at(i * 200, () => set(7));
    scheduler.flush();
    expect(seen).toEqual([0, 7]);
  });

  it('is computed once for all who subscribe, and a late one gets the present value', () => {
    const { scheduler, stream, set, at, reads } = bench();
    const late: number[] = [];
    stream.subscribe();
    stream.subscribe();
    expect(reads()).toBe(1);
    at(200, () => set(5));
    at(400, () => stream.subscribe((value) => late.push(value)));
    scheduler.flush();
    expect(late).toEqual([5]);
    expect(reads()).toBe(2);
  });

  it('lets go of its source when the last one leaves, and is fresh for the next', () => {
    const { stream, set, listeners } = bench();
    const [one, two] = [stream.subscribe(), stream.subscribe()];
    one.unsubscribe();
    expect(listeners()).toBe(1);
    two.unsubscribe();
    expect(listeners()).toBe(0);
    set(9);
    const seen: number[] = [];
    stream.subscribe((value) => seen.push(value)).unsubscribe();
    expect(seen).toEqual([9]);
    expect(listeners()).toBe(0);
  });

  it('tells its last value and completes when the depot closes', () => {
    const { scheduler, stream, streams, set, at, listeners } = bench();
    const seen: (number | string)[] = [];
    stream.subscribe({ next: (value) => seen.push(value), complete: () => seen.push('end') });
    at(200, () => set(1));
    at(210, () => set(2));
    at(220, () => streams.close());
    scheduler.flush();
    expect(seen).toEqual([0, 1, 2, 'end']);
    expect(listeners()).toBe(0);
  });

  it('is looked at once a frame, however often it changes, and not at all while nobody may be told', () => {
    const { scheduler, stream, set, at, reads } = bench();
    stream.subscribe();
    for (let i = 1; i <= 1_000; i++) at(i, () => set(i));
    scheduler.flush();
    expect(reads()).toBeLessThanOrEqual(12);
  });
});

describe('signals', () => {
  it('wake only those who listen to what changed, once, until they ask again', () => {
    const signals = new Signals();
    let calls = 0;
    signals.once(['a', 'b', 'a'], () => calls++);
    signals.wake(['c']);
    expect(calls).toBe(0);
    signals.wake(['a', 'b']);
    expect(calls).toBe(1);
    signals.wake(['a']);
    expect(calls).toBe(1);
    const stop = signals.once(['a'], () => calls++);
    stop();
    signals.wake(['a']);
    expect(calls).toBe(1);
  });

  it('do not call one who asks again while others are called, nor one whom another has stopped', () => {
    const signals = new Signals();
    const calls: string[] = [];
    const ask = () => {
      calls.push('eager');
      if (calls.length < 9) signals.once(['a'], ask);
    };
    signals.once(['a'], ask);
    let stop: () => void = () => undefined;
    signals.once(['a'], () => stop());
    stop = signals.once(['a'], () => calls.push('stopped'));
    signals.wake(['a']);
    expect(calls).toEqual(['eager']);
    signals.wake(['a']);
    expect(calls).toEqual(['eager', 'eager']);
  });
});

describe('a stream that is iterated', () => {
  it('gives the newest value each time it is asked, not all', async () => {
    const { scheduler, stream, set, at } = bench();
    const iterator = latest(stream)[Symbol.asyncIterator]();
    expect(await iterator.next()).toEqual({ value: 0, done: false });
    for (let i = 1; i <= 5; i++) at(i * 200, () => set(i));
    scheduler.flush();
    expect(await iterator.next()).toEqual({ value: 5, done: false });
    await iterator.return();
  });

  it('ends with the signal, also while it waits for a value, and lets go of its source', async () => {
    const { stream, listeners } = bench();
    const controller = new AbortController();
    const iterator = latest(stream, controller.signal)[Symbol.asyncIterator]();
    await iterator.next();
    const waiting = iterator.next();
    expect(listeners()).toBe(1);
    controller.abort();
    expect(await waiting).toEqual({ value: undefined, done: true });
    expect(listeners()).toBe(0);
  });

  it('ends when the stream does, after its last value', async () => {
    const { scheduler, streams, stream, set } = bench();
    const seen: number[] = [];
    const reading = (async () => {
      for await (const value of latest(stream)) seen.push(value);
    })();
    await Promise.resolve();
    set(3);
    streams.close();
    scheduler.flush();
    await reading;
    expect(seen.at(-1)).toBe(3);
  });
});
