/** `npm run processes -- --deaths N`: sixty-four processes want one depot until N of them were killed while they owned it. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { deaths: { type: 'string', default: '200' } } });
if (!/^[1-9]\d*$/.test(values.deaths)) {
  console.error(`--deaths ${values.deaths}: expected a number of processes to be killed, such as 200`);
  process.exit(2);
}
const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));
const { status } = spawnSync(process.execPath, [vitest, 'run', 'specs/processes', '--disable-console-intercept'], {
  cwd: fileURLToPath(new URL('../..', import.meta.url)),
  stdio: 'inherit',
  env: { ...process.env, LADING_DEATHS: values.deaths },
});
process.exitCode = status ?? 1;
