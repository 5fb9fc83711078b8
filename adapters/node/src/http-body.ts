import { handOut } from './block.js';
import { httpFault } from './http-fault.js';
import { isCrowded, joined } from './read-buffer.js';

/**
 * Bytes that are taken ahead of whoever reads, where connections are few and where they are many; more waits in the connection. Each stop costs a
 * turn: with a quarter of this a gigabyte over TLS, which comes 16 KiB at a time, took a tenth to a fifth longer.
 */
const AHEAD_BYTES = 512 * 1024;
const CROWDED_AHEAD_BYTES = 128 * 1024;

const aheadBytes = (): number => (isCrowded() ? CROWDED_AHEAD_BYTES : AHEAD_BYTES);

/** A reply that is not wanted is read up to here, so that its connection can serve again; otherwise the connection goes. */
const UNWANTED_BYTES = 16 * 1024;

/** The connection that a reply comes over. */
export interface Flow {
  /** Reads on. */
  resume(): void;
  /** Nobody takes what is still to come of this reply. */
  leave(): void;
}

/**
 * The bytes of a reply, every one of them: when the connection breaks, what had come before is the end of the very prefix that a resume would
 * build on. So bytes are taken over as they come, up to a bound, and the error is told behind the last of them.
 */
export class ReplyBody {
  private readonly queue: Buffer[] = [];
  private heldBytes = 0;
  private unwantedBytes: number | null = null;
  private end: { readonly error: unknown } | null = null;
  private wake: (() => void) | null = null;
  private isWaking = false;

  constructor(private readonly flow: Flow) {}

  /** Whether more may come. */
  take(bytes: Buffer): boolean {
    if (this.unwantedBytes !== null) return this.pass(bytes.length);
    const last = this.queue.at(-1);
    const both = last === undefined ? null : joined(last, bytes);
    if (both === null) this.queue.push(bytes);
    else this.queue[this.queue.length - 1] = both;
    this.heldBytes += bytes.length;
    this.wakeSoon();
    return this.heldBytes < aheadBytes();
  }

  /** Nothing more comes, because of an error or because that was all. */
  finish(error: unknown): void {
    if (this.end !== null) return;
    this.end = { error };
    this.wakeNow();
  }

  /** Not wanted after all. */
  drop(): void {
    this.unwantedBytes = this.heldBytes;
    this.queue.length = 0;
    this.heldBytes = 0;
    if (this.pass(0)) this.flow.resume();
  }

  async *read(signal: AbortSignal, subject: string): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (;;) {
        signal.throwIfAborted();
        const chunk = this.queue.shift();
        if (chunk !== undefined) {
          this.heldBytes -= chunk.length;
          if (this.end === null && this.heldBytes < aheadBytes()) this.flow.resume();
          handOut(chunk);
          yield chunk;
          continue;
        }
        const ended = this.end as { readonly error: unknown } | null;
        if (ended?.error === null) return;
        if (ended !== null) throw httpFault(ended.error, subject, true);
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
      }
    } finally {
      if (this.end === null) this.flow.leave();
    }
  }

  private pass(bytes: number): boolean {
    this.unwantedBytes = (this.unwantedBytes ?? 0) + bytes;
    if (this.end === null && this.unwantedBytes > UNWANTED_BYTES) this.flow.leave();
    return true;
  }

  /** Once all that is there has been read: a record of TLS is small, and there are more. */
  private wakeSoon(): void {
    if (this.wake === null || this.isWaking) return;
    this.isWaking = true;
    setImmediate(() => this.wakeNow());
  }

  private wakeNow(): void {
    this.isWaking = false;
    this.wake?.();
    this.wake = null;
  }
}
