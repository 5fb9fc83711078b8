import { type Agent, type ClientRequestArgs, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { headersThrough, ProxyRefusal, type ProxyServer } from './proxy.js';

/** Bytes of the head that a proxy answers with. */
const MAX_HEADER_BYTES = 16 * 1024;

/** As `http-client.ts` asks for them. */
interface TunnelOptions {
  readonly host: string;
  readonly port: number | string;
  readonly ending: AbortSignal;
}

type Open = Agent['createConnection'];

/** Opens connections inside a tunnel: the proxy carries bytes that it cannot read. */
export function tunnelThrough(proxy: ProxyServer, open: Open): Open {
  return (options, callback) => {
    const { host, port, ending } = options as TunnelOptions;
    const target = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
    tunnel(proxy, target, ending)
      .then((socket) => open({ ...options, socket } as ClientRequestArgs) as Duplex)
      .then(
        (secured) => callback?.(null, secured),
        (error: Error) => callback?.(error, undefined as unknown as Duplex),
      );
    return undefined;
  };
}

function tunnel(proxy: ProxyServer, target: string, ending: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const request = (proxy.url.protocol === 'https:' ? requestHttps : requestHttp)({
      agent: false,
      method: 'CONNECT',
      host: proxy.url.hostname.replace(/^\[|\]$/g, ''),
      port: proxy.url.port === '' ? (proxy.url.protocol === 'https:' ? 443 : 80) : proxy.url.port,
      path: target,
      headers: { host: target, ...headersThrough(proxy) },
      maxHeaderSize: MAX_HEADER_BYTES,
      rejectUnauthorized: true,
    });
    const stop = (): void => void request.destroy();
    ending.addEventListener('abort', stop, { once: true });
    request.on('error', reject);
    request.once('connect', ({ statusCode = 0 }, socket: Socket, head: Buffer) => {
      ending.removeEventListener('abort', stop);
      socket.on('error', () => undefined);
      // Whoever speaks before TLS has begun, speaks for itself.
      if (statusCode >= 200 && statusCode < 300 && head.length === 0) return resolve(socket);
      socket.destroy();
      reject(new ProxyRefusal(proxy, statusCode));
    });
    request.once('close', () => {
      ending.removeEventListener('abort', stop);
      reject(Object.assign(new Error(`the proxy ${proxy.name} closed the connection`), { code: 'ECONNRESET' }));
    });
    request.end();
  });
}
