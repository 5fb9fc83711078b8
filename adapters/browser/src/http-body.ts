import { brokenOff, compressed } from './http-fault.js';

/** Bytes of one read: with this much a worker writes twice as fast as with what the browser hands out by itself. */
const READ_BYTES = 1024 * 1024;

type Reading = Promise<ReadableStreamReadResult<Uint8Array<ArrayBuffer>>>;

interface Source {
  read(): Reading;
  cancel(): Promise<void>;
}

/** Reads into one buffer again and again, where the browser can; the buffer goes to the stream and comes back filled. */
function sourceOf(body: ReadableStream<Uint8Array<ArrayBuffer>>): Source {
  try {
    const reader = body.getReader({ mode: 'byob' });
    let buffer = new ArrayBuffer(READ_BYTES);
    return {
      read: async () => {
        const result = await reader.read(new Uint8Array(buffer));
        buffer = result.value?.buffer ?? new ArrayBuffer(0);
        return result as Awaited<Reading>;
      },
      cancel: () => reader.cancel(),
    };
  } catch {
    const reader = body.getReader();
    return { read: () => reader.read(), cancel: () => reader.cancel() };
  }
}

/** The bytes of a reply. Ends the reply when the reader goes. Throws the signal's reason, or what broke the connection. */
export async function* bodyOf(
  { body }: Response,
  lengthBytes: number | null,
  url: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (body === null) return;
  const source = sourceOf(body as ReadableStream<Uint8Array<ArrayBuffer>>);
  let bytes = 0;
  try {
    for (;;) {
      const { done, value } = await next(source, url, signal);
      if (done || value === undefined) return;
      bytes += value.length;
      if (lengthBytes !== null && bytes > lengthBytes) throw compressed(url, lengthBytes);
      yield value;
    }
  } finally {
    await source.cancel().catch(() => undefined);
  }
}

async function next(source: Source, url: string, signal: AbortSignal): Reading {
  try {
    return await source.read();
  } catch (error) {
    signal.throwIfAborted();
    throw brokenOff(error, url);
  }
}
