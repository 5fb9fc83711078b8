import { ArchiveError, bunzip2, corrupt } from '@lading/runtime/archive';
import { nameOf } from './fs-fault.js';

type Bytes = ReadableStream<Uint8Array<ArrayBuffer>>;

/** Streams are async iterables by the standard, but not yet in every browser. Ends the stream when the reader goes. */
export async function* piecesOf(stream: Bytes): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

export function inflated(blob: Blob, format: 'gzip' | 'deflate-raw'): AsyncGenerator<Uint8Array, void, undefined> {
  return piecesOf(blob.stream().pipeThrough(new DecompressionStream(format)));
}

/** What a format's reader threw: storage errors and our own pass, everything else means that the bytes are not that format. */
export function asCorrupt(error: unknown, what: string): unknown {
  if (error instanceof ArchiveError || !(error instanceof TypeError)) return error;
  return corrupt(`${what}: ${error.message || nameOf(error)}`, { cause: error });
}

/** The bytes of the tar archive inside a file, decompressed piece by piece. Of a gzip file with several members only the first is read: more is refused. */
export function tarBytes(file: File, extractType: 'tar' | 'tar.gz' | 'tar.bz2'): AsyncIterable<Uint8Array> {
  switch (extractType) {
    case 'tar':
      return piecesOf(file.stream());
    case 'tar.gz':
      return inflated(file, 'gzip');
    case 'tar.bz2':
      return bunzip2(piecesOf(file.stream()));
    default:
      throw extractType satisfies never;
  }
}
