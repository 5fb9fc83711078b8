// A real nginx on free ports, with a configuration and folder of its own; ended by the handle that was returned.
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const answers = (port) =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

/** Serves `root`; resolves when it takes connections. With `{ key, certificate }` it does so at `tlsUrl` too. */
export async function startNginx(dir, root, tls = null) {
  const port = await freePort();
  const tlsPort = await freePort();
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${join(dir, name)};`)
    .join(' ');
  // Started by root, its workers would be nobody, who may not look into a folder of our own.
  const user = process.getuid?.() === 0 ? 'user root; ' : '';
  const secure =
    tls === null
      ? ''
      : `listen 127.0.0.1:${tlsPort} ssl; ssl_certificate ${tls.certificate}; ssl_certificate_key ${tls.key};`;
  // The hub's own client builds addresses of this shape; there is nothing else of a hub here.
  const hub = 'rewrite ^/bench/([^/]+)/resolve/main/(.*)$ /$1/$2 last;';
  const config = `${user}daemon off; worker_processes 1; pid ${join(dir, 'nginx.pid')}; error_log ${join(dir, 'error.log')};
events { worker_connections 256; }
http { access_log off; sendfile on; keepalive_requests 100000; types { text/html html; text/javascript js; application/json json; } ${temporary}
server { listen 127.0.0.1:${port}; ${secure} root ${root}; ${hub} } }`;
  const path = join(dir, 'nginx.conf');
  await writeFile(path, config);
  const child = spawn('nginx', ['-c', path, '-p', dir], { stdio: 'ignore' });
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  while (!(await answers(port))) {
    const gone = await Promise.race([ended.then(() => true), new Promise((resolve) => setTimeout(resolve, 20, false))]);
    if (gone) throw new Error(`nginx did not start; ${join(dir, 'error.log')} says why`);
  }
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    tlsUrl: tls === null ? null : `https://127.0.0.1:${tlsPort}`,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}
