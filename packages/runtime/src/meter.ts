import type { LiveBytes } from '@lading/core';
import type { Clock } from './ports.js';

/** Window over which a rate is measured, milliseconds. */
const WINDOW_MS = 5_000;
/** A rate is withheld until it rests on this much time, milliseconds. */
const WARM_UP_MS = 500;
/** One sample per this time, milliseconds. */
const SAMPLE_MS = 100;
/** A silence of one file is one of the core only if no other file has had a byte for so long, milliseconds. */
const QUIET_MS = 1_000;

interface Flow {
  ticket: number;
  /** Bytes that were here before this transfer: they are not speed. */
  reused: number;
  received: number;
  lastByteMs: number;
  /** Nothing comes, and nobody knows when it will: there is no rate until the next bytes, which begin a window of their own. */
  isQuiet: boolean;
  samples: { at: number; received: number }[];
}

/** The side channel: bytes of running transfers, which never cross core or the journal. */
export class Meter {
  private readonly flows = new Map<string, Flow>();

  constructor(
    private readonly clock: Clock,
    private readonly onFlow: (core: string) => void,
  ) {}

  begin(core: string, ticket: number): void {
    const at = this.clock.monotonicMs();
    const samples = [{ at, received: 0 }];
    this.flows.set(core, { ticket, reused: 0, received: 0, lastByteMs: at, isQuiet: false, samples });
  }

  reuse(core: string, bytes: number): void {
    const flow = this.flows.get(core);
    if (flow !== undefined) flow.reused += bytes;
  }

  /** `bytes` is negative when bytes that had come turned out void. */
  add(core: string, bytes: number): void {
    const flow = this.flows.get(core);
    if (flow === undefined) return;
    const now = this.clock.monotonicMs();
    if (flow.isQuiet) flow.samples = [{ at: now, received: flow.received + bytes }];
    flow.isQuiet = false;
    flow.lastByteMs = now;
    flow.received += bytes;
    const last = flow.samples.at(-1);
    if (last === undefined || now - last.at >= SAMPLE_MS) {
      flow.samples.push({ at: now, received: flow.received });
      while (flow.samples.length > 2 && now - (flow.samples[1]?.at ?? now) > WINDOW_MS) flow.samples.shift();
    }
    this.onFlow(core);
  }

  /** One of the files has had no byte for some time. */
  hush(core: string): void {
    const flow = this.flows.get(core);
    if (flow === undefined || this.clock.monotonicMs() - flow.lastByteMs < QUIET_MS) return;
    flow.isQuiet = true;
    this.onFlow(core);
  }

  end(core: string): void {
    this.flows.delete(core);
  }

  readonly live = (core: string): LiveBytes | undefined => {
    const flow = this.flows.get(core);
    if (flow === undefined) return undefined;
    return {
      ticket: flow.ticket,
      bytes: Math.max(0, flow.reused + flow.received),
      rateBytesPerSecond: this.rateOf(flow),
    };
  };

  private rateOf(flow: Flow): number | null {
    const first = flow.samples[0];
    if (first === undefined || flow.isQuiet) return null;
    const elapsed = this.clock.monotonicMs() - first.at;
    const received = flow.received - first.received;
    return elapsed < WARM_UP_MS || received <= 0 ? null : (received / elapsed) * 1000;
  }
}
