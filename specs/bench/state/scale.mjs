// What grows with the catalog, and what must not.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { imageOf } from '@lading/core';
import { FileJournal, openDepot } from '@lading/node';
import { cpuMs, figure, medianOf, wallMs } from './figure.mjs';
import { layOut, writeHistory } from './history.mjs';
import { catalogOf, ENGINE, fetching, Life, voiceId } from './world.mjs';

const MANY = 10_000;

async function inFolder(work) {
  const dir = await mkdtemp(join(tmpdir(), 'lading-state-'));
  try {
    return await work(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Decisions alone: no journal, no disk. */
async function decisions(catalog) {
  const bundle = await medianOf(3, () =>
    cpuMs(() => new Life(catalog, { slots: 3 }).tell({ type: 'download', id: 'all' })),
  );
  const life = fetching(catalog, MANY);
  let bytes = 0;
  const checkpoints = await medianOf(5, () =>
    cpuMs(() => {
      for (let i = 0; i < 200; i++) {
        bytes += 1_000;
        life.checkpoint(ENGINE, bytes);
      }
    }),
  );
  const shared = fetching(catalogOf({ voices: MANY, packs: false }), MANY);
  const all = await medianOf(3, () => cpuMs(() => new Life(shared.catalog, { state: shared.state }).finish(ENGINE)));
  life.finish(ENGINE);
  const next =
    (await cpuMs(() => {
      for (let i = 0; i < 500; i++) life.finish([...life.state.working.keys()][0]);
    })) / 500;
  return [
    figure('decide: a bundle of 10,000 voices with 10,001 cores', bundle, 'ms CPU', 1_000),
    figure('decide: a checkpoint of a core that 10,000 voices share', checkpoints / 200, 'ms CPU', 1),
    figure('decide: that core is installed and makes 10,000 voices ready', all, 'ms CPU'),
    figure('decide: one of 10,000 queued cores from its start to ready, and who is next', next, 'ms CPU'),
  ];
}

const requests = (catalog) =>
  inFolder(async (dir) => {
    const depot = await openDepot({ dir, catalog, concurrency: 0 });
    const cost = await cpuMs(async () => {
      const waiting = Array.from({ length: MANY }, (_, i) => depot.download(voiceId(i)).catch(() => undefined));
      while (depot.state.voices.size < MANY) await new Promise((resolve) => setImmediate(resolve));
      void waiting;
    });
    const list = await medianOf(3, () => cpuMs(() => depot.list()));
    const plan = await medianOf(3, () => cpuMs(() => depot.plan('all')));
    await depot.close();
    return [
      figure('10,000 downloads asked of an open depot at once, until all are durable', cost, 'ms CPU', 1_000),
      figure('`list()` of 10,000 voices and 10,001 cores', list, 'ms CPU'),
      figure('`plan()` of all of them', plan, 'ms CPU'),
    ];
  });

/** Opens, and closes outside the measurement. */
async function opening(dir, catalog, measured) {
  let depot = null;
  const cost = await measured(async () => {
    depot = await openDepot({ dir, catalog, concurrency: 0 });
  });
  await depot.close();
  return cost;
}

const crowded = (catalog) =>
  inFolder(async (dir) => {
    const life = new Life(catalog, { slots: 1 });
    life.tell({ type: 'woke', epoch: 1, staged: {}, missing: {} });
    life.tell({ type: 'download', id: 'all' });
    while (life.state.working.size > 0) life.finish([...life.state.working.keys()][0]);
    const journal = new FileJournal(join(dir, 'journal'), 'write');
    await journal.load();
    await journal.append(life.records);
    await journal.compact(imageOf(life.state));
    await journal.close();
    await layOut(dir, life.state);
    const cpu = await opening(dir, catalog, cpuMs);
    return [
      figure('opening with 10,000 voices ready and 10,001 cores on disk', cpu, 'ms CPU'),
      figure('the same', await opening(dir, catalog, wallMs), 'ms'),
    ];
  });

const million = () =>
  inFolder(async (dir) => {
    const catalog = catalogOf({ voices: 1_000, packs: true });
    const { tail } = await writeHistory(dir, catalog, 1_000, 1_000_000);
    const image = () => new FileJournal(join(dir, 'journal'), 'read').load();
    const load = await medianOf(5, () => cpuMs(image));
    // The first opening shortens the tail when it closes.
    const cpu = await opening(dir, catalog, cpuMs);
    return [
      figure(`reading the journal of a million events: snapshot and ${tail} events`, load, 'ms CPU'),
      figure('opening that depot, once, in a process that opened none before', cpu, 'ms CPU', 150),
    ];
  });

export async function scale() {
  const catalog = catalogOf({ voices: MANY, packs: true });
  return [
    ...(await million()),
    ...(await decisions(catalog)),
    ...(await requests(catalog)),
    ...(await crowded(catalog)),
  ];
}
