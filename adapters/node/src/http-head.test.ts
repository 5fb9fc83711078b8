import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProtocolBreach } from './http-fault.js';
import { endOfHead, readHead } from './http-head.js';

const head = (...lines: string[]): Buffer => Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
const OK = 'HTTP/1.1 200 OK';

function breachOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof ProtocolBreach) return error.code;
    throw error;
  }
  return 'none';
}

describe('a head', () => {
  it('is read with its status, its headers and where its body ends', () => {
    expect(readHead(head(OK, 'Content-Length: 12', 'ETag:"a"', 'x-empty:', 'X-Spaces: \t a b \t'))).toEqual({
      status: 200,
      headers: { 'content-length': '12', etag: '"a"', 'x-empty': '', 'x-spaces': 'a b' },
      body: 12,
      isKept: true,
    });
  });

  it('joins headers that come twice, and lines that are folded', () => {
    const { headers } = readHead(head(OK, 'link: a', 'Link: b', 'etag: "a', ' \t b"'));
    expect(headers).toEqual({ link: 'a, b', etag: '"a b"' });
  });

  it('may name a header as objects name what they inherit', () => {
    expect(readHead(head(OK, '__proto__: a', 'constructor: b')).headers['constructor']).toBe('b');
  });

  it.each([
    ['HTTP/1.1 999 Odd', 999],
    ['HTTP/1.1 200', 200],
    ['HTTP/1.1 200 ', 200],
    ['HTTP/1.0 206 Très bien', 206],
  ])('%j says %i', (line, status) => {
    expect(readHead(head(line)).status).toBe(status);
  });

  it.each([
    ['HTTP/1.1 200 OK', [], 'close', false],
    ['HTTP/1.1 200 OK', ['content-length: 0'], 0, true],
    ['HTTP/1.1 200 OK', ['content-length: 0', 'connection: a, Close'], 0, false],
    ['HTTP/1.0 200 OK', ['content-length: 5'], 5, false],
    ['HTTP/1.0 200 OK', ['content-length: 5', 'Connection: keep-alive'], 5, true],
    ['HTTP/1.1 200 OK', ['transfer-encoding: Chunked'], 'chunked', true],
    ['HTTP/1.1 204 No Content', ['content-length: 5'], 0, true],
    ['HTTP/1.1 304 Not Modified', [], 0, true],
    ['HTTP/1.1 100 Continue', [], 0, true],
  ])('%j with %j ends its body at %j and keeps its connection: %j', (line, fields, body, isKept) => {
    expect(readHead(head(line, ...fields))).toMatchObject({ body, isKept });
  });

  it.each([
    ['noHttp', ['HTTP/2 200']],
    ['noHttp', ['HTTP/1.1 2000 OK']],
    ['noHttp', ['HTTP/1.1 099 Odd']],
    ['noHttp', ['HTTP/1.1  200 OK']],
    ['header', [OK, 'content-length : 5']],
    ['header', [OK, ': 5']],
    ['header', [OK, 'nothing']],
    ['header', [OK, ' folded: nowhere']],
    ['header', [OK, 'etag: "\0"']],
    ['header', [OK, 'a: \r']],
    ['contentLength', [OK, 'content-length: 2', 'content-length: 3']],
    ['contentLength', [OK, 'content-length: 2, 2']],
    ['contentLength', [OK, 'content-length: -1']],
    ['contentLength', [OK, 'content-length: +1']],
    ['contentLength', [OK, 'content-length: 0x10']],
    ['contentLength', [OK, 'content-length:']],
    ['contentLength', [OK, 'content-length: 99999999999999999999']],
    ['twoEnds', [OK, 'content-length: 5', 'transfer-encoding: chunked']],
    ['transferEncoding', [OK, 'transfer-encoding: gzip, chunked']],
    ['transferEncoding', [OK, 'transfer-encoding: chunked', 'transfer-encoding: chunked']],
    ['transferEncoding', ['HTTP/1.0 200 OK', 'transfer-encoding: chunked']],
  ])('is refused for its %s: %j', (code, lines) => {
    expect(breachOf(() => readHead(head(...lines)))).toBe(code);
  });

  it('is refused with more than a thousand headers', () => {
    const fields = (count: number) => Array.from({ length: count }, (_, i) => `x${i}:`);
    expect(breachOf(() => readHead(head(OK, ...fields(1_000))))).toBe('none');
    expect(breachOf(() => readHead(head(OK, ...fields(1_001))))).toBe('headers');
  });

  it('takes no longer for spaces without end', () => {
    const spaces = ' '.repeat(60_000);
    expect(readHead(head(OK, `a:${spaces}b${spaces}c${spaces}`)).headers['a']).toBe(`b${spaces}c`);
    expect(breachOf(() => readHead(head(OK, `a:${spaces}\0`)))).toBe('header');
  });

  it('never throws anything else, whatever is in it', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('\0', '\t', ' ', ':', ',', 'a', 'é', '\r', '\n'), maxLength: 40 }),
        (text) => {
          breachOf(() => readHead(head(OK, ...text.split('\r\n'))));
        },
      ),
    );
  });
});

describe('the end of a head', () => {
  const bytes = head(OK, 'a: b');

  it('is found wherever the network cuts it, and what is behind it is not looked at', () => {
    const whole = Buffer.concat([bytes, Buffer.from('\n\nbody')]);
    for (let cut = 0; cut < bytes.length; cut++) {
      expect(endOfHead(whole.subarray(0, cut), 0), `${cut}`).toBe(-1);
      expect(endOfHead(whole, cut), `${cut}`).toBe(bytes.length);
    }
  });

  it.each([
    ['bareLineFeed', 'HTTP/1.1 200 OK\n'],
    ['bareLineFeed', 'HTTP/1.1 200 OK\r\na: b\n\r\n'],
    ['bareLineFeed', '\n'],
    ['noHttp', 'SSH-2.0'],
    ['noHttp', 'HTTQ'],
    ['headerOverflow', `HTTP/1.1 200 OK\r\na: ${'b'.repeat(65_536)}`],
    ['headerOverflow', `HTTP/1.1 200 OK\r\na: ${'b'.repeat(65_536)}\r\n\r\n`],
  ])('is not waited for: %s', (code, text) => {
    expect(breachOf(() => endOfHead(Buffer.from(text), 0))).toBe(code);
  });
});
