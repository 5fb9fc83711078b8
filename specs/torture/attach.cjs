'use strict';
/**
 * Loaded before the command (`node -r`): begins to trace the one thread that does its file work, and lets it go on when that is so. Only this
 * thread is traced, so that its n-th call is the n-th call for the depot whatever the main thread does meanwhile, and whatever a file's name is.
 */
const { spawn } = require('node:child_process');
const { access, readdirSync, readFileSync, writeSync } = require('node:fs');

const PATIENCE_MS = 60_000;
/** A call that nobody else makes: when it is in the trace, the tracing has begun. */
const MARK = '/lading-torture-begins';
const { outfile, args } = JSON.parse(process.env.LADING_TORTURE);
delete process.env.LADING_TORTURE;

const threads = () => readdirSync('/proc/self/task');
const before = new Set(threads());
access('/', () => {});
const [worker, ...more] = threads().filter((id) => !before.has(id));
if (worker === undefined || more.length > 0) throw new Error('expected exactly one thread for file work');
spawn('strace', ['-qq', '-y', '-o', outfile, ...args, '-p', worker], { stdio: 'ignore' }).unref();

const pause = new Int32Array(new SharedArrayBuffer(4));
const until = (what, isSo) => {
  for (const end = Date.now() + PATIENCE_MS; !isSo(); Atomics.wait(pause, 0, 0, 1)) {
    if (Date.now() > end) throw new Error(`strace did not begin: ${what}`);
  }
};
until('not attached', () => !/TracerPid:\t0/.test(readFileSync(`/proc/self/task/${worker}/status`, 'utf8')));
until('no trace', () => {
  access(MARK, () => {});
  return readFileSync(outfile, 'utf8').includes(MARK);
});
// From now on it is the command's own time.
writeSync(3, '.');
