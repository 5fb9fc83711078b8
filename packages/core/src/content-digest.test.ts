import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { readContentDigest } from './content-digest.js';

const told = (text: string) => readContentDigest({ 'content-digest': text });
const of = (algorithm: string, text: string, encoding: 'base64' | 'hex') =>
  createHash(algorithm).update(text).digest(encoding);
const sha256 = `sha-256=:${of('sha256', 'part', 'base64')}:`;
const sha512 = `sha-512=:${of('sha512', 'part', 'base64')}:`;

it('70: the digest of a message is read, the stronger of two', () => {
  expect(told(sha256)).toEqual({ algorithm: 'sha256', hex: of('sha256', 'part', 'hex') });
  for (const both of [`${sha256}, ${sha512}`, `${sha512},${sha256}`, `md5=:AAAA:, ${sha512}`]) {
    expect(told(both)).toEqual({ algorithm: 'sha512', hex: of('sha512', 'part', 'hex') });
  }
});

it('70: any bytes are read as they were hashed', () => {
  for (let i = 0; i < 200; i++) {
    const text = String(i);
    expect(told(`sha-256=:${of('sha256', text, 'base64')}:`)?.hex).toBe(of('sha256', text, 'hex'));
    expect(told(`sha-512=:${of('sha512', text, 'base64')}:`)?.hex).toBe(of('sha512', text, 'hex'));
  }
});

it('70: of a key that comes twice the last one counts', () => {
  expect(told(`sha-256=:${of('sha256', 'x', 'base64')}:, ${sha256}`)?.hex).toBe(of('sha256', 'part', 'hex'));
});

it.each(['md5=:1B2M2Y8AsgTpgAmY7PhCfg==:', 'sha=:AAAA:, adler=:AAAA:, crc32c=:AAAA:', 'unixsum=:AA==:'])(
  '72: a digest that is too weak to tell anything is none: %s',
  (text) => {
    expect(told(text)).toBeNull();
  },
);

it.each([
  '',
  'sha-256',
  'sha-256=',
  'sha-256=::',
  'sha-256=:?:, ;;',
  'sha-256=:AAAA:',
  sha256.replace(':', ''),
  sha256.replace('=:', '=":'),
  sha256.toUpperCase(),
  `${sha256},`,
  `${sha256};`,
  `,${sha256}`,
  `${sha256} ${sha256}`,
  `sha-256=:${of('sha256', 'part', 'hex')}:`,
  `sha-256=:${of('sha256', 'part', 'base64').replace('=', '')}:`,
  `${sha256}${','.repeat(2_000)}`,
])('73: what is malformed is ignored: %j', (text) => {
  expect(told(text)).toBeNull();
});

it('70: a message without one tells none', () => {
  expect(readContentDigest({})).toBeNull();
});
