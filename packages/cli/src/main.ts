import { setFlagsFromString } from 'node:v8';
import { run } from './program.js';

// Each chunk of the network hangs on a tiny object, and its 64 KiB go when that is collected. A young generation that may not grow is collected
// often, which keeps a download of any size some 25 MiB smaller. The old one is small: to mark it at once takes milliseconds, but marked in steps
// and by other threads, again and again for the sake of what hangs on it, it cost a second for each gigabyte.
setFlagsFromString('--semi-space-growth-factor=1');
setFlagsFromString('--no-incremental-marking');

process.exit(await run(process.argv.slice(2), process.env));
