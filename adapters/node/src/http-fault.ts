import type { FaultType } from '@lading/core';
import { FaultError } from '@lading/runtime';

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
  EAI_AGAIN: 'networkUnreachable',
  EAI_FAIL: 'networkUnreachable',
  EHOSTUNREACH: 'networkUnreachable',
  ENETUNREACH: 'networkUnreachable',
  ENETDOWN: 'networkUnreachable',
  EADDRNOTAVAIL: 'networkUnreachable',
  ETIMEDOUT: 'networkTimeout',
  UND_ERR_CONNECT_TIMEOUT: 'networkTimeout',
  UND_ERR_HEADERS_TIMEOUT: 'networkTimeout',
  UND_ERR_BODY_TIMEOUT: 'stalled',
  ECONNRESET: 'interrupted',
  ECONNABORTED: 'interrupted',
  EPIPE: 'interrupted',
  UND_ERR_SOCKET: 'interrupted',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'interrupted',
  UND_ERR_HEADERS_OVERFLOW: 'serverError',
  UND_ERR_RESPONSE_EXCEEDED_MAX_SIZE: 'serverError',
  EPROTO: 'serverError',
};

const isCertificate = (code: string): boolean =>
  /^(CERT_|ERR_TLS_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|ERR_SSL_)/.test(code);

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
  if (code === 'LADING_INWARD_ADDRESS') return say('serverError', 'addressRefused');
  if (isCertificate(code)) return say('networkUnreachable', 'certificate');
  // Without a head it is the head that was refused: undici names any fault of a reply with a length so.
  if (!isBody && code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') return say('serverError', code);
  // undici asserts what it believes of every reply, such as a status of 100 or more; the text is a piece of its source.
  if (code === 'ERR_ASSERTION')
    return FaultError.of('serverError', code, `${subject}: the reply breaks the protocol`, {}, error);
  const type = TYPES[code];
  if (type !== undefined) return say(type, code);
  if (code.startsWith('HPE_') || name === 'HTTPParserError')
    return say(isBody ? 'interrupted' : 'serverError', code || 'parser');
  return say('unknown', code || name || 'thrown');
}
