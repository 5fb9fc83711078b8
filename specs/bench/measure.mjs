// Runs a shell command and tells what it cost: wall time, CPU of it and all its children, and the peak memory of the largest process.
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import process from 'node:process';

const SAMPLE_MS = 25;

const childrenOf = async (pid) =>
  (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')).trim().split(' ').filter(Boolean);

async function peakOf(pid) {
  const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/VmHWM:\s+(\d+) kB/.exec(text)?.[1] ?? 0) * 1024;
}

async function peakBelow(pid) {
  let peak = await peakOf(pid);
  for (const child of await childrenOf(pid)) peak = Math.max(peak, await peakBelow(child));
  return peak;
}

/** What bash's `time` wrote with `TIMEFORMAT='%R %U %S'`. */
export function parseTimes(text) {
  const [wallS, userS, systemS] = text.trim().split(/\s+/).map(Number);
  if (![wallS, userS, systemS].every(Number.isFinite)) throw new Error(`bash told no times, but: ${text}`);
  return { wallS, cpuS: userS + systemS };
}

/**
 * `{ wallS, cpuS, peakBytes }` of one run in `cwd`; rejects with what the command said if it fails. Without the authorities that a machine trusts besides:
 * to read them costs Node up to 80 ms at each start, whether it needs any or not.
 */
export async function measure(command, { cwd, env = {} } = {}) {
  // `time` of bash counts the children of the command too. It speaks on the shell's stderr, everything the command says goes to 3.
  const { NODE_EXTRA_CA_CERTS: _, ...environment } = process.env;
  const child = spawn('bash', ['-c', `TIMEFORMAT='%R %U %S'; time { ${command} ; } >&3 2>&3`], {
    cwd,
    env: { ...environment, ...env, LC_ALL: 'C' },
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    detached: true,
  });
  // A group of its own: if the bench is stopped, everything that the command has started goes with it.
  const endAll = () => process.kill(-child.pid, 'SIGTERM');
  process.once('exit', endAll);
  let times = '';
  let words = '';
  child.stderr.on('data', (bytes) => (times += bytes));
  child.stdio[3].on('data', (bytes) => (words += bytes));
  let peakBytes = 0;
  const sample = async () => {
    peakBytes = Math.max(peakBytes, await peakBelow(child.pid));
  };
  const look = setInterval(() => void sample(), SAMPLE_MS);
  const code = await new Promise((resolve) => child.once('close', resolve));
  process.off('exit', endAll);
  clearInterval(look);
  if (code !== 0) throw new Error(`${command}\nended with ${code}: ${words.slice(-2000)}`);
  return { ...parseTimes(times), peakBytes };
}
