'use strict';
/**
 * Loaded before the command (`node -r`): begins to trace one of the two threads that do its file work, and lets it go on when that is so: that of
 * the pool, which waits for the disk, or the main one, which asks what the system answers at once. One at a time, so that its n-th call is its
 * n-th whatever the other does meanwhile; or both, where no call is counted.
 */
const { spawn } = require('node:child_process');
const { access, existsSync, readdirSync, writeSync } = require('node:fs');
const { Worker } = require('node:worker_threads');

const PATIENCE_MS = 60_000;
/** A call that nobody else makes: when it is in the trace, the tracing has begun. */
const MARK = '/lading-torture-begins';
const { outfile, args, thread } = JSON.parse(process.env.LADING_TORTURE);
delete process.env.LADING_TORTURE;

const threads = () => readdirSync('/proc/self/task');
const before = new Set(threads());
access('/', () => {});
const [worker, ...more] = threads().filter((id) => !before.has(id));
if (worker === undefined || more.length > 0) throw new Error('expected exactly one thread for file work');
const traced = { pool: [worker], main: [String(process.pid)], both: [worker, String(process.pid)] }[thread];
const whom = traced.flatMap((id) => ['-p', id]);
spawn('strace', ['-qq', '-y', '-o', outfile, ...args, ...whom], { stdio: 'ignore' }).unref();

/** Reads the trace in a thread of its own: what the main one reads would be traced, and counted. */
const begun = new Int32Array(new SharedArrayBuffer(4));
const reader = new Worker(
  `const { readFileSync } = require('node:fs');
  const { begun, mark, outfile } = require('node:worker_threads').workerData;
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    try {
      if (readFileSync(outfile, 'utf8').includes(mark)) break;
    } catch {
      // It is not there yet.
    }
    Atomics.wait(pause, 0, 0, 1);
  }
  Atomics.store(begun, 0, 1);
  Atomics.notify(begun, 0);`,
  { eval: true, execArgv: [], workerData: { begun, mark: MARK, outfile } },
);
reader.unref();
for (const end = Date.now() + PATIENCE_MS; Atomics.load(begun, 0) === 0; Atomics.wait(begun, 0, 0, 1)) {
  if (Date.now() > end) throw new Error('strace did not begin');
  access(MARK, () => {});
  existsSync(MARK);
}
// From now on it is the command's own time.
writeSync(3, '.');
