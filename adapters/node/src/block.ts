/** How much of a block is somebody's. It does not refer to the block: what is lent for ever is swept as soon as nobody has it. */
interface Loan {
  lentBytes: number;
  isFull: boolean;
}

/** Blocks that may be read into again: more than these are not kept. */
const MOST_SPARE = 16;

const spare: ArrayBuffer[] = [];
const loans = new WeakMap<ArrayBufferLike, Loan>();
/** Pieces that may come back, each once. */
const handed = new WeakMap<Uint8Array, Loan>();

/**
 * Memory that a connection reads into, piece by piece. Each piece is lent to whoever takes the bytes; once all have been given back, the block
 * is read into again. Of a block that is not given back whole nothing is used twice: it lives until memory is swept. To have a new one swept for
 * every half a mebibyte cost a program without our flags 1.2 s of CPU a gigabyte.
 */
export class Block {
  static readonly BYTES = 512 * 1024;
  private readonly loan: Loan = { lentBytes: 0, isFull: false };
  readonly bytes: Buffer<ArrayBuffer>;

  constructor() {
    this.bytes = Buffer.from(spare.pop() ?? Buffer.allocUnsafeSlow(Block.BYTES).buffer);
    loans.set(this.bytes.buffer, this.loan);
  }

  lend(bytes: number): void {
    this.loan.lentBytes += bytes;
  }

  /** Nothing more is read into it. */
  fill(): void {
    this.loan.isFull = true;
    keepIfFree(this.bytes.buffer, this.loan);
  }
}

/** A piece goes to a reader, who may give it back: this very one, and nothing cut from it. */
export function handOut(piece: Uint8Array): void {
  const loan = loans.get(piece.buffer);
  if (loan !== undefined) handed.set(piece, loan);
}

/** Whoever had these bytes to himself needs them no more: they may be another's at once. What was not handed out is let be. */
export function giveBack(piece: Uint8Array): void {
  const loan = handed.get(piece);
  if (loan === undefined) return;
  handed.delete(piece);
  loan.lentBytes -= piece.length;
  keepIfFree(piece.buffer as ArrayBuffer, loan);
}

/** Nobody reads any more. */
export function dropSpare(): void {
  spare.length = 0;
}

function keepIfFree(block: ArrayBuffer, loan: Loan): void {
  if (!loan.isFull || loan.lentBytes > 0) return;
  // Kept once, and lent anew by whoever takes it.
  loan.isFull = false;
  if (spare.length < MOST_SPARE) spare.push(block);
}
