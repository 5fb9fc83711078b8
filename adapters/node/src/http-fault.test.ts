import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { constants } from 'node:os';
import { expect, it } from 'vitest';
import { HttpFetcher } from './fetcher.js';
import { httpFault } from './http-fault.js';

const coded = (code: string): Error => Object.assign(new Error(`it was ${code}`), { code });
const faultOf = (error: unknown, isBody = false): unknown => {
  const { fault } = httpFault(error, 'http://x', isBody) as { fault: { type: string; detail: string } };
  return [fault.type, fault.detail];
};

/** What a request may be told by the system, the resolver, OpenSSL and the parser, on its way to a head. */
const heads: readonly (readonly [type: string, codes: string])[] = [
  [
    'networkUnreachable',
    'ECONNREFUSED ENOTFOUND EHOSTUNREACH EHOSTDOWN ENETUNREACH ENETDOWN EADDRNOTAVAIL EAFNOSUPPORT EACCES EPERM',
  ],
  ['networkUnreachable', 'EAI_AGAIN EAI_FAIL EAI_NODATA EAI_NONAME EAI_MEMORY EAI_SYSTEM EAI_ADDRFAMILY'],
  ['networkTimeout', 'ETIMEDOUT'],
  ['interrupted', 'ECONNRESET ECONNABORTED ENETRESET ENOTCONN EPIPE ERR_STREAM_PREMATURE_CLOSE'],
  ['serverError', 'HPE_HEADER_OVERFLOW HPE_INVALID_CONSTANT HPE_INVALID_STATUS HPE_UNEXPECTED_CONTENT_LENGTH'],
  ['serverError', 'HPE_INVALID_CONTENT_LENGTH HPE_INVALID_TRANSFER_ENCODING HPE_INVALID_VERSION HPE_CR_EXPECTED'],
  ['serverError', 'EPROTO ERR_SSL_WRONG_VERSION_NUMBER ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'],
  ['storageError', 'EMFILE ENFILE ENOBUFS ENOMEM'],
  ['unknown', 'ERR_INVALID_ARG_TYPE'],
];
const certificates =
  'CERT_HAS_EXPIRED CERT_NOT_YET_VALID CERT_REVOKED CERT_UNTRUSTED CERT_REJECTED CERT_CHAIN_TOO_LONG CERT_SIGNATURE_FAILURE ' +
  'DEPTH_ZERO_SELF_SIGNED_CERT SELF_SIGNED_CERT_IN_CHAIN UNABLE_TO_GET_ISSUER_CERT UNABLE_TO_GET_ISSUER_CERT_LOCALLY ' +
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE UNABLE_TO_GET_CRL CRL_HAS_EXPIRED ERROR_IN_CERT_NOT_AFTER_FIELD INVALID_CA INVALID_PURPOSE ' +
  'PATH_LENGTH_EXCEEDED HOSTNAME_MISMATCH ERR_TLS_CERT_ALTNAME_INVALID ERR_TLS_CERT_ALTNAME_FORMAT';

it.each(heads)('before a head, %s is what %s mean', (type, codes) => {
  for (const code of codes.split(' ')) expect(faultOf(coded(code))).toEqual([type, code]);
});

it('a certificate that is not good is told as such, whatever is wrong with it', () => {
  for (const code of certificates.split(' '))
    expect(faultOf(coded(code))).toEqual(['networkUnreachable', 'certificate']);
});

it('in a body, what breaks the protocol breaks the connection: what came before is good', () => {
  for (const code of ['HPE_INVALID_CHUNK_SIZE', 'HPE_CHUNK_EXTENSIONS_OVERFLOW', 'ERR_SSL_BAD_RECORD_MAC', 'EPROTO'])
    expect(faultOf(coded(code), true)).toEqual(['interrupted', code]);
});

it('of several addresses the first error is told, and of one that is wrapped the inner one', () => {
  const several = Object.assign(new AggregateError([coded('ECONNREFUSED'), coded('ENETUNREACH')]), {
    code: 'ETIMEDOUT',
  });
  expect(faultOf(several)).toEqual(['networkUnreachable', 'ECONNREFUSED']);
  expect(faultOf(new TypeError('failed', { cause: coded('EAI_AGAIN') }))).toEqual(['networkUnreachable', 'EAI_AGAIN']);
});

it('no error that the system knows of a connection is without a meaning', () => {
  const network = /^E(CONN|NET|HOST|ADDRNOT|AF|PIPE|TIMEDOUT|NOTCONN|NOBUFS|MFILE|NFILE|NOMEM|ACCES$|PERM$|PROTO$)/;
  const codes = Object.keys(constants.errno).filter((code) => network.test(code) && code !== 'EADDRINUSE');
  expect(codes.length).toBeGreaterThan(12);
  expect(codes.filter((code) => (faultOf(coded(code)) as string[])[0] === 'unknown')).toEqual([]);
});

it('what nobody knows stays unknown', () => {
  expect(httpFault(new TypeError('odd'), 'x', false)).toMatchObject({ fault: { type: 'unknown' } });
});

it.each([
  ['a status below 100', 'HTTP/1.1 099 What\r\ncontent-length: 0\r\n\r\n'],
  ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n'],
  ['no HTTP', 'ICY 200 OK\r\n\r\n'],
  ['a greeting of another protocol', 'SSH-2.0-OpenSSH_9.2\r\n'],
  [
    'another protocol that was not asked for',
    'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\nx',
  ],
  ['a head that ends with a line feed and a NUL', 'HTTP/1.1 200 OK\n\0\n\n'],
  ['a name of a header with a space', 'HTTP/1.1 200 OK\r\nconte nt: 1\r\n\r\n'],
  [
    'a coding that is not the last one, and a length',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked, gzip\r\ncontent-length: 3\r\n\r\nabc',
  ],
  ['chunks whose size is no number', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n'],
])('a server that answers with %s is told, and harms nobody', async (_, reply) => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(reply, 'latin1'));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const fetcher = new HttpFetcher();
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const stop = new AbortController();
    const outcome = await fetcher
      .fetch({ url, from: null, ifRange: null, isFresh: false }, stop.signal)
      .then(
        async ({ status, body }) => {
          for await (const _ of body);
          return status;
        },
        (error: unknown) => error,
      )
      .catch((error: unknown) => error);
    if (typeof outcome === 'number') expect(outcome).toBe(99);
    else expect(outcome).toMatchObject({ fault: { type: expect.stringMatching(/^(serverError|interrupted)$/) } });
  } finally {
    await fetcher.close();
    server.close();
  }
});
