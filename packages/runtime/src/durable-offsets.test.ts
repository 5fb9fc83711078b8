import { expect, it } from 'vitest';
import { Checkpoints } from './checkpoints.js';
import { DurableOffsets } from './durable-offsets.js';
import type { StagedFile } from './ports.js';
import { TRANSFER_LIMITS } from './transfer-limits.js';

const MIB = 1024 * 1024;
const turns = () => new Promise((resolve) => setImmediate(resolve));

/** No time goes by. */
const clock = { now: () => 0, monotonicMs: () => 0, wait: () => new Promise<void>(() => undefined) };

it('what is dropped while records of it wait counts as recorded no more', async () => {
  const records: number[] = [];
  const writes: (() => void)[] = [];
  const checkpoints = new Checkpoints(clock, (files) => {
    records.push(files['a']?.bytes ?? Number.NaN);
    return new Promise<void>((end) => writes.push(end));
  });
  checkpoints.sharers = 1;
  let heldBytes = 0;
  const staged = {
    get held() {
      return heldBytes === 0 ? [] : [{ from: 0, to: heldBytes }];
    },
    survivesExit: true,
    sync: () => Promise.resolve([{ from: 0, to: heldBytes }]),
    reset: () => {
      heldBytes = 0;
      return Promise.resolve();
    },
  } as unknown as StagedFile;
  const limits = { ...TRANSFER_LIMITS, aheadBytes: 64 * MIB, aheadStoredBytes: 64 * MIB };
  const identity = { validator: null, origin: 'https://assets.example' };
  const offsets = new DurableOffsets(staged, 'a', identity, checkpoints, clock, limits, []);
  offsets.join();
  for (let i = 1; i <= 5; i++) {
    heldBytes = i * 5 * MIB;
    await offsets.advance();
    await turns();
  }
  const dropped = offsets.drop('all');
  for (let i = 0; i < 5; i++) {
    writes[i]?.();
    await turns();
  }
  await dropped;
  await turns();
  expect(records).toEqual([5 * MIB, 0]);
  // Nothing is recorded and nothing held: so much may be ahead as at the beginning, and no more.
  heldBytes = 70 * MIB;
  let isFree = false;
  const next = offsets.advance().then(() => (isFree = true));
  await turns();
  expect(isFree).toBe(false);
  for (const write of writes) write();
  for (let i = 0; i < 5; i++) {
    await turns();
    writes.at(-1)?.();
  }
  await next;
});
