/** The simulated world, held against what the ports promise. */
import { clockConformance } from './clock.js';
import { fetcherConformance } from './fetcher.js';
import { journalConformance } from './journal.js';
import { leaseConformance } from './lease.js';
import {
  makeMemoryClock,
  makeMemoryFetcher,
  makeMemoryJournal,
  makeMemoryLease,
  makeMemoryStore,
} from './memory-bench.js';
import { storeConformance } from './store.js';

storeConformance('@lading/memory', makeMemoryStore);
journalConformance('@lading/memory', makeMemoryJournal, { reader: 'nobody only looks into a simulated world' });
leaseConformance('@lading/memory', makeMemoryLease);
clockConformance('@lading/memory', makeMemoryClock);
fetcherConformance('@lading/memory', makeMemoryFetcher, { redirects: 'the simulated network has no redirects' });
