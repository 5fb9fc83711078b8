import { EXIT } from './exit.js';
import { run } from './program.js';

// If nothing is left to wait for before the end is reached, that is no success.
process.once('beforeExit', () => process.exit(EXIT.failed));
void run(process.argv.slice(2), process.env).then((exitCode) => process.exit(exitCode));
