// `npm start -- ARGS`: installs and builds what is missing, then becomes `lading ARGS`; without arguments, `lading demo`.
// What installing and building have to say goes to stderr, so that stdout belongs to the command alone.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const main = fileURLToPath(new URL('dist/main.js', import.meta.url));
// npm starts scripts in the workspace root; paths among the arguments are meant from where the person stands.
const cwd = process.env['INIT_CWD'] ?? process.cwd();
const args = process.argv.slice(2);

/** A terminal sends Ctrl-C to everyone in it; without one, a signal reaches only us. */
const inTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Waits for a child's end and gives its exit code; signals that reach us meanwhile go to `onSignal`. */
function ended(child, onSignal) {
  return new Promise((resolve, reject) => {
    for (const name of signals) process.on(name, onSignal);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      for (const name of signals) process.off(name, onSignal);
      resolve(code ?? 128 + constants.signals[signal]);
    });
  });
}

/** Runs one npm script silently; what it said is shown only when it failed. A signal ends it with all that it started. */
async function prepare(...script) {
  const posix = process.platform !== 'win32';
  const child = spawn('npm', ['run', '--silent', ...script], {
    cwd: root,
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: posix,
    shell: !posix,
  });
  const said = [];
  child.stdout.on('data', (bytes) => said.push(bytes));
  child.stderr.on('data', (bytes) => said.push(bytes));
  const code = await ended(child, (signal) => {
    if (posix) process.kill(-child.pid, 'SIGTERM');
    process.exit(128 + constants.signals[signal]);
  });
  if (code === 0) return;
  process.stderr.write(Buffer.concat(said));
  process.exit(code);
}

if (!existsSync(main)) process.stderr.write('Installing and building, once …\n');
await prepare('setup');
await prepare('pnpm', '--', 'run', '--silent', 'build');

const command = spawn(process.execPath, [main, ...(args.length > 0 ? args : ['demo'])], { cwd, stdio: 'inherit' });
process.exit(
  // The command alone decides when to stop. In a terminal it has Ctrl-C already, and a second one would mean "at once".
  await ended(command, (signal) => {
    if (signal !== 'SIGINT' || !inTerminal) command.kill(signal);
  }),
);
