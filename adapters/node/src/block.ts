/** Blocks that may be read into again: more than these are not kept. */
const MOST_SPARE = 16;

const spare: Block[] = [];
const lent = new WeakMap<ArrayBufferLike, Block>();

/**
 * Memory that a connection reads into, piece by piece. Each piece is lent to whoever takes the bytes; once all have been given back, the block
 * is read into again. Of a block that is not given back whole nothing is used twice: it lives until memory is swept. To have a new one swept for
 * every half a mebibyte cost a program without our flags 1.5 s of CPU a gigabyte.
 */
export class Block {
  private lentBytes = 0;
  private isFull = false;

  private constructor(readonly bytes: Buffer<ArrayBuffer>) {
    lent.set(bytes.buffer, this);
  }

  static next(size: number): Block {
    const last = spare.at(-1);
    if (last?.bytes.length !== size) return new Block(Buffer.allocUnsafeSlow(size));
    spare.pop();
    last.isFull = false;
    return last;
  }

  lend(bytes: number): void {
    this.lentBytes += bytes;
  }

  /** Nothing more is read into it. */
  fill(): void {
    this.isFull = true;
    this.keepIfFree();
  }

  back(bytes: number): void {
    this.lentBytes -= bytes;
    this.keepIfFree();
  }

  private keepIfFree(): void {
    if (this.isFull && this.lentBytes === 0 && spare.length < MOST_SPARE) spare.push(this);
  }
}

/** Whoever had these bytes to himself needs them no more: they may be another's at once. Bytes of no block are let be. */
export function giveBack(bytes: Uint8Array): void {
  lent.get(bytes.buffer)?.back(bytes.length);
}
