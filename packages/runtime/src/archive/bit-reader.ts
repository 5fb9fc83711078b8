import { corrupt } from './archive-error.js';

const EMPTY = new Uint8Array(0);

/**
 * Promise: the bits of a byte stream, most significant first, read without waiting once `fill` has brought enough bytes. Refuses to
 * invent bits: reading past the end is `archiveCorrupt`.
 */
export class BitReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #bytes: Uint8Array = EMPTY;
  #at = 0;
  #isEnded = false;
  /** The next bits, right-aligned in 32; above `#count` bits stands rubbish. */
  #hold = 0;
  #count = 0;
  /** How many of the held bits are zeros that we added after the end, so that `peek` may look further than the stream goes. */
  #padding = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Brings at least `bytes` bytes within reach, or all there are. */
  async fill(bytes: number): Promise<void> {
    const chunks = [this.#bytes.subarray(this.#at)];
    let reach = this.#bytes.length - this.#at;
    while (!this.#isEnded && reach < bytes) {
      const next = await this.#source.next();
      if (next.done === true) {
        this.#isEnded = true;
      } else {
        chunks.push(next.value);
        reach += next.value.length;
      }
    }
    if (chunks.length > 1) {
      this.#bytes = joined(chunks, reach);
      this.#at = 0;
    }
  }

  /** True if no whole byte is left. Valid after `fill(1)`. */
  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length && this.#count - this.#padding < 8;
  }

  /** Lets the source go when nobody reads on. */
  async close(): Promise<void> {
    await this.#source.return?.();
  }

  /** The next `bits` (at most 24) as a number, without taking them; zeros stand for what lies after the end. */
  peek(bits: number): number {
    while (this.#count < bits) {
      const isInside = this.#at < this.#bytes.length;
      this.#hold = (this.#hold << 8) | (isInside ? (this.#bytes[this.#at] as number) : 0);
      if (isInside) this.#at += 1;
      else this.#padding += 8;
      this.#count += 8;
    }
    return (this.#hold >>> (this.#count - bits)) & ((1 << bits) - 1);
  }

  take(bits: number): void {
    this.#count -= bits;
    if (this.#count < this.#padding) throw corrupt('bzip2: the stream ends in the middle');
  }

  /** Takes the next `bits` (at most 24). */
  read(bits: number): number {
    const value = this.peek(bits);
    this.take(bits);
    return value;
  }

  /** Takes the next 32 bits as an unsigned number. */
  read32(): number {
    const high = this.read(16);
    return ((high << 16) | this.read(16)) >>> 0;
  }

  /** Skips to the next whole byte. */
  align(): void {
    this.take(this.#count % 8);
  }
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
