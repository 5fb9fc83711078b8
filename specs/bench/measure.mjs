// Runs a shell command and tells what it cost: wall time, CPU of it and all its children, and the peak memory of the largest process.
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';

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

/** `{ wallS, cpuS, peakBytes, stdout }` of one run; rejects if the command fails. */
export async function measure(command) {
  // `time` of bash counts the children of the command too; it speaks on the shell's own stderr, which is kept apart from the command's.
  const script = `exec 3>&2; TIMEFORMAT='%R %U %S'; time { ${command} ; } 2>/dev/null 1>&4`;
  const child = spawn('bash', ['-c', script], { stdio: ['ignore', 'ignore', 'pipe', 'ignore', 'pipe'] });
  let times = '';
  let stdout = '';
  child.stderr.on('data', (bytes) => (times += bytes));
  child.stdio[4].on('data', (bytes) => (stdout += bytes));
  let peakBytes = 0;
  const sample = async () => {
    peakBytes = Math.max(peakBytes, await peakBelow(child.pid));
  };
  const look = setInterval(() => void sample(), 25);
  const code = await new Promise((resolve) => child.once('close', resolve));
  clearInterval(look);
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${times}`);
  const [wallS, userS, systemS] = times.trim().split(/\s+/).slice(-3).map(Number);
  return { wallS, cpuS: userS + systemS, peakBytes, stdout };
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
