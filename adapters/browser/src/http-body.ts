import { brokenOff } from './http-fault.js';

/** Bytes of one read: with this much a worker writes twice as fast as with what the browser hands out by itself. */
const READ_BYTES = 1024 * 1024;

type Reading = Promise<ReadableStreamReadResult<Uint8Array<ArrayBuffer>>>;

interface Source {
  read(): Reading;
  cancel(): Promise<void>;
}

/** Reads into two buffers by turns, where the browser can: one is the reader's while the other fills. */
function sourceOf(body: ReadableStream<Uint8Array<ArrayBuffer>>): Source {
  try {
    const reader = body.getReader({ mode: 'byob' });
    const free = [new ArrayBuffer(READ_BYTES), new ArrayBuffer(READ_BYTES)];
    return {
      read: async () => {
        const result = await reader.read(new Uint8Array(free.shift() ?? new ArrayBuffer(READ_BYTES)));
        if (result.value !== undefined) free.push(result.value.buffer);
        return result as Awaited<Reading>;
      },
      cancel: () => reader.cancel(),
    };
  } catch {
    const reader = body.getReader();
    return { read: () => reader.read(), cancel: () => reader.cancel() };
  }
}

/**
 * The bytes of a reply. Reads one piece ahead, from the first on at once: what a stream still holds when the connection breaks is lost, and
 * with it the end of the prefix that a resume would build on. Ends the reply when the reader goes. Throws the signal's reason, or what broke
 * the connection.
 */
export function bodyOf({ body }: Response, url: string, signal: AbortSignal): AsyncIterable<Uint8Array> {
  if (body === null) return nothing();
  const source = sourceOf(body as ReadableStream<Uint8Array<ArrayBuffer>>);
  return read(source, begun(source), url, signal);
}

async function* nothing(): AsyncGenerator<Uint8Array, void, undefined> {}

function begun(source: Source): Reading {
  const reading = source.read();
  // Told to whoever asks for the piece; who never asks has no need to know.
  reading.catch(() => undefined);
  return reading;
}

async function* read(
  source: Source,
  first: Reading,
  url: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  let ahead = first;
  try {
    for (;;) {
      const { done, value } = await arrived(ahead, url, signal);
      if (done || value === undefined) return;
      ahead = begun(source);
      yield value;
    }
  } finally {
    await source.cancel().catch(() => undefined);
  }
}

async function arrived(reading: Reading, url: string, signal: AbortSignal): Reading {
  try {
    return await reading;
  } catch (error) {
    signal.throwIfAborted();
    throw brokenOff(error, url);
  }
}
