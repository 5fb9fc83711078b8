import { run } from './program.js';

void run(process.argv.slice(2), process.env).then((exitCode) => process.exit(exitCode));
