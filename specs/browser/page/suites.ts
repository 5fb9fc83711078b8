/** The suites of all ports, in a dedicated worker of a real page: there the adapter's store lives too. */
import { clockConformance } from '../../conformance/clock.js';
import { fetcherConformance } from '../../conformance/fetcher.js';
import { journalConformance } from '../../conformance/journal.js';
import { leaseConformance } from '../../conformance/lease.js';
import { storeConformance } from '../../conformance/store.js';
import './idb-journal.js';
import './opfs-store.js';
import { makeClock, makeJournal, makeLease, makeStore } from './benches.js';
import { makeFetcher } from './network-bench.js';
import { sentences } from './vitest.js';

const name = '@lading/browser';
const noPowerSwitch = 'no test can cut the power of the machine it runs on';
storeConformance(name, makeStore, {
  full: 'a page cannot set its own quota',
  failure: 'a page cannot break the disk under it',
  powerCut: noPowerSwitch,
  stored: 'a page is not told whether the machine went down meanwhile, and keeps no note',
});
journalConformance(name, makeJournal, {
  medium: 'records are entries of a database, not bytes of a file',
  failure: 'a page cannot break the disk under it',
  death: 'a transaction is whole or not there: the browser sees to it, not the adapter',
  powerCut: noPowerSwitch,
});
leaseConformance(name, makeLease);
clockConformance(name, makeClock);
fetcherConformance(name, makeFetcher, {
  secrets: 'a page sends no headers of its own',
  encoded: 'a browser decodes before anybody can look',
  tail: 'a browser drops what it has not handed over when a connection breaks',
  freshness: 'a browser that passes by its own cache asks all others to fetch anew too',
});

declare const self: {
  onmessage: ((event: MessageEvent<number | 'list'>) => Promise<void>) | null;
  postMessage(message: unknown): void;
};

self.onmessage = async ({ data }) => {
  if (data === 'list') {
    return self.postMessage(sentences.map(({ path, isSkipped }) => ({ path, isSkipped })));
  }
  try {
    await sentences[data]?.test();
    self.postMessage(null);
  } catch (error) {
    self.postMessage(error instanceof Error ? `${error.message}\n${error.stack}` : `thrown: ${String(error)}`);
  }
};
