/**
 * A bare TCP server for what node:http cannot be made to say: contradicting lengths, endless headers, junk after the end.
 * The test writes every byte itself.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

export interface RawOrigin extends AsyncDisposable {
  /** Without a slash at the end. */
  readonly url: string;
  /** How many connections have been made so far. */
  readonly connections: number;
  /** Ends all connections. */
  close(): Promise<void>;
}

/** `serve` gets each new connection and its number, from 1. */
export async function startRawOrigin(
  serve: (socket: Socket, connection: number) => void | Promise<void>,
): Promise<RawOrigin> {
  const open = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    // A client that flees from such a server resets the connection; that is what most tests are about.
    socket.on('error', () => socket.destroy());
    void serve(socket, connections);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of open) socket.destroy();
    await closed;
  };
  return {
    url,
    get connections() {
      return connections;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/**
 * The next request head on a connection, with its empty line; null when the client ends before. What follows the head
 * stays in the socket for the next call.
 */
export async function readRequestHead(socket: Socket): Promise<string | null> {
  let head = Buffer.alloc(0);
  while (true) {
    const end = head.indexOf('\r\n\r\n');
    if (end >= 0) {
      const rest = head.subarray(end + 4);
      if (rest.length > 0) socket.unshift(rest);
      return head.subarray(0, end + 4).toString('latin1');
    }
    const more: Buffer | null = socket.read();
    if (more !== null) head = Buffer.concat([head, more]);
    else if (socket.readableEnded || socket.destroyed) return null;
    else await oneOf(socket, ['readable', 'end', 'close']);
  }
}

/** Waits for the first of some events, and leaves no listener behind. */
async function oneOf(socket: Socket, events: readonly string[]): Promise<void> {
  const done = new AbortController();
  try {
    await Promise.race(events.map((event) => once(socket, event, { signal: done.signal })));
  } finally {
    done.abort();
  }
}
