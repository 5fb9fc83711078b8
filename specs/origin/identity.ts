/**
 * Who a server is to those who speak TLS with it: a key, and a certificate that it gave itself. Made by `openssl` for one test run;
 * whoever is to believe it is told so by `trusting`, and in a process of its own by `NODE_EXTRA_CA_CERTS`.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { promisify } from 'node:util';

export interface Identity {
  /** PEM. */
  readonly key: string;
  readonly cert: string;
}

/** As in the `subjectAltName` of a certificate. */
export const LOOPBACK = ['IP:127.0.0.1', 'DNS:localhost'];

export async function makeIdentity(names: readonly string[] = LOOPBACK, days = 2): Promise<Identity> {
  const dir = await mkdtemp(join(tmpdir(), 'lading-identity-'));
  try {
    const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
    await promisify(execFile)('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
      ...['-subj', '/CN=lading test', '-addext', `subjectAltName=${names.join(',')}`],
      ...['-days', String(days), '-keyout', key, '-out', cert],
    ]);
    return { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Lets every connection of this process believe in a certificate, beside those it believes in anyway, until it is disposed of. */
export function trusting({ cert }: Identity): Disposable {
  const before = tls.createSecureContext;
  tls.createSecureContext = (options) =>
    before({ ...options, ca: [options?.ca ?? [...tls.rootCertificates], cert].flat() });
  return {
    [Symbol.dispose]: () => {
      tls.createSecureContext = before;
    },
  };
}
