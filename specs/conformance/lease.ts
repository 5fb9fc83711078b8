/** The sentences of the lease: one owner at a time, who is named; the dead are replaced and the living never. */
import { FaultError, type HeldLease, type Lease } from '@lading/runtime';
import { describe, expect, it } from 'vitest';
import { rejection } from './sentence.js';

/** A process of its own (a tab, a worker) that wants the same depot. */
export interface Competitor {
  /** What a lease of its tells of the owner. */
  readonly owner: object;
  /** The epoch of the lease it got and holds, or null if it was told that there is an owner. */
  acquire(): Promise<number | null>;
  /** Ends it at once; it has no time to let go of anything. Resolves when it is dead. */
  kill(): Promise<void>;
}

export interface LeaseBench extends AsyncDisposable {
  /** One more contender of this very process. */
  lease(): Lease;
  competitor(): Promise<Competitor>;
}

export function leaseConformance(name: string, make: () => Promise<LeaseBench>): void {
  const sentence = (words: string, test: (bench: LeaseBench) => Promise<void>): void =>
    it(words, async () => {
      await using bench = await make();
      await test(bench);
    });
  const refusal = async (lease: Lease): Promise<FaultError> => {
    const error = await rejection(lease.acquire());
    if (error instanceof FaultError) return error;
    throw error;
  };
  /** All at once; the leases of those who got one. */
  const contest = async (leases: readonly Lease[]): Promise<readonly HeldLease[]> => {
    const outcomes = await Promise.allSettled(leases.map((lease) => lease.acquire()));
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ fault: { type: 'leaseHeld' } });
    return outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
  };

  describe(`the lease of ${name}`, () => {
    sentence('is given to the first who asks', async ({ lease }) => {
      const held = await lease().acquire();
      expect(held.epoch).toBeGreaterThan(0);
      expect(Number.isSafeInteger(held.epoch)).toBe(true);
    });

    sentence('is refused while another process holds it, and says who that is', async ({ lease, competitor }) => {
      const owner = await competitor();
      expect(await owner.acquire()).toBeGreaterThan(0);
      const error = await refusal(lease());
      expect(error.fault).toMatchObject({ type: 'leaseHeld', detail: 'held' });
      expect(error.fault.message.length).toBeGreaterThan(0);
      expect(error.owner).toMatchObject(owner.owner);
    });

    sentence('is refused to a second one of the same process too', async ({ lease }) => {
      const held = await lease().acquire();
      expect((await refusal(lease())).fault.type).toBe('leaseHeld');
      await held.release();
      expect((await lease().acquire()).epoch).toBeGreaterThan(0);
    });

    sentence('that is released lets the next one in', async ({ lease, competitor }) => {
      const held = await lease().acquire();
      const next = await competitor();
      expect(await next.acquire()).toBe(null);
      await held.release();
      expect(await next.acquire()).toBeGreaterThan(0);
      expect((await refusal(lease())).owner).toMatchObject(next.owner);
    });

    sentence('released twice does not take away what the next one holds', async ({ lease, competitor }) => {
      const held = await lease().acquire();
      await held.release();
      const next = await competitor();
      expect(await next.acquire()).toBeGreaterThan(0);
      await held.release();
      expect((await refusal(lease())).owner).toMatchObject(next.owner);
    });

    sentence('of a dead owner passes on, each time with a higher epoch', async ({ lease, competitor }) => {
      let epoch = 0;
      for (let death = 0; death < 3; death++) {
        const owner = await competitor();
        const got = await owner.acquire();
        expect(got).toBeGreaterThan(epoch);
        epoch = got ?? 0;
        await owner.kill();
      }
      expect((await lease().acquire()).epoch).toBeGreaterThan(epoch);
    });

    sentence('of a living owner never passes on, however often it is asked for', async ({ lease, competitor }) => {
      const owner = await competitor();
      await owner.acquire();
      for (let ask = 0; ask < 20; ask++) expect((await refusal(lease())).owner).toMatchObject(owner.owner);
      expect(await (await competitor()).acquire()).toBe(null);
    });

    sentence('goes to exactly one of many who ask at once', async ({ lease }) => {
      for (let round = 0; round < 10; round++) {
        const winners = await contest(Array.from({ length: 8 }, lease));
        expect(winners).toHaveLength(1);
        await winners[0]?.release();
      }
    });

    sentence('of a dead owner goes to exactly one of many who ask at once', async ({ lease, competitor }) => {
      for (let round = 0; round < 10; round++) {
        const owner = await competitor();
        await owner.acquire();
        await owner.kill();
        const winners = await contest(Array.from({ length: 8 }, lease));
        expect(winners).toHaveLength(1);
        await winners[0]?.release();
      }
    });

    sentence('goes to exactly one of several processes, also when its owner is dead', async ({ lease, competitor }) => {
      const dead = await competitor();
      await dead.acquire();
      const all = await Promise.all(Array.from({ length: 4 }, competitor));
      await dead.kill();
      const epochs = await Promise.all(all.map((one) => one.acquire()));
      expect(epochs.filter((epoch) => epoch !== null)).toHaveLength(1);
      const winner = all[epochs.findIndex((epoch) => epoch !== null)];
      expect((await refusal(lease())).owner).toMatchObject(winner?.owner ?? {});
    });
  });
}
