import { corrupt, quoted, tooLarge, type UnpackedTree, unsafe } from '@lading/runtime/archive';
import { Parser, type ReadEntry } from 'tar';
import { asCorrupt } from './archive-error.js';

const BLOCK_BYTES = 512;
/**
 * What headers, padding and the end mark may cost beside the files' own bytes: a fixed part, and a part for each entry. A header
 * and its padding need 1 KiB, extended attributes of a few KiB are common. More is no archive but a bomb of zeros or headers.
 */
const OVERHEAD_BYTES = 2 * 1024 * 1024;
const ENTRY_OVERHEAD_BYTES = 16 * 1024;

type TarEvent =
  | { readonly type: 'directory'; readonly name: string }
  | { readonly type: 'file'; readonly name: string; readonly sizeBytes: number }
  | { readonly type: 'bytes'; readonly chunk: Buffer }
  | { readonly type: 'fileEnd' };

/**
 * Promise: what a tar stream says, in order and without waiting. node-tar's parser reads headers; this class decides what it gets: one header
 * block at a time, so that a fault stops at its block and we know where the archive ends (the parser would keep everything
 * after the end mark in memory).
 */
class TarReader {
  readonly #parser = new Parser({ strict: true });
  #events: TarEvent[] = [];
  #fault: { readonly error: unknown } | null = null;
  #carry: Buffer = Buffer.alloc(0);
  #open: { readonly name: string; readonly sizeBytes: number } | null = null;
  #bodyLeft = 0;
  #hasBegun = false;
  #hasNullBlock = false;
  #hasEnded = false;

  constructor() {
    this.#parser.on('entry', (entry: ReadEntry) => this.#entry(entry));
    this.#parser.on('ignoredEntry', (entry: ReadEntry) =>
      this.#refuse(unsafe(`${quoted(entry.path)}: ${refusedType(entry)}`)),
    );
    this.#parser.on('meta', (text: string) => this.#meta(text));
    this.#parser.on('nullBlock', () => {
      this.#hasNullBlock = true;
    });
    this.#parser.on('eof', () => {
      this.#hasEnded = true;
    });
    this.#parser.on('error', (error: unknown) => this.#refuse(asCorrupt(error, 'tar')));
  }

  *feed(chunk: Buffer): Generator<TarEvent> {
    let rest = this.#carry.length === 0 ? chunk : Buffer.concat([this.#carry, chunk]);
    while (rest.length >= BLOCK_BYTES && !this.#hasEnded) {
      const whole = rest.length - (rest.length % BLOCK_BYTES);
      const take = this.#bodyLeft > 0 ? Math.min(this.#bodyLeft, whole) : BLOCK_BYTES;
      this.#bodyLeft = Math.max(0, this.#bodyLeft - take);
      this.#parse(rest.subarray(0, take));
      rest = rest.subarray(take);
      yield* this.#taken();
    }
    if (this.#hasEnded && rest.some((byte) => byte !== 0)) {
      throw corrupt('tar: expected nothing but zeros after the end mark, found other bytes');
    }
    this.#carry = this.#hasEnded ? Buffer.alloc(0) : rest;
  }

  /** Refuses a stream that stopped early, also one that stopped between two entries: only the end mark tells that all are there. */
  end(): void {
    if (this.#open !== null) {
      const { name, sizeBytes } = this.#open;
      throw corrupt(`${quoted(name)}: expected ${sizeBytes} bytes, found the end of the archive`);
    }
    if (!this.#hasEnded)
      throw corrupt('tar: expected the end mark (two blocks of zeros), found the end of the archive');
  }

  #parse(bytes: Buffer): void {
    // The parser unpacks what looks compressed, behind the back of every bound of ours. No name may begin with these bytes.
    const first = bytes.readUInt16BE(0);
    if (!this.#hasBegun && (first === 0x1f8b || first === 0x28b5))
      throw corrupt('tar: expected a header, found compressed data');
    this.#hasBegun = true;
    try {
      this.#parser.write(bytes);
    } catch (error) {
      this.#refuse(asCorrupt(error, 'tar'));
    }
  }

  *#taken(): Generator<TarEvent> {
    const events = this.#events;
    this.#events = [];
    yield* events;
    if (this.#fault !== null) throw this.#fault.error;
  }

  /** The parser reports a defect and goes on; what it says after the first one counts for nothing. */
  #refuse(error: unknown): void {
    this.#fault ??= { error };
  }

  #say(event: TarEvent): void {
    if (this.#fault === null) this.#events.push(event);
  }

  #entry(entry: ReadEntry): void {
    const name = entry.path;
    this.#bodyLeft = entry.startBlockSize;
    if (this.#hasNullBlock) return this.#refuse(corrupt(`${quoted(name)}: an entry after a block of zeros`));
    if (entry.type === 'Directory') {
      this.#say({ type: 'directory', name });
      entry.resume();
      return;
    }
    if (entry.type !== 'File' && entry.type !== 'OldFile')
      return this.#refuse(unsafe(`${quoted(name)}: ${refusedType(entry)}`));
    // The parser takes a negative size for none at all, and one in an extended header may be a fraction or infinite.
    const sizeBytes = entry.header.size;
    if (sizeBytes === undefined || !Number.isSafeInteger(sizeBytes) || sizeBytes !== entry.size) {
      return this.#refuse(corrupt(`${quoted(name)}: expected a size in whole bytes, found ${sizeBytes}`));
    }
    this.#open = { name, sizeBytes };
    this.#say({ type: 'file', name, sizeBytes });
    entry.on('data', (chunk: Buffer) => this.#say({ type: 'bytes', chunk }));
    entry.on('end', () => {
      this.#open = null;
      this.#say({ type: 'fileEnd' });
    });
  }

  /** Extended headers, whose text the parser reads line by line and cuts at a NUL. */
  #meta(text: string): void {
    if (/^\d+ (?:path|linkpath)=.*\0/m.test(text)) this.#refuse(unsafe('tar: an extended header with a NUL in a name'));
    // The parser does not know them: it would write the map and the pieces of a sparse file as if they were its content.
    if (/^\d+ GNU\.sparse\./m.test(text))
      this.#refuse(unsafe('tar: a sparse file, expected regular files and directories only'));
  }
}

function refusedType(entry: ReadEntry): string {
  return `expected regular files and directories only, found ${entry.type}`;
}

/** Unpacks a stream of tar bytes into `tree`. Refuses everything but regular files and directories. */
export async function unpackTar(stream: AsyncIterable<Buffer>, tree: UnpackedTree, signal: AbortSignal): Promise<void> {
  const reader = new TarReader();
  let streamed = 0;
  for await (const chunk of stream) {
    streamed += chunk.length;
    for (const event of reader.feed(chunk)) {
      signal.throwIfAborted();
      switch (event.type) {
        case 'directory':
          await tree.directory(event.name);
          break;
        case 'file':
          await tree.beginFile(event.name, event.sizeBytes);
          break;
        case 'bytes':
          await tree.write(event.chunk);
          break;
        case 'fileEnd':
          await tree.endFile();
          break;
        default:
          throw event satisfies never;
      }
    }
    signal.throwIfAborted();
    const overhead = streamed - tree.bytes - chunk.length;
    if (overhead > OVERHEAD_BYTES + ENTRY_OVERHEAD_BYTES * tree.entryCount) {
      throw tooLarge(
        `tar: expected headers and padding to fit ${tree.entryCount} entries, found ${overhead} bytes beside the files`,
      );
    }
  }
  reader.end();
}
