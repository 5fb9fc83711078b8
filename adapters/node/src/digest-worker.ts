import { createHash, type Hash } from 'node:crypto';
import { readSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import type { DigestAlgorithm } from '@lading/runtime';
import type { DigestAnswer, DigestOrder } from './digest-thread.js';
import { beginHashes, digestsOf } from './hashes.js';

/**
 * The thread that hashes large files: it reads again what was just written, which the system still has in memory, and so proves what is stored.
 * Orders are carried out one after the other; only those with a `reply` are answered.
 */
if (parentPort === null) throw new Error('digest-worker runs as a worker thread only');
const port = parentPort;

/** Read size, bytes. */
const block = Buffer.allocUnsafeSlow(1024 * 1024);

interface Work {
  readonly fd: number;
  hashes: ReadonlyMap<DigestAlgorithm, Hash>;
  atByte: number;
  readonly stop: Int32Array;
  readonly begin: () => ReadonlyMap<DigestAlgorithm, Hash>;
  error: unknown;
}

const files = new Map<number, Work>();

/** Hands a range of a file to `take`, block by block. */
function read({ fd, stop }: Work, from: number, to: number, take: (bytes: Uint8Array) => void): void {
  for (let at = from; at < to; ) {
    if (Atomics.load(stop, 0) !== 0) throw new Error('nobody waits for it any more');
    const bytesRead = readSync(fd, block, 0, Math.min(block.length, to - at), at);
    if (bytesRead === 0) throw Object.assign(new Error(`the file ends at byte ${at}, not at ${to}`), { code: 'EIO' });
    take(block.subarray(0, bytesRead));
    at += bytesRead;
  }
}

function advance(work: Work, to: number): void {
  read(work, work.atByte, to, (bytes) => {
    for (const hash of work.hashes.values()) hash.update(bytes);
    work.atByte += bytes.length;
  });
}

function restart(work: Work): void {
  work.hashes = work.begin();
  work.atByte = 0;
  work.error = null;
}

function carryOut(order: DigestOrder): DigestAnswer['value'] {
  if (order.type === 'begin') {
    const begin = () => beginHashes(order.algorithms, order.sizeBytes);
    const { fd, stop } = order;
    files.set(order.file, { fd, stop, hashes: begin(), atByte: 0, begin, error: null });
    return null;
  }
  const work = files.get(order.file);
  if (work === undefined) throw new Error('no such file');
  switch (order.type) {
    case 'advance':
      // Told to whoever asks for the result: nobody waits for this.
      try {
        if (work.error === null) advance(work, order.to);
      } catch (error) {
        work.error = error;
      }
      return null;
    case 'restart':
      restart(work);
      return null;
    case 'finish': {
      if (work.error !== null) throw work.error;
      advance(work, order.to);
      const digests = digestsOf(work.hashes);
      restart(work);
      return digests;
    }
    case 'sha256': {
      const hash = createHash('sha256');
      read(work, order.from, order.to, (bytes) => hash.update(bytes));
      return hash.digest('hex');
    }
    case 'end':
      files.delete(order.file);
      return null;
    default:
      throw order satisfies never;
  }
}

port.on('message', (order: DigestOrder) => {
  let answer: DigestAnswer;
  try {
    answer = { reply: order.reply, value: carryOut(order), error: null };
  } catch (error) {
    const { message, code, errno } = error as NodeJS.ErrnoException;
    answer = { reply: order.reply, value: null, error: { message, ...(code && { code }), ...(errno && { errno }) } };
  }
  if (order.reply !== 0) port.postMessage(answer);
});
