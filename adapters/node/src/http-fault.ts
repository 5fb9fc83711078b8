import type { FaultType } from '@lading/core';
import { FaultError } from '@lading/runtime';
import { ProxyRefusal } from './proxy.js';

/** What a server says that no client has to listen to; `code` is the detail of the fault it makes. */
export class ProtocolBreach extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** The connection went without a word. */
export const connectionClosed = (): Error =>
  Object.assign(new Error('the connection was closed'), { code: 'ECONNABORTED' });

interface Coded {
  readonly code?: string;
  readonly name?: string;
  readonly message?: string;
  readonly cause?: unknown;
  readonly errors?: readonly unknown[];
}

const TYPES: Readonly<Record<string, FaultType>> = {
  ECONNREFUSED: 'networkUnreachable',
  ENOTFOUND: 'networkUnreachable',
  EHOSTUNREACH: 'networkUnreachable',
  EHOSTDOWN: 'networkUnreachable',
  ENETUNREACH: 'networkUnreachable',
  ENETDOWN: 'networkUnreachable',
  EADDRNOTAVAIL: 'networkUnreachable',
  EAFNOSUPPORT: 'networkUnreachable',
  // A firewall of this machine.
  EACCES: 'networkUnreachable',
  EPERM: 'networkUnreachable',
  proxyUnknown: 'networkUnreachable',
  ETIMEDOUT: 'networkTimeout',
  ECONNRESET: 'interrupted',
  ECONNABORTED: 'interrupted',
  ENETRESET: 'interrupted',
  ENOTCONN: 'interrupted',
  EPIPE: 'interrupted',
  ERR_STREAM_PREMATURE_CLOSE: 'interrupted',
  // Too many connections, or no memory for one more.
  EMFILE: 'storageError',
  ENFILE: 'storageError',
  ENOBUFS: 'storageError',
  ENOMEM: 'storageError',
};

/** What OpenSSL, by the names of Node, finds wrong with a certificate (`X509_V_ERR_…`). */
const isCertificate = (code: string): boolean =>
  /^(CERT_|CRL_|ERROR_IN_C|ERR_TLS_CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_)/.test(
    code,
  );
/** What `getaddrinfo` says. */
const isResolver = (code: string): boolean => code.startsWith('EAI_');
/** Of a head: no such protocol is spoken there. In a body: what came was cut, or not what was sent. */
const isProtocol = (code: string): boolean => code === 'EPROTO' || /^(HPE_|ERR_SSL_)/.test(code);

/** The innermost coded error: clients wrap what the system said, and several addresses give several errors. */
function root(error: unknown): Coded {
  const coded = (error ?? {}) as Coded;
  const inner = coded.errors?.[0] ?? coded.cause;
  if (inner !== undefined && inner !== null && (coded.code === undefined || coded.errors !== undefined))
    return root(inner);
  return coded;
}

/** What a request's failure means. `isBody` tells whether the head of the response was there. */
export function httpFault(error: unknown, subject: string, isBody: boolean): unknown {
  if (error instanceof FaultError) return error;
  const { code = '', name = '', message = String(error) } = root(error);
  const say = (type: FaultType, detail: string) => FaultError.of(type, detail, `${subject}: ${message}`, {}, error);
  if (error instanceof ProxyRefusal) return proxyFault(error, subject);
  if (error instanceof ProtocolBreach) return say(isBody ? 'interrupted' : 'serverError', code);
  if (code === 'LADING_INWARD_ADDRESS') return say('serverError', 'addressRefused');
  if (isCertificate(code)) return say('networkUnreachable', 'certificate');
  if (isResolver(code)) return say('networkUnreachable', code);
  if (isProtocol(code)) return say(isBody ? 'interrupted' : 'serverError', code);
  const type = TYPES[code];
  if (type !== undefined) return say(type, code);
  return say('unknown', code || name || 'thrown');
}

/** That the proxy wants a password is final; that it reached nobody may pass. */
function proxyFault(refusal: ProxyRefusal, subject: string): FaultError {
  const { status } = refusal;
  return status === 407
    ? FaultError.of(
        'unauthorized',
        'http407',
        `${subject}: ${refusal.message}: it wants a name and a password, which belong into its address`,
        { httpStatus: status },
        refusal,
      )
    : FaultError.of('networkUnreachable', `proxy${status}`, `${subject}: ${refusal.message}`, {}, refusal);
}
