/**
 * An HTTP origin inside the command, for `lading demo`: it serves the demo catalog and its files over loopback, at one rate for
 * all connections together, and may break one connection so that the viewer sees a resume. It answers as a plain static
 * file server does: GET, HEAD, one range, strong tags. What the catalog does not name does not exist.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { demoBytes } from './demo-bytes.js';

export interface DemoOptions {
  /** For all connections together, above zero; `Infinity` does not limit. */
  readonly bytesPerSecond: number;
  /** Whether the first request that carries the largest file past its middle is cut there, once. */
  readonly dropOnce: boolean;
}

export interface DemoStats {
  readonly requests: number;
  /** Bytes of bodies. */
  readonly bytesSent: number;
  /** Connections cut by `dropOnce`: 0 or 1. */
  readonly drops: number;
}

export interface DemoOrigin {
  /** Without a slash at the end. */
  readonly url: string;
  readonly catalogUrl: string;
  stats(): DemoStats;
  /** Ends all connections. */
  close(): Promise<void>;
}

interface Content {
  readonly sizeBytes: number;
  readonly etag: string;
  readonly type: string;
  readonly read: (from: number, to: number) => Uint8Array;
}

/** What this page needs of the catalog; the generator wrote it and its test reads it, so nobody checks it here. */
interface Catalog {
  readonly cores: readonly (CatalogFile | { readonly files: readonly CatalogFile[] })[];
}

interface CatalogFile {
  readonly url: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

const catalogPath = '/demo.json';
/** Made from their names; all other files lie in `manifests/demo`. */
const grown = /\.(onnx|bin)$/;
const maximumSliceBytes = 65_536;
const minimumSliceBytes = 1_024;
/** How late the throttle may be and still catch up: timers are coarse and would slow it down otherwise. */
const catchUpMs = 100;

export async function startDemoOrigin({ bytesPerSecond, dropOnce }: DemoOptions): Promise<DemoOrigin> {
  if (!(bytesPerSecond > 0)) throw new RangeError(`bytesPerSecond must be above zero: ${bytesPerSecond}`);
  const contents = readContents();
  const largest = [...contents.values()].reduce((one, other) => (other.sizeBytes > one.sizeBytes ? other : one));
  // A little past the middle: the very middle is likely to be where a client that asks piece by piece begins anew.
  const dropAt = Math.floor(largest.sizeBytes * 0.55);
  const take = sharedThrottle(bytesPerSecond);
  const sliceBytes = Math.max(minimumSliceBytes, Math.min(maximumSliceBytes, Math.round(bytesPerSecond / 50)));
  let [requests, bytesSent, drops] = [0, 0, 0];

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    requests += 1;
    const content = contents.get(request.url?.split('?')[0] ?? '');
    const { from, to } = begin(request, response, content);
    if (content === undefined || from === to) {
      response.end();
      return;
    }
    const left = new AbortController();
    response.once('close', () => left.abort());
    const mayDrop = dropOnce && drops === 0 && content === largest && dropAt < to;
    for (let at = from; at < to; ) {
      const until = Math.min(to, at + sliceBytes, mayDrop && at < dropAt ? dropAt : to);
      await take(until - at, left.signal);
      if (left.signal.aborted) return;
      await write(response, content.read(at, until), left.signal);
      if (left.signal.aborted) return;
      bytesSent += until - at;
      at = until;
      if (mayDrop && at === dropAt && drops === 0) {
        drops += 1;
        response.destroy();
        return;
      }
    }
    response.end();
  }

  const server = createServer((request, response) => void serve(request, response));
  // An idle connection that ends by itself would look like a second fault.
  server.keepAliveTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    catalogUrl: url + catalogPath,
    stats: () => ({ requests, bytesSent, drops }),
    close: async () => {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Beside the bundle, where the build puts the catalogs; run from its source, in the workspace. */
function readManifest(name: string): Buffer {
  try {
    return readFileSync(new URL(`./manifests/${name}`, import.meta.url));
  } catch {
    return readFileSync(new URL(`../../../manifests/${name}`, import.meta.url));
  }
}

function readContents(): ReadonlyMap<string, Content> {
  const catalog = readManifest('demo.json');
  const contents = new Map([[catalogPath, stored(catalog, catalogPath)]]);
  const { cores } = JSON.parse(catalog.toString('utf8')) as Catalog;
  for (const { url, sizeBytes, sha256 } of cores.flatMap((core) => ('files' in core ? core.files : [core]))) {
    const path = new URL(url, `http://demo${catalogPath}`).pathname;
    const name = path.slice(path.lastIndexOf('/') + 1);
    contents.set(
      path,
      grown.test(name)
        ? { sizeBytes, etag: tagOf(sha256), type: typeOf(name), read: (from, to) => demoBytes(name, from, to) }
        : stored(readManifest(`demo/${name}`), name),
    );
  }
  return contents;
}

function stored(bytes: Buffer, name: string): Content {
  const etag = tagOf(createHash('sha256').update(bytes).digest('hex'));
  return { sizeBytes: bytes.length, etag, type: typeOf(name), read: (from, to) => bytes.subarray(from, to) };
}

function tagOf(sha256: string): string {
  return `"${sha256.slice(0, 32)}"`;
}

function typeOf(name: string): string {
  if (name.endsWith('.json')) return 'application/json';
  return name.endsWith('.gz') ? 'application/gzip' : 'application/octet-stream';
}

/** Writes the head and says which bytes `[from, to)` have to follow. */
function begin(
  { method, headers }: IncomingMessage,
  response: ServerResponse,
  content: Content | undefined,
): { readonly from: number; readonly to: number } {
  const nothing = { from: 0, to: 0 };
  // Pages on other ports may read all of it: it is public, and only loopback can reach it.
  response.setHeader('access-control-allow-origin', '*');
  response.setHeader('access-control-expose-headers', 'accept-ranges, content-length, content-range, etag');
  if (method !== 'GET' && method !== 'HEAD') {
    response.writeHead(405, { allow: 'GET, HEAD', 'content-length': 0 });
    return nothing;
  }
  if (content === undefined) {
    response.writeHead(404, { 'content-length': 0 });
    return nothing;
  }
  const { sizeBytes, etag, type } = content;
  const ifRange = headers['if-range'];
  const honoured = method === 'GET' && (ifRange === undefined || ifRange === etag);
  const part = honoured ? partOf(headers.range, sizeBytes) : undefined;
  if (part === 'unsatisfiable') {
    response.writeHead(416, { 'content-range': `bytes */${sizeBytes}`, 'content-length': 0 });
    return nothing;
  }
  const { from, to } = part ?? { from: 0, to: sizeBytes };
  response.writeHead(part === undefined ? 200 : 206, {
    'content-type': type,
    'content-length': to - from,
    'accept-ranges': 'bytes',
    etag,
    ...(part && { 'content-range': `bytes ${from}-${to - 1}/${sizeBytes}` }),
  });
  return method === 'HEAD' ? nothing : { from, to };
}

/** RFC 9110 §14.1.2, one range; undefined means the whole, as the RFC allows for everything else. */
function partOf(range: string | undefined, sizeBytes: number) {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(range ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  const from = first === '' ? Math.max(0, sizeBytes - Number(last)) : Number(first);
  const to = first === '' || last === '' ? sizeBytes : Math.min(sizeBytes, Number(last) + 1);
  if (first !== '' && last !== '' && Number(last) < from) return undefined;
  return from < sizeBytes ? { from, to } : 'unsatisfiable';
}

/** Slices leave one after the other, whoever sends them: each books the time that it takes at the rate. */
function sharedThrottle(bytesPerSecond: number): (bytes: number, left: AbortSignal) => Promise<void> {
  let freeMs = performance.now();
  return async (bytes, left) => {
    const nowMs = performance.now();
    const atMs = Math.max(freeMs, nowMs - catchUpMs);
    freeMs = atMs + (bytes * 1000) / bytesPerSecond;
    // Rejects only when the client has left, which the caller sees.
    if (atMs > nowMs) await sleep(atMs - nowMs, undefined, { signal: left }).catch(() => {});
  };
}

/** Resolves when the system has taken the bytes or the client has left. */
function write(response: ServerResponse, bytes: Uint8Array, left: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      left.removeEventListener('abort', done);
      resolve();
    };
    left.addEventListener('abort', done);
    response.write(bytes, done);
  });
}
