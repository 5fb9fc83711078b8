import { Block, dropSpare } from './block.js';

/** With more connections than these, each reads in small steps: what lies in large blocks lives on until memory is swept, and that is too late for many. */
const FEW = 8;
const SMALL_BLOCK_BYTES = 64 * 1024;
/** A rest of a block that is worth reading into: a record of TLS fits, bytes. */
const LEAST_BYTES = 16 * 1024;

let open = 0;

/** Whether so many connections are open that what each holds has to be little. */
export const isCrowded = (): boolean => open > FEW;

/** Where a connection's bytes go: one behind the other into large blocks, each byte once, so that what came in many small reads is one piece. */
export class ReadBuffer {
  private rest = Buffer.alloc(0);
  private block: Block | null = null;

  constructor() {
    open++;
  }

  /** Where the next read goes. */
  readonly room = (): Buffer => {
    if (this.rest.length < LEAST_BYTES) {
      this.block?.fill();
      // Reads of the usual 64 KiB cost twice the time at a gigabyte a second.
      this.block = isCrowded() ? null : new Block();
      this.rest = this.block?.bytes ?? Buffer.allocUnsafeSlow(SMALL_BLOCK_BYTES);
    }
    return this.rest;
  };

  /** What was read. */
  take(length: number): Buffer {
    const bytes = this.rest.subarray(0, length);
    this.rest = this.rest.subarray(length);
    this.block?.lend(length);
    return bytes;
  }

  close(): void {
    open--;
    if (open === 0) dropSpare();
  }
}

/** Below this a piece is moved to where the one before it ends, bytes. */
const SMALL_BYTES = 4 * 1024;

/**
 * Two pieces of a connection's bytes as one, without another block; null if they lie in two. What is between them was read and is nobody's:
 * a small piece moves over it.
 */
export function joined(a: Buffer, b: Buffer): Buffer | null {
  const end = a.byteOffset + a.length;
  if (a.buffer !== b.buffer || b.byteOffset < end) return null;
  if (b.byteOffset > end) {
    if (b.length >= SMALL_BYTES) return null;
    b.copy(Buffer.from(a.buffer, end, b.length));
  }
  return Buffer.from(a.buffer, a.byteOffset, a.length + b.length);
}
