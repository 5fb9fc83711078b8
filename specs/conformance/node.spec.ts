/** Node's disk, network, processes and timers, held against what the ports promise. */
import { rm } from 'node:fs/promises';
import { systemClock } from '@lading/node';
import { afterAll, beforeAll } from 'vitest';
import { clockConformance } from './clock.js';
import { fetcherConformance } from './fetcher.js';
import { journalConformance } from './journal.js';
import { leaseConformance } from './lease.js';
import { lackOfSmallDisks, makeNodeJournal, makeNodeStore, nodeDiskLacks } from './node-disk.js';
import { buildCompetitor, makeNodeLease } from './node-lease.js';
import { makeNodeFetcher } from './node-network.js';
import { storeConformance } from './store.js';

const full = await lackOfSmallDisks();
if (full !== undefined && process.env['CI'] === undefined) process.stderr.write(`full disks are left out: ${full}\n`);

let program: string | null = null;
beforeAll(async () => {
  program = await buildCompetitor();
});
afterAll(async () => {
  if (program !== null) await rm(program, { recursive: true, force: true });
});

storeConformance('@lading/node', makeNodeStore, { ...nodeDiskLacks, ...(full === undefined ? {} : { full }) });
journalConformance('@lading/node', makeNodeJournal, nodeDiskLacks);
leaseConformance('@lading/node', () => makeNodeLease(program ?? ''));
clockConformance('@lading/node', async () => ({
  clock: systemClock,
  until: (promise) => promise,
  [Symbol.asyncDispose]: () => Promise.resolve(),
}));
fetcherConformance('@lading/node', makeNodeFetcher);
