import { setFlagsFromString } from 'node:v8';
import { run } from './program.js';

// A thousand small files leave much behind that is soon nobody's: a young generation that grows at once is swept less often, and less of it is
// carried along. The old one is small: to mark it at once takes milliseconds, but marked in steps and by other threads, again and again for the
// sake of what hangs on it, it cost a second for each gigabyte.
setFlagsFromString('--semi-space-growth-factor=4');
setFlagsFromString('--no-incremental-marking');
// A command is over before much of it would be worth optimizing, which was a fifth of the CPU of a thousand small files. Since V8 12 there is a
// cheaper compiler in between, and no such flag.
if (Number.parseInt(process.versions.v8, 10) < 12) setFlagsFromString('--interrupt-budget=500000');

process.exit(await run(process.argv.slice(2), process.env));
