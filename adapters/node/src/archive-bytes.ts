import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { bunzip2, corrupt } from '@lading/runtime/archive';
import { asCorrupt } from './archive-error.js';
import { bzip2Output } from './bzip2-process.js';

/** Bytes per read and per inflated piece: large enough that the cost per piece vanishes, small enough to be forgotten. */
const CHUNK_BYTES = 64 * 1024;

const raw = (archivePath: string): AsyncIterable<Buffer> =>
  createReadStream(archivePath, { highWaterMark: CHUNK_BYTES });

async function* gunzipped(archivePath: string): AsyncGenerator<Buffer> {
  const { size } = await stat(archivePath);
  const source = createReadStream(archivePath, { highWaterMark: CHUNK_BYTES });
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  // pipe() does not carry errors over, and without this an unreadable archive would wait for ever.
  source.on('error', (error) => gunzip.destroy(error));
  source.pipe(gunzip);
  try {
    yield* gunzip as AsyncIterable<Buffer>;
    // zlib stops at the first byte that begins no further member, without an error if that byte is a zero.
    if (gunzip.bytesWritten !== size) {
      throw corrupt(
        `gzip: expected ${size} bytes of compressed data, found only ${gunzip.bytesWritten} and then something else`,
      );
    }
  } catch (error) {
    throw asCorrupt(error, 'gzip');
  } finally {
    source.destroy();
    gunzip.destroy();
  }
}

async function* buffers(source: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  for await (const { buffer, byteOffset, length } of source) yield Buffer.from(buffer, byteOffset, length);
}

/** The bytes of the tar archive inside a file, decompressed piece by piece. Several members or streams in a row are one. */
export function tarBytes(archivePath: string, extractType: 'tar' | 'tar.gz' | 'tar.bz2'): AsyncIterable<Buffer> {
  switch (extractType) {
    case 'tar':
      return raw(archivePath);
    case 'tar.gz':
      return gunzipped(archivePath);
    case 'tar.bz2':
      return bzip2Output(archivePath, () => buffers(bunzip2(raw(archivePath))));
    default:
      throw extractType satisfies never;
  }
}
