/** What a store finds again after its process died, or all power was cut, at any point. */
import type { Store } from '@lading/runtime';
import { expect } from 'vitest';
import { seeded, sha256, tarOf } from './bytes.js';
import { expectRight } from './shelves.js';
import {
  bytesOf,
  install,
  LENGTHS,
  NAMES,
  type StoreBench,
  type StoreLacks,
  type StoreSentence,
  stageAll,
  stagedDigest,
  stageWhole,
} from './store-bench.js';

/** Steps within which each of these works is over; a bound, so that a bench that never lets go is found out. */
const MAX_STEPS = 400;

const MIB = 1024 * 1024;
/** So large that it may be ahead of its syncs. */
const LARGE_BYTES = 17 * MIB;

/** Tries a work on a core of its own, interrupted after 0, 1, 2 … steps, until it comes to its end. */
async function atEveryStep(
  bench: StoreBench,
  prepare: (core: string) => Promise<void>,
  work: (store: Store, core: string) => Promise<unknown>,
  check: (core: string, outcome: 'done' | 'died') => Promise<void>,
): Promise<void> {
  for (let steps = 0; steps < MAX_STEPS; steps++) {
    const core = `c${steps}`;
    await prepare(core);
    const outcome = await bench.dying(steps, (store) => work(store, core));
    await check(core, outcome);
    if (outcome === 'died') continue;
    expect(steps).toBeGreaterThan(1);
    return;
  }
  throw new Error('the work never came to its end');
}

export function storeDeath(sentence: StoreSentence, lacks: StoreLacks): void {
  sentence(lacks.death, 'at any point of a publish: all is final and right, or all is brought back', async (bench) => {
    const { store } = bench;
    let finished = 0;
    await atEveryStep(
      bench,
      (core) => stageAll(store, core),
      (mortal, core) => mortal.publish(core, 'g1', NAMES),
      async (core, outcome) => {
        const anew = bench.reopen();
        const generations = await anew.generations(core);
        if (outcome === 'done') expect(generations).toEqual(['g1']);
        if (generations.length > 0) await expectRight(anew, core, 'g1');
        finished += generations.length;
        // The event that names the generation was never written: the journal outranks the disk.
        expect(await anew.reclaim(core, null, NAMES)).toEqual(LENGTHS);
        expect(await anew.generations(core)).toEqual([]);
        for (const file of NAMES) {
          const { digest } = await stagedDigest(anew, core, file, bytesOf(file).length);
          expect(digest).toBe(await sha256(bytesOf(file)));
        }
        await anew.publish(core, 'g1', NAMES);
        await expectRight(anew, core, 'g1');
        await anew.remove(core);
        expect(await anew.residents()).toEqual([]);
      },
    );
    expect(finished).toBeGreaterThan(0);
  });

  sentence(lacks.death, 'at any point of a publish the older generation is what it was', async (bench) => {
    const { store } = bench;
    await atEveryStep(
      bench,
      async (core) => {
        await install(store, core, 'g1');
        await stageAll(store, core);
      },
      (mortal, core) => mortal.publish(core, 'g2', NAMES),
      async (core) => {
        const anew = bench.reopen();
        await expectRight(anew, core, 'g1');
        expect(await anew.reclaim(core, 'g1', NAMES)).toEqual(LENGTHS);
        expect(await anew.generations(core)).toEqual(['g1']);
        await expectRight(anew, core, 'g1');
      },
    );
  });

  sentence(lacks.death, 'at any point of a reclaim it can be done again', async (bench) => {
    const { store } = bench;
    await atEveryStep(
      bench,
      (core) => install(store, core, 'g1'),
      (mortal, core) => mortal.reclaim(core, null, NAMES),
      async (core) => {
        expect(await bench.reopen().reclaim(core, null, NAMES)).toEqual(LENGTHS);
        expect(await bench.reopen().generations(core)).toEqual([]);
      },
    );
  });

  sentence(lacks.death, 'at any point of a sweep no half generation is final', async (bench) => {
    const { store } = bench;
    await atEveryStep(
      bench,
      async (core) => {
        await install(store, core, 'g1');
        await install(store, core, 'g2');
      },
      (mortal, core) => mortal.sweep(core, 'g2'),
      async (core) => {
        const anew = bench.reopen();
        for (const generation of await anew.generations(core)) await expectRight(anew, core, generation);
        expect(await anew.generations(core)).toContain('g2');
        await anew.sweep(core, 'g2');
        expect(await anew.generations(core)).toEqual(['g2']);
        await expectRight(anew, core, 'g2');
      },
    );
  });

  sentence(
    lacks.death,
    'at any point of a removal no half generation is final, and it can be done again',
    async (bench) => {
      const { store } = bench;
      await atEveryStep(
        bench,
        async (core) => {
          await install(store, core, 'g1');
          await stageAll(store, core);
        },
        (mortal, core) => mortal.remove(core),
        async (core) => {
          const anew = bench.reopen();
          for (const generation of await anew.generations(core)) await expectRight(anew, core, generation);
          await anew.remove(core);
          expect(await anew.residents()).toEqual([]);
        },
      );
    },
  );

  sentence(lacks.death, 'at any point of unpacking nothing is final, and it can be done again', async (bench) => {
    const { store } = bench;
    const archive = tarOf(NAMES.map((name) => ({ name, bytes: bytesOf(name) })));
    const options = {
      file: 'x.tar',
      generation: 'g1',
      extractType: 'tar',
      stripComponents: 0,
      maxBytes: 1_000_000,
      maxFiles: 10,
    } as const;
    const never = new AbortController().signal;
    await atEveryStep(
      bench,
      (core) => stageWhole(store, core, 'x.tar', archive),
      (mortal, core) => mortal.extract(core, options, never),
      async (core) => {
        const anew = bench.reopen();
        expect(await anew.generations(core)).toEqual([]);
        await anew.extract(core, options, never);
        await anew.publish(core, 'g1', null);
        await expectRight(anew, core, 'g1');
      },
    );
  });

  sentence(
    lacks.death,
    'in the midst of a write the bytes before are there, and what is torn is cut',
    async (bench) => {
      const bytes = seeded(4, 3_000);
      await atEveryStep(
        bench,
        async () => undefined,
        async (mortal, core) => {
          const staged = await mortal.stage(core, 'f', { bytes: 0, sizeBytes: 3_000, algorithms: [] });
          for (let at = 0; at < 3_000; at += 1_000) await staged.write(bytes.subarray(at, at + 1_000));
          await staged.close();
        },
        async (core) => {
          const there = (await bench.reopen().reclaim(core, null, ['f']))['f'] ?? 0;
          const kept = Math.floor(there / 1_000) * 1_000;
          expect(await stagedDigest(bench.reopen(), core, 'f', kept)).toEqual({
            bytes: kept,
            digest: await sha256(bytes.subarray(0, kept)),
          });
        },
      );
    },
  );

  sentence(
    lacks.death ?? lacks.stored,
    'what was stored and never synced is held by whoever comes next',
    async (bench) => {
      const bytes = seeded(8, LARGE_BYTES);
      const options = { bytes: MIB, sizeBytes: LARGE_BYTES, algorithms: [], hasDigest: true } as const;
      const begin = async (store: Store, core: string) => {
        await stageWhole(store, core, 'f', bytes.subarray(0, MIB));
        const staged = await store.stage(core, 'f', options);
        for (let at = MIB; at < 12 * MIB; at += MIB) await staged.write(bytes.slice(at, at + MIB));
        // A hole, as another connection leaves it.
        await staged.write(bytes.slice(14 * MIB, LARGE_BYTES), 14 * MIB);
        return staged;
      };
      let found = 0;
      let steps = 0;
      await atEveryStep(
        bench,
        async () => undefined,
        async (mortal, core) => {
          const staged = await begin(mortal, core);
          await staged.close();
        },
        async (core, outcome) => {
          if (outcome === 'done') return;
          if (steps++ % 2 === 0) {
            // Without a word in the journal nobody knows whose bytes they are.
            const fresh = await bench.reopen().stage(core, 'f', { ...options, bytes: 0 });
            expect(fresh.held).toEqual([]);
            return await fresh.close();
          }
          const anew = await bench.reopen().stage(core, 'f', options);
          for (const { from, to } of anew.held)
            expect(await anew.sha256({ from, to })).toBe(await sha256(bytes.subarray(from, to)));
          if (anew.bytes > MIB) found++;
          await anew.close();
        },
      );
      expect(found).toBeGreaterThan(0);
    },
  );

  sentence(lacks.death, 'what was stored of another file of the same name is not held', async (bench) => {
    const bytes = seeded(9, LARGE_BYTES);
    await stageWhole(bench.store, 'other', 'f', seeded(10, LARGE_BYTES));
    await bench.store.publish('other', 'g1', ['f']);
    const options = { bytes: MIB, sizeBytes: LARGE_BYTES, algorithms: [], hasDigest: true } as const;
    await atEveryStep(
      bench,
      async () => undefined,
      async (mortal, core) => {
        const staged = await mortal.stage(core, 'f', { ...options, bytes: 0 });
        for (let at = 0; at < 12 * MIB; at += MIB) await staged.write(bytes.slice(at, at + MIB));
        await staged.close();
      },
      async (core) => {
        const { store } = bench;
        expect(await store.adopt(core, 'f', { core: 'other', generation: 'g1', file: 'f' })).toBe(LARGE_BYTES);
        const staged = await store.stage(core, 'f', options);
        expect(staged.held.at(-1)?.to ?? 0).toBeLessThanOrEqual(MIB);
        await staged.close();
      },
    );
  });

  sentence(lacks.powerCut, 'by a power cut what was never synced is not held', async (bench) => {
    const bytes = seeded(11, 4 * MIB);
    const options = { bytes: 0, sizeBytes: LARGE_BYTES, algorithms: [], hasDigest: true } as const;
    const staged = await bench.store.stage('c', 'f', options);
    await staged.write(bytes.slice(0, MIB));
    await staged.write(bytes.slice(3 * MIB), 3 * MIB);
    const synced = await staged.sync();
    // In between, so that the length does not tell.
    await staged.write(bytes.slice(MIB, 3 * MIB), MIB);
    await bench.cutPower();
    const anew = await bench.reopen().stage('c', 'f', { ...options, bytes: MIB, spans: synced.slice(1) });
    expect(anew.held).toEqual(synced);
    await anew.close();
  });

  sentence(lacks.powerCut, 'by a power cut what was published is there', async (bench) => {
    await install(bench.store, 'c', 'g1');
    await bench.cutPower();
    expect(await bench.reopen().generations('c')).toEqual(['g1']);
    await expectRight(bench.reopen(), 'c', 'g1');
  });

  sentence(
    lacks.powerCut,
    'by a power cut a small staged file may be gone, but is never there with other bytes',
    async (bench) => {
      const bytes = seeded(6, 3_000);
      const staged = await bench.store.stage('c', 'f', { bytes: 0, sizeBytes: 4_000, algorithms: [] });
      await staged.write(bytes);
      // Its bytes are durable now and its name may not be: whoever goes on is told what is there, and fetches the rest.
      await staged.sync();
      await bench.cutPower();
      const there = (await bench.reopen().reclaim('c', null, ['f']))['f'] ?? 0;
      expect([0, 3_000]).toContain(there);
      expect(await stagedDigest(bench.reopen(), 'c', 'f', 3_000)).toEqual({
        bytes: there,
        digest: await sha256(bytes.subarray(0, there)),
      });
      await stageWhole(bench.reopen(), 'c', 'f', bytes);
      await bench.reopen().publish('c', 'g1', ['f']);
      await bench.cutPower();
      expect(await bench.reopen().sizes('c', 'g1', ['f'])).toEqual({ f: 3_000 });
    },
  );

  sentence(lacks.powerCut, 'by a power cut what was synced of a large file is there', async (bench) => {
    const bytes = seeded(5, 1_200_000);
    const staged = await bench.store.stage('c', 'f', { bytes: 0, sizeBytes: 2_000_000, algorithms: [] });
    await staged.write(bytes.subarray(0, 1_100_000));
    await staged.sync();
    await staged.write(bytes.subarray(1_100_000));
    await bench.cutPower();
    expect(await stagedDigest(bench.reopen(), 'c', 'f', 1_100_000)).toEqual({
      bytes: 1_100_000,
      digest: await sha256(bytes.subarray(0, 1_100_000)),
    });
  });
}
