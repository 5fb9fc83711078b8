import { ProtocolBreach } from './http-fault.js';

/** Bytes of extensions and trailers of one message, of which nothing is used. */
const MAX_EXTRA_BYTES = 64 * 1024;
/** Digits of a size: more would not be a number any more. */
const MAX_DIGITS = 13;

const CR = 0x0d;
const LF = 0x0a;
const SEMICOLON = 0x3b;

/** Where the next byte stands: in a line that says a size, in the bytes themselves, at the line's end behind them, or in the trailers. */
type Place =
  | 'size'
  | 'extension'
  | 'sizeEnd'
  | 'data'
  | 'dataCr'
  | 'dataLf'
  | 'trailer'
  | 'trailerEnd'
  | 'lastLf'
  | 'end';

function digitOf(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/** Takes the chunks of a body apart (RFC 9112 §7.1), wherever the network has cut them. */
export class Chunks {
  private place: Place = 'size';
  private digits = 0;
  private left = 0;
  private extraBytes = 0;
  private isTrailerEmpty = true;

  get isAtEnd(): boolean {
    return this.place === 'end';
  }

  /**
   * Moves what belongs to the body to the front of `bytes`, however small its chunks are. Returns how many bytes that are, how many were looked
   * at, which are fewer than given behind the end, and what must not be there.
   */
  take(bytes: Buffer): { readonly body: number; readonly used: number; readonly breach: ProtocolBreach | null } {
    let body = 0;
    let at = 0;
    while (at < bytes.length && this.place !== 'end') {
      if (this.place === 'data') {
        const length = Math.min(this.left, bytes.length - at);
        if (body !== at) bytes.copyWithin(body, at, at + length);
        body += length;
        at += length;
        this.left -= length;
        if (this.left === 0) this.place = 'dataCr';
        continue;
      }
      const { place } = this;
      if (!this.step(bytes[at] as number))
        return { body, used: at, breach: new ProtocolBreach('chunk', `a chunk that is none (${place})`) };
      at += 1;
    }
    return { body, used: at, breach: null };
  }

  /** One byte that is not the body's; false if it must not be there. */
  private step(byte: number): boolean {
    switch (this.place) {
      case 'size': {
        const digit = digitOf(byte);
        if (digit >= 0) {
          this.left = this.left * 16 + digit;
          this.digits += 1;
          return this.digits <= MAX_DIGITS;
        }
        if (this.digits === 0) return false;
        if (byte === CR) this.place = 'sizeEnd';
        else this.place = 'extension';
        return byte === CR || byte === SEMICOLON || byte === 0x20 || byte === 0x09;
      }
      case 'extension':
        if (byte === CR) this.place = 'sizeEnd';
        return byte !== LF && this.isBearable();
      case 'sizeEnd':
        this.place = this.left > 0 ? 'data' : 'trailer';
        this.digits = 0;
        return byte === LF;
      case 'dataCr':
        this.place = 'dataLf';
        return byte === CR;
      case 'dataLf':
        this.place = 'size';
        return byte === LF;
      case 'trailer':
        if (byte === CR) this.place = this.isTrailerEmpty ? 'lastLf' : 'trailerEnd';
        this.isTrailerEmpty = false;
        return byte !== LF && this.isBearable();
      case 'trailerEnd':
        this.place = 'trailer';
        this.isTrailerEmpty = true;
        return byte === LF;
      case 'lastLf':
        this.place = 'end';
        return byte === LF;
      default:
        return false;
    }
  }

  private isBearable(): boolean {
    this.extraBytes += 1;
    return this.extraBytes <= MAX_EXTRA_BYTES;
  }
}
