/**
 * A real nginx on an ephemeral loopback port: its own configuration, prefix and process, in a folder of the test's. Ended by the
 * process that was started, never by name.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** One line of the access log. */
export interface Served {
  readonly path: string;
  readonly status: number;
  readonly range: string | null;
  /** Bytes of the body. */
  readonly bytesSent: number;
}

export interface Nginx extends AsyncDisposable {
  /** Without a slash at the end. */
  readonly url: string;
  /** What has been served so far, in the order in which it ended. */
  served(): Promise<readonly Served[]>;
}

const program = 'nginx';
const bearableMs = 10_000;
/** A port that was free a moment ago may be taken by the time it is wanted. */
const attempts = 5;

function configuration(prefix: string, root: string, port: number): string {
  const quoted = (path: string): string => JSON.stringify(path);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `  ${name}_temp_path ${quoted(join(prefix, `${name}_temp`))};`)
    .join('\n');
  return `daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes 1;
pid ${quoted(join(prefix, 'nginx.pid'))};
error_log ${quoted(join(prefix, 'error.log'))} notice;
events { worker_connections 256; }
http {
${temporary}
  log_format plain escape=json '{"path":"$uri","status":$status,"range":"$http_range","bytesSent":$body_bytes_sent}';
  access_log ${quoted(join(prefix, 'access.log'))} plain;
  default_type application/octet-stream;
  sendfile on;
  etag on;
  server {
    listen 127.0.0.1:${port};
    root ${quoted(root)};
  }
}
`;
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const closed = once(server, 'close');
  server.close();
  await closed;
  return port;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** Serves a folder. `prefix` is made, and is where nginx keeps what it writes. */
export async function startNginx(prefix: string, root: string): Promise<Nginx> {
  await mkdir(prefix, { recursive: true });
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const file = join(prefix, 'nginx.conf');
    await writeFile(file, configuration(prefix, root, port));
    const child = spawn(program, ['-p', prefix, '-c', file, '-e', join(prefix, 'error.log')], { stdio: 'ignore' });
    const closed = once(child, 'close');
    let isGone = false;
    closed.then(
      () => {
        isGone = true;
      },
      () => {
        isGone = true;
      },
    );
    const endMs = performance.now() + bearableMs;
    let isUp = false;
    while (!isUp && !isGone && performance.now() < endMs) {
      isUp = await answers(port);
      if (!isUp) await sleep(10);
    }
    const stop = async (): Promise<void> => {
      if (isGone) return;
      child.kill('SIGTERM');
      await closed;
    };
    if (isUp && !isGone) {
      return {
        url: `http://127.0.0.1:${port}`,
        served: async () => {
          const lines = (await readFile(join(prefix, 'access.log'), 'utf8')).split('\n').filter((line) => line !== '');
          return lines.map((line) => {
            const { range, ...rest } = JSON.parse(line) as Served & { readonly range: string };
            return { ...rest, range: range === '' ? null : range };
          });
        },
        [Symbol.asyncDispose]: stop,
      };
    }
    await stop();
    if (attempt < attempts) continue;
    const log = await readFile(join(prefix, 'error.log'), 'utf8').catch(() => '');
    throw new Error(`nginx does not serve: ${log}`);
  }
}
