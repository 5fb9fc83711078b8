/**
 * How a reply travels: at which pace, past which gates, and where it is cut. A correct or merely slow reply goes through
 * node:http and keeps the connection alive; one that node:http would put right goes to the bare socket, which then ends.
 */
import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Reply } from './answer.js';
import type { Gate } from './gate.js';

/** The place before the first byte of the head, where other places count bytes of the body. */
export const beforeHead = -1;

/** `sever` ends the carrier alone: of TLS, the end is not announced (RFC 8446 §6.1). */
export type Cut = 'drop' | 'sever' | 'reset' | 'stall';

interface Pace {
  readonly bytes: number;
  readonly intervalMs: number;
}

export interface Delivery {
  readonly wire: 'response' | 'socket';
  readonly interim: { readonly count: number; readonly intervalMs: number } | null;
  readonly headPace: Pace | null;
  readonly bodyPace: Pace | null;
  readonly holds: readonly { readonly afterBytes: number; readonly gate: Gate }[];
  readonly cut: { readonly afterBytes: number; readonly how: Cut } | null;
  readonly endless: boolean;
}

export const plainDelivery: Delivery = {
  wire: 'response',
  interim: null,
  headPace: null,
  bodyPace: null,
  holds: [],
  cut: null,
  endless: false,
};

/** `left`: the client went away, or the origin was closed, before the reply had ended. */
export type Outcome = 'complete' | 'dropped' | 'reset' | 'stalled' | 'left';

export interface Carriage {
  readonly response: ServerResponse;
  readonly socket: Socket;
  /** What the socket runs on; another one if it is TLS. */
  readonly carrier: Socket;
  readonly method: string;
  readonly reply: Reply;
  readonly delivery: Delivery;
  /** Called before the first byte of the head. */
  readonly onHead: () => void;
  /** Called when the system has taken bytes of the body. */
  readonly onSent: (bytes: number) => void;
}

/** Small enough that a count of sent bytes means something, large enough to be fast. */
const sliceBytes = 65_536;
/** How late a pace may be and still catch up, so that coarse timers do not slow it down. */
const catchUpMs = 50;

interface Wire {
  readonly head: (write: (bytes: Uint8Array) => Promise<void>) => Promise<void>;
  readonly body: (bytes: Uint8Array) => Promise<void>;
  readonly end: () => Promise<void>;
}

export async function deliver(carriage: Carriage): Promise<Outcome> {
  const { socket } = carriage;
  if (socket.destroyed) return 'left';
  const gone = new AbortController();
  const leave = (): void => gone.abort();
  socket.once('close', leave);
  try {
    return await send(carriage, gone.signal);
  } catch (error) {
    if (gone.signal.aborted || socket.destroyed) return 'left';
    throw error;
  } finally {
    socket.off('close', leave);
  }
}

async function send(carriage: Carriage, gone: AbortSignal): Promise<Outcome> {
  const { socket, reply, delivery } = carriage;
  const wire = delivery.wire === 'socket' ? socketWire(carriage, gone) : responseWire(carriage, gone);
  const bodyLess = carriage.method === 'HEAD' || reply.status === 304 || reply.status === 204;
  const body = bodyLess ? new Uint8Array(0) : reply.body;
  const pending = [...delivery.holds];

  const stopAt = async (place: number): Promise<Outcome | null> => {
    for (const hold of pending.filter(({ afterBytes }) => afterBytes === place)) {
      pending.splice(pending.indexOf(hold), 1);
      hold.gate.reach();
      await unlessGone(gone, hold.gate.opened);
    }
    return delivery.cut?.afterBytes === place ? cut(carriage, delivery.cut.how) : null;
  };

  for (let count = 0; count < (delivery.interim?.count ?? 0); count += 1) {
    await written(gone, (done) => socket.write('HTTP/1.1 102 Processing\r\n\r\n', done));
    await sleep(delivery.interim?.intervalMs, undefined, { signal: gone });
  }
  const early = await stopAt(beforeHead);
  if (early !== null) return early;
  carriage.onHead();
  await wire.head(pacedWrite(delivery.headPace, gone, (bytes) => written(gone, (done) => socket.write(bytes, done))));

  const write = pacedWrite(delivery.bodyPace, gone, async (bytes) => {
    await wire.body(bytes);
    carriage.onSent(bytes.length);
  });
  let sent = 0;
  const endless = delivery.endless && body.length > 0;
  while (true) {
    const stopped = await stopAt(sent);
    if (stopped !== null) return stopped;
    if (!endless && sent >= body.length) break;
    const at = sent % Math.max(1, body.length);
    const stops = [...pending, ...(delivery.cut === null ? [] : [delivery.cut])].map(
      ({ afterBytes }) => afterBytes - sent,
    );
    const length = Math.min(sliceBytes, body.length - at, ...stops.filter((distance) => distance > 0));
    await write(body.subarray(at, at + length));
    sent += length;
  }
  await wire.end();
  return 'complete';
}

function cut({ socket, carrier }: Carriage, how: Cut): Outcome {
  switch (how) {
    case 'drop':
      socket.destroySoon();
      return 'dropped';
    case 'sever':
      carrier.destroySoon();
      return 'dropped';
    case 'reset':
      carrier.resetAndDestroy();
      return 'reset';
    case 'stall':
      return 'stalled';
    default:
      return how satisfies never;
  }
}

/** Writes slices of at most the pace's size, each not before its time. */
function pacedWrite(pace: Pace | null, gone: AbortSignal, write: (bytes: Uint8Array) => Promise<void>) {
  let dueMs: number | null = null;
  return async (bytes: Uint8Array): Promise<void> => {
    if (pace === null) return write(bytes);
    for (let at = 0; at < bytes.length; at += pace.bytes) {
      const nowMs = performance.now();
      dueMs = dueMs === null ? nowMs : Math.max(dueMs, nowMs - catchUpMs);
      if (dueMs > nowMs) await sleep(dueMs - nowMs, undefined, { signal: gone });
      const slice = bytes.subarray(at, at + pace.bytes);
      await write(slice);
      dueMs += (pace.intervalMs * slice.length) / pace.bytes;
    }
  };
}

function framingHeaders(reply: Reply): Record<string, string> {
  if (reply.status === 304 || reply.status === 204 || reply.framing === 'close') return {};
  if (reply.framing === 'chunked') return { 'transfer-encoding': 'chunked' };
  return { 'content-length': String(reply.body.length + reply.lengthError) };
}

function responseWire({ response, reply }: Carriage, gone: AbortSignal): Wire {
  return {
    head: async () => {
      response.writeHead(reply.status, { ...reply.headers, ...framingHeaders(reply) });
      response.flushHeaders();
    },
    body: (bytes) => written(gone, (done) => response.write(bytes, done)),
    end: () => written(gone, (done) => response.end(done)),
  };
}

function socketWire({ socket, reply, method }: Carriage, gone: AbortSignal): Wire {
  const write = (bytes: Uint8Array | string): Promise<void> => written(gone, (done) => socket.write(bytes, done));
  const inChunks = reply.framing === 'chunked' && method !== 'HEAD';
  let chunkOpen = false;
  return {
    head: async (paced) => {
      const headers = {
        date: new Date().toUTCString(),
        ...reply.headers,
        ...framingHeaders(reply),
        connection: 'close',
      };
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      await paced(Buffer.from(`HTTP/1.1 ${reply.status} ${STATUS_CODES[reply.status] ?? ''}\r\n${lines.join('')}\r\n`));
    },
    body: async (bytes) => {
      if (inChunks && !chunkOpen) {
        chunkOpen = true;
        await write(`${reply.body.length.toString(16)}\r\n`);
      }
      await write(bytes);
    },
    end: async () => {
      if (inChunks) await write(chunkOpen ? '\r\n0\r\n\r\n' : '0\r\n\r\n');
      await written(gone, (done) => socket.end(done));
    },
  };
}

/** Resolves when the system has taken the bytes, so a slow reader slows the origin and nothing piles up. */
function written(gone: AbortSignal, write: (done: (error?: Error | null) => void) => void): Promise<void> {
  return unlessGone(
    gone,
    new Promise<void>((resolve, reject) => write((error) => (error ? reject(error) : resolve()))),
  );
}

/** A write to a destroyed socket may never be answered, nor a gate ever be opened: the end of the connection ends the wait. */
async function unlessGone(gone: AbortSignal, wait: Promise<void>): Promise<void> {
  let leave: (() => void) | undefined;
  const left = new Promise<never>((_, reject) => {
    leave = () => reject(new Error('the connection has ended'));
    if (gone.aborted) leave();
    else gone.addEventListener('abort', leave, { once: true });
  });
  try {
    await Promise.race([wait, left]);
  } finally {
    if (leave !== undefined) gone.removeEventListener('abort', leave);
  }
}
