import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Meter } from './meter.js';

function bench() {
  let nowMs = 0;
  const flows: string[] = [];
  const clock = { now: () => nowMs, monotonicMs: () => nowMs, wait: () => Promise.resolve() };
  const meter = new Meter(clock, (core) => flows.push(core));
  const pass = (ms: number) => {
    nowMs += ms;
  };
  const rate = () => meter.live('c')?.rateBytesPerSecond ?? null;
  return { meter, flows, pass, rate };
}

describe('a measured rate', () => {
  it('is withheld until it rests on half a second', () => {
    const { meter, pass, rate } = bench();
    meter.begin('c', 1);
    expect(rate()).toBeNull();
    pass(499);
    meter.add('c', 1_000_000);
    expect(rate()).toBeNull();
    pass(1);
    expect(rate()).toBeCloseTo(2_000_000, -1);
  });

  it('does not count bytes that were here before', () => {
    const { meter, pass, rate } = bench();
    meter.begin('c', 1);
    meter.reuse('c', 500_000_000);
    for (let i = 0; i < 20; i++) {
      pass(100);
      meter.add('c', 1_000);
    }
    expect(meter.live('c')?.bytes).toBe(500_020_000);
    expect(rate()).toBeCloseTo(10_000, -1);
  });

  it('follows a change of speed within its window of five seconds', () => {
    const { meter, pass, rate } = bench();
    meter.begin('c', 1);
    const flow = (seconds: number, perSecond: number) => {
      for (let i = 0; i < seconds * 10; i++) {
        pass(100);
        meter.add('c', perSecond / 10);
      }
    };
    flow(60, 1_000_000);
    expect(rate()).toBeCloseTo(1_000_000, -4);
    flow(6, 10_000);
    expect(rate()).toBeLessThan(20_000);
  });

  it('is not known in a silence, and begins anew after it', () => {
    const { meter, flows, pass, rate } = bench();
    meter.begin('c', 1);
    for (let i = 0; i < 20; i++) {
      pass(100);
      meter.add('c', 10_000);
    }
    expect(rate()).toBeCloseTo(100_000, -1);
    // Another file of the core has had its bytes just now: the core is not silent.
    meter.hush('c');
    expect(rate()).toBeCloseTo(100_000, -1);
    pass(2_000);
    flows.length = 0;
    meter.hush('c');
    expect([rate(), flows]).toEqual([null, ['c']]);
    for (let i = 0; i < 20; i++) {
      pass(100);
      meter.add('c', 2_000);
      if (i < 4) expect(rate()).toBeNull();
    }
    expect(rate()).toBeCloseTo(20_000, -1);
  });

  it('is never negative, NaN or infinite, and neither are the bytes, whatever comes or turns out void', () => {
    const step = fc.record({
      ms: fc.integer({ min: 0, max: 3_000 }),
      bytes: fc.integer({ min: -100_000, max: 100_000 }),
    });
    fc.assert(
      fc.property(fc.nat(100_000), fc.array(step, { maxLength: 60 }), (reused, steps) => {
        const { meter, pass, rate } = bench();
        meter.begin('c', 1);
        meter.reuse('c', reused);
        for (const { ms, bytes } of steps) {
          pass(ms);
          meter.add('c', bytes);
          expect(meter.live('c')?.bytes).toBeGreaterThanOrEqual(0);
          const measured = rate();
          if (measured !== null) expect(Number.isFinite(measured) && measured >= 0).toBe(true);
        }
      }),
    );
  });

  it('ends with its transfer, and begins anew with the next', () => {
    const { meter, flows, pass } = bench();
    meter.begin('c', 1);
    meter.add('c', 10);
    meter.end('c');
    expect(meter.live('c')).toBeUndefined();
    meter.add('c', 10);
    pass(1_000);
    meter.begin('c', 2);
    expect(meter.live('c')).toEqual({ ticket: 2, bytes: 0, rateBytesPerSecond: null });
    expect(flows).toEqual(['c']);
  });
});
