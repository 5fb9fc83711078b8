import type { IncomingMessage } from 'node:http';
import { connectionClosed, httpFault } from './http-fault.js';

/** Bytes that are taken ahead of whoever reads; more waits in the connection. */
const AHEAD_BYTES = 128 * 1024;
/** A reply that is not wanted is read up to here, so that its connection can serve again; otherwise the connection goes. */
const UNWANTED_BYTES = 16 * 1024;
/** A server may cut a reply into chunks of one byte each, and each would cost a hundred: from so many waiting on, small ones are joined. */
const MANY_CHUNKS = 16;
const SMALL_BYTES = 4 * 1024;
const JOINED_BYTES = 64 * 1024;

/**
 * The bytes of a reply, every one of them: a message that is destroyed, as it is when the connection breaks, drops what it holds, and
 * with it the end of the very prefix that a resume would build on. So bytes are taken over as they come, up to a bound, and the
 * error is told behind the last of them. Begins at once; ends the reply when the reader goes.
 */
export class ReplyBody {
  private readonly queue: Buffer[] = [];
  private heldBytes = 0;
  /** The last of the queue, while there is room in it. */
  private joined: { readonly room: Buffer; usedBytes: number } | null = null;
  private unwantedBytes: number | null = null;
  private end: { readonly error: unknown } | null = null;
  private wake: () => void = () => undefined;

  constructor(private readonly message: IncomingMessage) {
    message.on('data', (chunk: Buffer) => this.take(chunk));
    message.once('end', () => this.finish(null));
    message.on('error', (error) => this.finish(error));
    message.once('close', () => {
      if (this.end === null) this.finish(connectionClosed());
    });
  }

  /** The connection is told to be broken by what was found out about it; of a reply that was all there, nothing is broken. */
  break(error: unknown): void {
    if (!this.message.complete) this.message.destroy(error instanceof Error ? error : undefined);
  }

  /** Not wanted after all. */
  drop(): void {
    this.unwantedBytes = this.heldBytes;
    this.queue.length = 0;
    this.heldBytes = 0;
    this.pass(0);
    this.message.resume();
  }

  async *read(signal: AbortSignal, subject: string): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (;;) {
        signal.throwIfAborted();
        const chunk = this.queue.shift();
        if (chunk !== undefined) {
          const isJoined = chunk === this.joined?.room;
          const bytes = isJoined ? chunk.subarray(0, this.joined?.usedBytes) : chunk;
          if (isJoined) this.joined = null;
          this.heldBytes -= bytes.length;
          if (this.heldBytes < AHEAD_BYTES) this.message.resume();
          yield bytes;
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
      this.message.destroy();
    }
  }

  private take(chunk: Buffer): void {
    if (this.unwantedBytes !== null) return this.pass(chunk.length);
    this.hold(chunk);
    this.heldBytes += chunk.length;
    if (this.heldBytes >= AHEAD_BYTES) this.message.pause();
    this.wake();
  }

  private hold(chunk: Buffer): void {
    if (chunk.length >= SMALL_BYTES || this.queue.length < MANY_CHUNKS) {
      this.seal();
      this.queue.push(chunk);
      return;
    }
    if (this.joined === null || this.joined.usedBytes + chunk.length > this.joined.room.length) {
      this.seal();
      this.joined = { room: Buffer.allocUnsafeSlow(JOINED_BYTES), usedBytes: 0 };
      this.queue.push(this.joined.room);
    }
    this.joined.usedBytes += chunk.copy(this.joined.room, this.joined.usedBytes);
  }

  /** What comes next stands behind the joined ones: of their room only what is used is theirs. */
  private seal(): void {
    if (this.joined === null) return;
    this.queue[this.queue.length - 1] = this.joined.room.subarray(0, this.joined.usedBytes);
    this.joined = null;
  }

  private pass(bytes: number): void {
    this.unwantedBytes = (this.unwantedBytes ?? 0) + bytes;
    if (this.unwantedBytes > UNWANTED_BYTES) this.message.destroy();
  }

  private finish(error: unknown): void {
    if (this.end !== null) return;
    // What came while the reader was behind is still in the message.
    if (error !== null && this.unwantedBytes === null) {
      for (let chunk: Buffer | null = this.message.read(); chunk !== null; chunk = this.message.read()) {
        this.hold(chunk);
        this.heldBytes += chunk.length;
      }
    }
    this.end = { error };
    this.wake();
  }
}
