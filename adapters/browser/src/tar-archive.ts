import {
  BLOCK_BYTES,
  corrupt,
  quoted,
  readHeader,
  readLongName,
  readRecords,
  type TarHeader,
  tooLarge,
  type UnpackedTree,
  unsafe,
} from '@lading/runtime/archive';

/** An extended header or a long name; more is no archive but a bomb. */
const EXTENDED_BYTES = 64 * 1024;
/** What headers, padding and the end mark may cost beside the files' own bytes: a fixed part, and a part for each entry. */
const OVERHEAD_BYTES = 2 * 1024 * 1024;
const ENTRY_OVERHEAD_BYTES = 16 * 1024;

type Body = 'none' | 'file' | 'extended' | 'global' | 'longName';

/** Reads tar bytes as they come, into a tree. Refuses everything but regular files and directories, and a stream that stops early. */
class TarReader {
  private block = new Uint8Array(BLOCK_BYTES);
  private filled = 0;
  private body: Body = 'none';
  private bodyLeft = 0;
  private paddingLeft = 0;
  private text = new Uint8Array(0);
  private textAt = 0;
  /** What an extended header says of the next entry. */
  private next: { readonly name?: string; readonly sizeBytes?: number } = {};
  private hasNullBlock = false;
  private hasEnded = false;
  private streamedBytes = 0;

  constructor(private readonly tree: UnpackedTree) {}

  async feed(chunk: Uint8Array): Promise<void> {
    let rest = chunk;
    this.streamedBytes += chunk.length;
    while (rest.length > 0 && !this.hasEnded) {
      if (this.bodyLeft > 0) rest = await this.takeBody(rest);
      else if (this.paddingLeft > 0) {
        const padding = Math.min(this.paddingLeft, rest.length);
        this.paddingLeft -= padding;
        rest = rest.subarray(padding);
      } else rest = await this.takeHeader(rest);
    }
    if (this.hasEnded && rest.some((byte) => byte !== 0))
      throw corrupt('tar: expected nothing but zeros after the end mark, found other bytes');
    const overhead = this.streamedBytes - this.tree.bytes - chunk.length;
    if (overhead > OVERHEAD_BYTES + ENTRY_OVERHEAD_BYTES * this.tree.entryCount)
      throw tooLarge(
        `tar: expected headers and padding to fit ${this.tree.entryCount} entries, found ${overhead} bytes beside the files`,
      );
  }

  /** Refuses a stream that stopped early, also between two entries: only the end mark tells that all are there. */
  end(): void {
    if (!this.hasEnded) throw corrupt('tar: expected the end mark (two blocks of zeros), found the end of the archive');
  }

  private async takeBody(rest: Uint8Array): Promise<Uint8Array> {
    const piece = rest.subarray(0, Math.min(this.bodyLeft, rest.length));
    this.bodyLeft -= piece.length;
    if (this.body === 'file') await this.tree.write(piece);
    else {
      this.text.set(piece, this.textAt);
      this.textAt += piece.length;
    }
    if (this.bodyLeft === 0) await this.endBody();
    return rest.subarray(piece.length);
  }

  private async endBody(): Promise<void> {
    const { body } = this;
    this.body = 'none';
    switch (body) {
      case 'file':
        return await this.tree.endFile();
      case 'extended':
        return this.readExtended();
      case 'global':
        if (readRecords(this.text).has('path') || readRecords(this.text).has('size'))
          throw unsafe('tar: a global header that names all files alike');
        return;
      case 'longName':
        this.next = { ...this.next, name: readLongName(this.text) };
        return;
      case 'none':
        return;
      default:
        body satisfies never;
    }
  }

  private readExtended(): void {
    const records = readRecords(this.text);
    if ([...records.keys()].some((key) => key.startsWith('GNU.sparse.')))
      throw unsafe('tar: a sparse file, expected regular files and directories only');
    const name = records.get('path');
    const size = records.get('size');
    const sizeBytes = size === undefined ? undefined : /^\d{1,16}$/.test(size) ? Number(size) : Number.NaN;
    if (sizeBytes !== undefined && !Number.isSafeInteger(sizeBytes))
      throw corrupt(`tar: expected a size in whole bytes, found ${quoted(size ?? '')}`);
    this.next = {
      ...this.next,
      ...(name === undefined ? {} : { name }),
      ...(sizeBytes === undefined ? {} : { sizeBytes }),
    };
  }

  private async takeHeader(rest: Uint8Array): Promise<Uint8Array> {
    const piece = rest.subarray(0, BLOCK_BYTES - this.filled);
    this.block.set(piece, this.filled);
    this.filled += piece.length;
    if (this.filled === BLOCK_BYTES) {
      this.filled = 0;
      const header = readHeader(this.block);
      if (header !== null) await this.begin(header);
      else if (this.hasNullBlock) this.hasEnded = true;
      else this.hasNullBlock = true;
    }
    return rest.subarray(piece.length);
  }

  private async begin(header: TarHeader): Promise<void> {
    if (this.hasNullBlock) throw corrupt(`${quoted(header.name)}: an entry after a block of zeros`);
    switch (header.type) {
      case 'x':
        return this.beginText('extended', header.sizeBytes);
      case 'g':
        return this.beginText('global', header.sizeBytes);
      case 'L':
        return this.beginText('longName', header.sizeBytes);
      default: {
        const { name, sizeBytes } = { ...header, ...this.next };
        this.next = {};
        return await this.beginEntry(name, sizeBytes, header.type);
      }
    }
  }

  private async beginEntry(name: string, sizeBytes: number, type: string): Promise<void> {
    if (type === '5') {
      if (sizeBytes > 0) throw corrupt(`${quoted(name)}: a directory with ${sizeBytes} bytes`);
      return await this.tree.directory(name);
    }
    if (type !== '' && type !== '0')
      throw unsafe(`${quoted(name)}: expected regular files and directories only, found type ${quoted(type)}`);
    await this.tree.beginFile(name, sizeBytes);
    this.beginBody('file', sizeBytes);
    if (sizeBytes === 0) await this.endBody();
  }

  private beginText(body: Body, sizeBytes: number): void {
    if (sizeBytes === 0 || sizeBytes > EXTENDED_BYTES)
      throw tooLarge(`tar: expected an extended header of 1 to ${EXTENDED_BYTES} bytes, found ${sizeBytes}`);
    this.text = new Uint8Array(sizeBytes);
    this.textAt = 0;
    this.beginBody(body, sizeBytes);
  }

  private beginBody(body: Body, sizeBytes: number): void {
    this.body = body;
    this.bodyLeft = sizeBytes;
    this.paddingLeft = (BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES;
  }
}

export async function unpackTar(
  bytes: AsyncIterable<Uint8Array>,
  tree: UnpackedTree,
  signal: AbortSignal,
): Promise<void> {
  const reader = new TarReader(tree);
  for await (const chunk of bytes) {
    signal.throwIfAborted();
    await reader.feed(chunk);
  }
  reader.end();
}
