// A process that downloads into a depot and says on stdout what it stands for: each event when it is durable, each download when it is ready.
// It does not outlive its stdin. `node downloader.mjs DIR CATALOG ID...`
import { openDepot } from '@lading/node';

const [dir, catalog, ...ids] = process.argv.slice(2);
process.stdin.on('end', () => process.exit(1)).resume();
// A pipe is written at once: what was said is with the listener before anything else happens.
const say = (word) => console.log(JSON.stringify(word));
const depot = await openDepot({ dir, catalog, retryBaseMs: 20 });
depot.events$.subscribe(({ position, event }) => say({ position, event }));
const bring = async (id) => {
  await depot.download(id);
  say({ ready: id });
};
await Promise.all(ids.map(bring));
await depot.close();
process.exit(0);
