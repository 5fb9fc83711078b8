import type { Agent } from 'node:http';
import type { OnReadOpts, Socket } from 'node:net';

/** What one read of a connection may bring: reads of the usual 64 KiB cost twice the time at a gigabyte a second. */
const READ_BYTES = 512 * 1024;
/** With more connections than these, each reads in small steps: what is copied from large ones lives on until memory is swept, and that is too late for many. */
const FEW = 8;
const SMALL_READ_BYTES = 64 * 1024;
/** For all connections: node:http copies what it parses, so nothing of a read is in here when the next one begins. */
const shared = Buffer.allocUnsafeSlow(READ_BYTES);
const small = shared.subarray(0, SMALL_READ_BYTES);
let open = 0;

interface Reading {
  readonly onread: OnReadOpts;
  readonly readableHighWaterMark: number;
}

/** A connection that is read in large steps, and not read at all while it is paused: what nobody has taken yet is the system's to keep. */
export function readInLargeSteps(connect: (reading: Reading) => Socket): Socket {
  const socket = connect({
    onread: {
      buffer: () => (open > FEW ? small : shared),
      callback: (length, buffer) => {
        const bytes = buffer.subarray(0, length);
        // Who does not take it at once would find the next read in its place.
        const isTaken = socket.readableFlowing === true && socket.readableLength === 0;
        return socket.push(isTaken ? bytes : Buffer.from(bytes));
      },
    },
    readableHighWaterMark: 0,
  });
  open++;
  socket.once('close', () => open--);
  return socket;
}

/** Idle for longer, a connection may have died without a word: with a network that was left, or while the machine slept. */
const MAX_IDLE_MS = 4_000;

/**
 * The idle connections of an agent. A server that speaks unasked, or whose idle connection is older than can be trusted, is met anew:
 * what it says would be taken for the answer to the next request.
 */
export class IdleConnections {
  private readonly since = new Map<Socket, number>();

  constructor(agent: Agent) {
    const keep = agent.keepSocketAlive.bind(agent) as (socket: Socket) => unknown;
    const reuse = agent.reuseSocket.bind(agent);
    const { since } = this;
    const drop = function (this: Socket): void {
      this.destroy();
    };
    const forget = function (this: Socket): void {
      since.delete(this);
    };
    Object.assign(agent, {
      keepSocketAlive: (socket: Socket): boolean => {
        if (socket.readableLength > 0 || !keep(socket)) return false;
        since.set(socket, Date.now());
        socket.on('data', drop).on('close', forget);
        return true;
      },
      reuseSocket: (socket: Socket, request: Parameters<typeof reuse>[1]): void => {
        socket.off('data', drop).off('close', forget);
        since.delete(socket);
        reuse(socket, request);
      },
    });
  }

  /** By the wall clock, which goes on while a machine sleeps. One that jumps costs no more than a new connection. */
  dropOld(): void {
    const now = Date.now();
    for (const [socket, since] of this.since) if (Math.abs(now - since) > MAX_IDLE_MS) socket.destroy();
  }
}
