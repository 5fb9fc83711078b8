// A key and a certificate for 127.0.0.1 that signs itself, made by openssl for one run; clients are told to trust this one too.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

export function makeCertificate(dir) {
  const [key, certificate] = [join(dir, 'key.pem'), join(dir, 'certificate.pem')];
  const request = '-x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=127.0.0.1';
  const names = ['-addext', 'subjectAltName=IP:127.0.0.1'];
  execFileSync('openssl', ['req', ...request.split(' '), ...names, '-keyout', key, '-out', certificate], {
    stdio: 'pipe',
  });
  return { key, certificate };
}
