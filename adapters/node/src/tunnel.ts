import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, type Socket } from 'node:net';
import { headersThrough, ProxyRefusal, type ProxyServer } from './proxy.js';

/** Bytes of the head that a proxy answers with. */
const MAX_HEADER_BYTES = 16 * 1024;

/** Opens a connection inside a tunnel: the proxy carries bytes that it cannot read. */
export function tunnel(proxy: ProxyServer, host: string, port: number, ending: AbortSignal): Promise<Socket> {
  const target = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
  return new Promise((resolve, reject) => {
    ending.throwIfAborted();
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
