import type { Readable } from 'node:stream';
import { httpFault } from './http-fault.js';

/** Bytes that are taken ahead of whoever reads; more waits in the connection. */
const AHEAD_BYTES = 64 * 1024;

/**
 * The bytes of a reply, every one of them: a stream that is destroyed, as it is when the connection breaks, drops what it holds, and
 * with it the end of the very prefix that a resume would build on. So bytes are taken over as they come, up to a bound, and the
 * error is told behind the last of them. Begins at once; ends the reply when the reader goes.
 */
export function bodyOf(body: Readable, signal: AbortSignal, subject: string): AsyncIterable<Uint8Array> {
  const queue: Uint8Array[] = [];
  let heldBytes = 0;
  let end: { readonly error: unknown } | null = null;
  let wake: () => void = () => undefined;
  const finish = (error: unknown): void => {
    end ??= { error };
    wake();
  };
  body.on('data', (chunk: Uint8Array) => {
    queue.push(chunk);
    heldBytes += chunk.length;
    if (heldBytes >= AHEAD_BYTES) body.pause();
    wake();
  });
  body.once('end', () => finish(null));
  body.on('error', finish);
  body.once('close', () => finish(Object.assign(new Error('the connection was closed'), { code: 'ECONNABORTED' })));

  async function* read(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (;;) {
        signal.throwIfAborted();
        const chunk = queue.shift();
        if (chunk !== undefined) {
          heldBytes -= chunk.length;
          if (heldBytes < AHEAD_BYTES) body.resume();
          yield chunk;
          continue;
        }
        const ended = end as { readonly error: unknown } | null;
        if (ended?.error === null) return;
        if (ended !== null) throw httpFault(ended.error, subject, true);
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    } finally {
      body.destroy();
    }
  }
  return read();
}
