/** What the environment must not change: who is asked, and whether he is who he says. A process of its own, for Node reads these at its start. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';

const MAIN = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url));
const hasOpenssl = (() => {
  try {
    return execFileSync('openssl', ['version']).length > 0;
  } catch {
    return false;
  }
})();

let root: string;
const servers: Server[] = [];

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lading-environment-'));
});

afterEach(async () => {
  for (const server of servers.splice(0)) server.close();
  await rm(root, { recursive: true, force: true });
});

async function listening(server: Server): Promise<number> {
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return (server.address() as AddressInfo).port;
}

async function download(url: string, env: NodeJS.ProcessEnv): Promise<{ code: number; text: string }> {
  const file = {
    filename: 'f',
    url,
    sizeBytes: 2,
    sha256: '8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4',
  };
  const catalog = join(root, 'catalog.json');
  await writeFile(catalog, JSON.stringify({ version: 3, id: 'm', cores: [{ id: 'core', files: [file] }] }));
  const child = spawn(
    process.execPath,
    [MAIN, 'download', 'core', '--json', '--catalog', catalog, '--dir', join(root, 'depot')],
    {
      env: { PATH: process.env['PATH'], HOME: root, LADING_RETRY_BASE_MS: '1', ...env },
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  const [code] = (await once(child, 'close')) as [number];
  return { code, text };
}

it('a proxy that the environment names is asked, and not for what `no_proxy` names', async () => {
  let asked = 0;
  const proxy = createHttp((_, response) => response.end('wrong'));
  proxy.on('connection', () => asked++);
  const there = `http://127.0.0.1:${await listening(proxy)}`;
  const origin = await listening(createHttp((_, response) => response.end('hi')));
  const env = {
    HTTP_PROXY: there,
    http_proxy: there,
    HTTPS_PROXY: there,
    https_proxy: there,
    ALL_PROXY: there,
    all_proxy: there,
  };
  expect((await download(`http://127.0.0.1:${origin}/f`, { ...env, no_proxy: '127.0.0.1' })).code).toBe(0);
  expect(asked).toBe(0);
  // It answers for the origin, and wrongly: that is found out like any other wrong answer.
  await rm(join(root, 'depot'), { recursive: true });
  expect((await download(`http://127.0.0.1:${origin}/f`, env)).code).not.toBe(0);
  expect(asked).toBeGreaterThan(0);
});

it.skipIf(!hasOpenssl)(
  'a certificate that nobody vouches for is refused, also where the environment would let it pass (needs openssl)',
  async () => {
    const [key, cert] = [join(root, 'key.pem'), join(root, 'cert.pem')];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'ed25519', '-nodes', '-days', '2', '-keyout', key, '-out', cert, ...subject],
      { stdio: 'ignore' },
    );
    let answered = 0;
    const tls = createHttps({ key: await readFile(key), cert: await readFile(cert) }, (_, response) => {
      answered++;
      response.end('hi');
    });
    const url = `https://127.0.0.1:${await listening(tls)}/f`;
    const refused = await download(url, { NODE_TLS_REJECT_UNAUTHORIZED: '0' });
    expect(refused.code).toBe(6);
    expect(refused.text).toContain('certificate');
    expect(answered).toBe(0);
    // The same server is believed where somebody does vouch for it.
    expect((await download(url, { NODE_EXTRA_CA_CERTS: cert })).code).toBe(0);
  },
);
