import { setFlagsFromString } from 'node:v8';

/**
 * V8 takes what Node has compiled of its own modules only as long as its flags are those that it began with. By then most of what a download needs has
 * been loaded, and mostly the thread that hashes has begun; what comes later, as the thread of an archive, is compiled anew. Milliseconds.
 */
const BEGUN_MS = 200;

/** Makes V8 fit for moving many bytes and files, once a download is well under way. */
export function tuneSoon(): void {
  setTimeout(() => {
    // Much is left behind that is soon nobody's: a young generation that grows at once is swept less often, and less of it is carried along. The
    // old one is small: to mark it at once takes milliseconds, less than in steps and by other threads.
    setFlagsFromString('--semi-space-growth-factor=4');
    setFlagsFromString('--no-incremental-marking');
    // The command is over before much of it would be worth optimizing, which was a fifth of the CPU of a thousand small files. Since V8 12 there
    // is a cheaper compiler in between, and no such flag.
    if (Number.parseInt(process.versions.v8, 10) < 12) setFlagsFromString('--interrupt-budget=500000');
  }, BEGUN_MS).unref();
}
