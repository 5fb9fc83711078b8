import type { OnReadOpts, Socket } from 'node:net';
import { Chunks } from './chunked.js';
import { type Flow, ReplyBody } from './http-body.js';
import { connectionClosed, ProtocolBreach } from './http-fault.js';
import { endOfHead, type Head, readHead } from './http-head.js';
import { joined, ReadBuffer } from './read-buffer.js';

const MAX_INTERIM_REPLIES = 32;

export interface Reply {
  readonly status: number;
  /** Lower-case names; repeated headers joined by ", ". */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: ReplyBody;
}

/** A connection that had served before and ended without a byte for this request: the server had closed it just then. */
export class StaleConnection extends Error {}

/** One request that waits for its reply, or for the rest of it. */
interface Exchange {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
  readonly signal: AbortSignal;
  readonly onAbort: () => void;
  /** The part of a head that has come. */
  begun: Buffer | null;
  interimReplies: number;
  reply: { readonly head: Head; readonly body: ReplyBody; leftBytes: number; readonly chunks: Chunks | null } | null;
}

export interface ConnectionOptions {
  readonly open: (reading: { readonly onread: OnReadOpts }) => Socket;
  /** Nothing is said before it is known who listens. */
  readonly isSecure: boolean;
  /** By another connection, whose reads are not ours to place. */
  readonly isCarried: boolean;
  /** A reply is complete, and the connection may serve again. */
  readonly onFree: (connection: Connection) => void;
  readonly onClose: (connection: Connection) => void;
}

/**
 * A connection of HTTP/1.1 (RFC 9112), over which one request is made at a time. Its bytes are read into large blocks and handed on where they
 * lie; it is not read at all while nobody takes them: what nobody has taken yet is the system's to keep.
 */
export class Connection implements Flow {
  private readonly socket: Socket;
  private readonly buffer = new ReadBuffer();
  private exchange: Exchange | null = null;
  private isReady: boolean;
  /** A reply has come whole. */
  hasServed = false;
  private fault: unknown = null;

  constructor(private readonly options: ConnectionOptions) {
    const { room } = this.buffer;
    this.socket = options.open({
      onread: { buffer: room, callback: (length) => this.take(this.buffer.take(length)) },
    });
    this.isReady = !options.isSecure;
    if (options.isCarried) this.socket.on('data', (chunk: Buffer) => this.copy(chunk));
    this.socket
      .once('secureConnect', () => {
        this.isReady = true;
      })
      .on('error', (error) => {
        this.fault = error;
      })
      .once('end', () => this.endOfBytes())
      .once('close', () => this.closed());
  }

  /** Asks, and resolves with the head of the reply. Rejects with what went wrong; after the head the body tells it. */
  ask(text: string, signal: AbortSignal): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const onAbort = () => this.fail(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      this.exchange = { resolve, reject, signal, onAbort, begun: null, interimReplies: 0, reply: null };
      this.socket.ref();
      this.socket.resume();
      const send = () => this.socket.write(text, 'latin1');
      if (this.isReady) send();
      else this.socket.once('secureConnect', send);
    });
  }

  /** An idle one keeps nobody from ending. */
  unref(): void {
    this.socket.unref();
  }

  destroy(): void {
    this.fail(connectionClosed());
  }

  resume(): void {
    this.socket.resume();
  }

  leave(): void {
    this.destroy();
  }

  private copy(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      const length = chunk.copy(this.buffer.room(), 0, at);
      at += length;
      if (!this.take(this.buffer.take(length))) this.socket.pause();
    }
  }

  /** What was read. Whether there may be more now. */
  private take(bytes: Buffer): boolean {
    try {
      if (this.exchange === null) {
        // What nobody asked for would be taken for the answer to the next request.
        this.socket.destroy();
        return false;
      }
      const rest = this.exchange.reply === null ? this.takeHeads(this.exchange, bytes) : bytes;
      return rest.length === 0 || this.takeBody(rest);
    } catch (error) {
      this.fail(error);
      return false;
    }
  }

  /** Returns what is behind the head, which is nothing as long as it is not complete. */
  private takeHeads(exchange: Exchange, bytes: Buffer): Buffer {
    const { begun } = exchange;
    let from = begun?.length ?? 0;
    let rest = begun === null ? bytes : (joined(begun, bytes) ?? Buffer.concat([begun, bytes]));
    for (let end = endOfHead(rest, from); end >= 0; end = endOfHead(rest, from)) {
      const head = readHead(rest.subarray(0, end));
      rest = rest.subarray(end);
      from = 0;
      if (head.status >= 200) {
        this.begin(exchange, head);
        return rest;
      }
      if (head.status === 101) throw new ProtocolBreach('http101', 'the server wants to speak another protocol');
      if (++exchange.interimReplies > MAX_INTERIM_REPLIES)
        throw new ProtocolBreach('interimReplies', 'interim replies without end');
    }
    exchange.begun = rest;
    return rest.subarray(rest.length);
  }

  private begin(exchange: Exchange, head: Head): void {
    const body = new ReplyBody(this);
    const leftBytes = typeof head.body === 'number' ? head.body : Number.POSITIVE_INFINITY;
    exchange.begun = null;
    exchange.reply = { head, body, leftBytes, chunks: head.body === 'chunked' ? new Chunks() : null };
    exchange.resolve({ status: head.status, headers: head.headers, body });
    if (leftBytes === 0) this.complete();
  }

  private takeBody(bytes: Buffer): boolean {
    const reply = this.exchange?.reply;
    // Behind a complete reply: of its connection nothing is known any more.
    if (reply === undefined || reply === null) {
      this.socket.destroy();
      return false;
    }
    const { body, chunks } = reply;
    if (chunks === null) {
      const part = bytes.length > reply.leftBytes ? bytes.subarray(0, reply.leftBytes) : bytes;
      reply.leftBytes -= part.length;
      const isMore = body.take(part);
      if (reply.leftBytes > 0) return isMore;
      return this.completeBefore(bytes.length > part.length);
    }
    const taken = chunks.take(bytes);
    const isMore = taken.body === 0 || body.take(bytes.subarray(0, taken.body));
    if (taken.breach !== null) throw taken.breach;
    if (!chunks.isAtEnd) return isMore;
    return this.completeBefore(taken.used < bytes.length);
  }

  private completeBefore(isMoreBehind: boolean): boolean {
    if (isMoreBehind) this.socket.destroy();
    this.complete();
    return !isMoreBehind;
  }

  /** All of the reply is here. */
  private complete(): void {
    const exchange = this.part();
    exchange?.reply?.body.finish(null);
    this.hasServed = true;
    if (exchange?.reply?.head.isKept !== true) this.socket.destroy();
    else if (!this.socket.destroyed) {
      // The last records of TLS may have come after reading was stopped: it goes on, so that what is said unasked is heard.
      this.socket.resume();
      this.options.onFree(this);
    }
  }

  /** The server says no more: that is the end of a reply that has no other. */
  private endOfBytes(): void {
    if (this.exchange?.reply?.head.body === 'close') this.complete();
  }

  private closed(): void {
    this.buffer.close();
    this.options.onClose(this);
    const isUnheard = this.hasServed && this.exchange?.reply === null && this.exchange.begun === null;
    const error = this.fault ?? Object.assign(new Error('the server closed the connection'), { code: 'ECONNRESET' });
    this.fail(isUnheard ? new StaleConnection('', { cause: error }) : error);
  }

  private fail(error: unknown): void {
    const exchange = this.part();
    this.socket.destroy();
    if (exchange === null) return;
    if (exchange.reply === null) exchange.reject(error);
    else exchange.reply.body.finish(error);
  }

  /** The exchange, which is over. */
  private part(): Exchange | null {
    const { exchange } = this;
    exchange?.signal.removeEventListener('abort', exchange.onAbort);
    this.exchange = null;
    return exchange;
  }
}
