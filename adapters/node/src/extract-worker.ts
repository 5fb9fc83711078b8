import { parentPort, workerData } from 'node:worker_threads';
import { plainError } from './archive-error.js';
import { type ExtractRequest, unpack } from './unpack.js';

/**
 * The thread in which an archive is unpacked: it takes one request, answers once, and ends. Any message means "stop".
 */
if (parentPort === null) throw new Error('extract-worker runs as a worker thread only');
const port = parentPort;
const stop = new AbortController();
port.once('message', () => stop.abort());

unpack(workerData as ExtractRequest, stop.signal)
  .then((files) => port.postMessage({ type: 'extracted', files }))
  .catch((error: unknown) => port.postMessage({ type: 'failed', error: plainError(error) }))
  .finally(() => port.unref());
