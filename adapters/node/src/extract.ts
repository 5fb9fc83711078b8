import { Worker } from 'node:worker_threads';
import type { InstalledFile } from '@lading/core';
import { type PlainError, revivedError } from './archive-error.js';
import type { ExtractRequest } from './unpack.js';
import { workerUrl } from './worker-url.js';

export type { ExtractRequest };

type Answer =
  | { readonly type: 'extracted'; readonly files: InstalledFile[] }
  | { readonly type: 'failed'; readonly error: PlainError };

/** How long a stopped worker may take to end its child process and close its files before the thread is ended under it. */
const STOP_GRACE_MS = 300;
/** Heap of the worker. Unpacking streams; what grows are the names of 100,000 files. */
const WORKER_HEAP_MB = 192;

/**
 * Unpacks an archive into an existing empty directory, in a thread of its own, because decompression would stall everything else.
 * Promise: as `unpack`; besides, when it settles the thread has ended, so nothing is written any more.
 *
 * Rejects with `ArchiveError` (`archiveCorrupt`, `archiveUnsafe`, `archiveTooLarge`), with a file system error whose `code` and `errno`
 * are those of the failed call, or with the signal's reason. What was written until then stays for the caller to clear away.
 */
export async function extractArchive(request: ExtractRequest, signal: AbortSignal): Promise<InstalledFile[]> {
  signal.throwIfAborted();
  const worker = new Worker(workerUrl('extract-worker'), {
    workerData: request,
    name: 'lading-extract',
    // Flags of the main program (an inspector, a loader) are not meant for this thread.
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: WORKER_HEAP_MB },
  });
  let answer: Answer | null = null;
  let failure: unknown = new Error('the extraction thread ended without an answer');
  let deadline: NodeJS.Timeout | undefined;
  worker.once('message', (message: Answer) => {
    answer = message;
    // It ends by itself; this only makes sure that no forgotten handle keeps it.
    void worker.terminate();
  });
  worker.once('error', (error) => {
    failure = error;
  });
  const stop = (): void => {
    worker.postMessage('stop');
    deadline = setTimeout(() => void worker.terminate(), STOP_GRACE_MS);
  };
  signal.addEventListener('abort', stop, { once: true });
  await new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  signal.removeEventListener('abort', stop);
  clearTimeout(deadline);

  signal.throwIfAborted();
  const given = answer as Answer | null;
  if (given === null) throw failure;
  switch (given.type) {
    case 'extracted':
      return given.files;
    case 'failed':
      throw revivedError(given.error);
    default:
      throw given satisfies never;
  }
}
