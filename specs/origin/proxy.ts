/** A proxy on loopback (RFC 9110 §7.3.2, §9.3.6): passes plain requests on, opens tunnels for others, and keeps a log of what it was shown. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, request as requestHttp } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

export interface ProxiedRequest {
  readonly method: string;
  /** The target as it came: absolute, or of a tunnel the host and port. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
}

export interface TestProxy extends AsyncDisposable {
  /** Without a slash at the end. */
  readonly url: string;
  readonly requests: readonly ProxiedRequest[];
}

export interface ProxyOptions {
  /** `name:password` that it wants. */
  readonly credentials?: string;
  /** What it writes to a tunnel's first line instead of opening one; an empty text is silence. */
  readonly tunnelReply?: string;
}

export async function startProxy({ credentials, tunnelReply }: ProxyOptions = {}): Promise<TestProxy> {
  const requests: ProxiedRequest[] = [];
  const sockets = new Set<Socket>();
  const wanted = credentials === undefined ? undefined : `Basic ${Buffer.from(credentials).toString('base64')}`;
  const isWelcome = (headers: IncomingHttpHeaders): boolean =>
    wanted === undefined || headers['proxy-authorization'] === wanted;
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => sockets.delete(socket));
  };
  const server = createServer((request, response) => {
    const { method = '', url: target = '', headers } = request;
    requests.push({ method, target, headers });
    if (!isWelcome(headers)) {
      response.writeHead(407, { 'proxy-authenticate': 'Basic realm="proxy"' }).end();
      return;
    }
    const { 'proxy-authorization': _, ...passed } = headers;
    const on = requestHttp(target, { method, headers: passed, agent: false }, (reply) => {
      response.writeHead(reply.statusCode ?? 502, reply.headers);
      reply.pipe(response);
      reply.on('error', () => response.destroy());
    });
    on.on('error', () => response.destroy());
    response.on('close', () => on.destroy());
    on.end();
  });
  server.on('connection', keep);
  server.on('connect', ({ method = '', url: target = '', headers }, socket: Socket) => {
    requests.push({ method, target, headers });
    if (!isWelcome(headers)) return void socket.end('HTTP/1.1 407 No\r\ncontent-length: 0\r\n\r\n');
    if (tunnelReply !== undefined) return void (tunnelReply === '' || socket.write(tunnelReply));
    const { hostname, port } = new URL(`http://${target}`);
    const far = connect(Number(port), hostname.replace(/^\[|\]$/g, ''), () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      far.pipe(socket).pipe(far);
    });
    keep(far);
    far.once('close', () => socket.destroy());
    socket.once('close', () => far.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
