/** `npm run power -- --cycles N`: cuts the power N times on each file system and tells what was acknowledged, lost and fetched twice. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { cycles: { type: 'string', default: '100' } } });
if (!/^[1-9]\d*$/.test(values.cycles)) {
  console.error(`--cycles ${values.cycles}: expected a number of power cuts, such as 100`);
  process.exit(2);
}
const root = fileURLToPath(new URL('../..', import.meta.url));
const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));
const { status } = spawnSync(process.execPath, [vitest, 'run', 'specs/power', '--disable-console-intercept'], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, LADING_POWER_CYCLES: values.cycles },
});
process.exitCode = status ?? 1;
