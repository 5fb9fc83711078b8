// A process that opens a depot, does one thing, and dies by SIGKILL in the very moment a named event has become durable:
// after its record, before anything acts on it. `node depot-process.mjs DIR CATALOG COMMAND ID EVENT [CORE]`
import { openDepot } from '@lading/node';

const [dir, catalog, command, id, type, core] = process.argv.slice(2);
const depot = await openDepot({ dir, catalog, retryBaseMs: 5 });
depot.events$.subscribe(({ event }) => {
  if (event.type === type && (core === undefined || event.core === core)) process.kill(process.pid, 'SIGKILL');
});
await depot[command](id);
// Reached only when the event never came, which the exit code tells.
await depot.close();
