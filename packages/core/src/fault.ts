/**
 * What can go wrong in the world, as data: a stable type, a detail code that keeps two causes of one type apart, and what a person
 * can do about it. A refusal (you may not) is in `refusal.ts`; a bug (we failed) throws.
 */
export const FAULT_TYPES = [
  'networkTimeout',
  'networkUnreachable',
  'serverError',
  'notFound',
  'unauthorized',
  'noSpace',
  'checksumMismatch',
  'upstreamChanged',
  'filePermissions',
  'interrupted',
  'stalled',
  'archiveInvalid',
  'storageError',
  'manifestError',
  'leaseHeld',
  'unknown',
] as const;

export type FaultType = (typeof FAULT_TYPES)[number];

export interface Fault {
  readonly type: FaultType;
  /** Stable code of the cause within the type, such as `http404` or `wrongRange`. */
  readonly detail: string;
  /** What happened, to what, what was expected and found. Holds no secret: URLs are without query. */
  readonly message: string;
  /** File of the core that met the fault. */
  readonly file?: string;
  /** HTTP status, where a server gave one. */
  readonly httpStatus?: number;
  /** The server's `Retry-After` in milliseconds from now (RFC 9110 §10.2.3). */
  readonly retryAfterMs?: number;
  /** Requests that the failed attempt took, redirects included. */
  readonly requests?: number;
  /** Bytes that were needed and free when the disk was full. */
  readonly neededBytes?: number;
  readonly freeBytes?: number;
}

interface FaultTrait {
  readonly isRetryable: boolean;
  readonly remedy: string;
}

const TRAITS: Readonly<Record<FaultType, FaultTrait>> = {
  networkTimeout: {
    isRetryable: true,
    remedy: 'Check the connection, or try again later: the server did not answer in time.',
  },
  networkUnreachable: {
    isRetryable: true,
    remedy: 'Check the network connection, the address and any proxy, then retry.',
  },
  serverError: {
    isRetryable: true,
    remedy: 'The server answered wrongly. Retry later, or use another source of the file.',
  },
  notFound: { isRetryable: false, remedy: 'The file is not at this address any more. Update the catalog.' },
  unauthorized: {
    isRetryable: false,
    remedy:
      'The server wants a permission. Accept the licence on its page or set a token (HF_TOKEN, LADING_HEADERS), then retry.',
  },
  noSpace: {
    isRetryable: false,
    remedy: 'Free some disk space or choose another directory, then run the same command again: what is there is kept.',
  },
  checksumMismatch: {
    isRetryable: true,
    remedy:
      'The bytes are not those that the catalog names. Retry; if it happens again, tell the publisher of the catalog.',
  },
  upstreamChanged: {
    isRetryable: true,
    remedy: 'The publisher replaced the file. Update the catalog, or wait until it is updated.',
  },
  filePermissions: {
    isRetryable: false,
    remedy: 'Make the directory writable for this user, or choose another with --dir.',
  },
  interrupted: { isRetryable: true, remedy: 'The connection broke. Retry: the bytes that arrived are kept.' },
  stalled: { isRetryable: true, remedy: 'The server stopped sending. Retry: the bytes that arrived are kept.' },
  storageError: {
    isRetryable: true,
    remedy:
      'The disk or the system refused for now. Close other programs, check the disk, and run the same command again.',
  },
  archiveInvalid: {
    isRetryable: false,
    remedy: 'The archive cannot be unpacked safely. Tell the publisher of the catalog.',
  },
  manifestError: { isRetryable: false, remedy: 'Correct the catalog at the place named, or use another.' },
  leaseHeld: { isRetryable: false, remedy: 'Wait until the other process is done, or end it.' },
  unknown: { isRetryable: true, remedy: 'Retry; if it happens again, report it with the output of `lading log`.' },
};

/** Statuses where asking again cannot help: the request itself is refused (RFC 9110 §15.5). */
const FINAL_STATUSES: ReadonlySet<number> = new Set([400, 401, 403, 404, 405, 406, 407, 410, 414, 431, 451]);
/** Causes within a retryable type where asking again cannot help. */
const FINAL_DETAILS: ReadonlySet<string> = new Set([
  'certificate',
  'redirectLoop',
  'redirectRefused',
  'addressRefused',
  'schemeRefused',
  'proxyUnknown',
]);

export function isRetryable(fault: Fault): boolean {
  if (fault.httpStatus !== undefined && FINAL_STATUSES.has(fault.httpStatus)) return false;
  return TRAITS[fault.type].isRetryable && !FINAL_DETAILS.has(fault.detail);
}

/** True for faults that say "these bytes are wrong" rather than "no bytes came": they have a budget of their own. */
export function isWrongBytes(fault: Fault): boolean {
  return fault.type === 'checksumMismatch' || fault.type === 'upstreamChanged';
}

export function remedyOf(fault: Fault): string {
  return TRAITS[fault.type].remedy;
}

/** The fault type for an HTTP status that is neither 200 nor 206 (RFC 9110 §15). */
export function faultTypeOfStatus(status: number): FaultType {
  if (status === 404 || status === 410) return 'notFound';
  if (status === 401 || status === 403 || status === 407) return 'unauthorized';
  if (status === 412) return 'upstreamChanged';
  return 'serverError';
}
