import { type Fault, type FaultType, faultTypeOfStatus } from './fault.js';
import { type Headers, matchesValidator, validatorOf } from './validator.js';

/**
 * Judges the head of an HTTP response before a byte of its body is used: may these bytes be added to what is staged, do they replace it, or
 * are they not ours? Pure, so that every runtime follows the same rules (RFC 9110 §14, §15.3.7, §15.5.17; RFC 9112 §6.3).
 */
export interface Expectation {
  /** Shown in messages. */
  readonly file: string;
  readonly url: string;
  /** Offset that was asked for; the bytes below it are staged. */
  readonly from: number;
  /** The byte behind the last one asked for, if the range was not open-ended. */
  readonly to?: number;
  /** Whether the request carried `Range`. */
  readonly isRange: boolean;
  /** Sizes the manifest accepts. */
  readonly sizes: readonly number[];
  /** Strong digests the manifest accepts, hex. Empty if it names none. */
  readonly sha256: readonly string[];
  /** What the staged bytes came under. */
  readonly validator: string | null;
  /** Wall clock, milliseconds since 1970, for `Retry-After` dates. */
  readonly now: number;
}

export interface Head {
  readonly status: number;
  readonly headers: Headers;
}

export type HeadVerdict =
  /** The body goes on at `from`. `length` is its length if the server said. */
  | { readonly type: 'append'; readonly length: number | null; readonly validator: string | null }
  /** The body is the whole file: drop what is staged and take it from 0. */
  | { readonly type: 'replace'; readonly length: number | null; readonly validator: string | null }
  /** Nothing is missing: the digest decides over what is staged. */
  | { readonly type: 'complete' }
  /** What is staged cannot be continued from this source: drop it and ask again without a range. */
  | { readonly type: 'restart'; readonly fault: Fault }
  | { readonly type: 'fault'; readonly fault: Fault };

interface ContentRange {
  readonly first: number;
  readonly last: number;
  readonly total: number | null;
}

const digits = (text: string | undefined): number | null => {
  if (text === undefined || !/^\d{1,16}$/.test(text)) return null;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : null;
};

/** One range, as `Range` names it (RFC 9110 §14.2): from a byte up to, not including, another, or to the end. */
export const rangeText = (from: number, to?: number): string => `bytes=${from}-${to === undefined ? '' : to - 1}`;

/** `Content-Range: bytes a-b/N` or `bytes a-b/*` (RFC 9110 §14.4); null if it is anything else. */
export function readContentRange(text: string): ContentRange | null {
  const match = /^bytes (\d{1,16})-(\d{1,16})\/(\d{1,16}|\*)$/i.exec(text.trim());
  if (match === null) return null;
  const first = digits(match[1]);
  const last = digits(match[2]);
  const total = match[3] === '*' ? null : digits(match[3]);
  if (first === null || last === null || (total === null && match[3] !== '*')) return null;
  if (last < first || (total !== null && total <= last)) return null;
  return { first, last, total };
}

/** Milliseconds a `Retry-After` asks for (RFC 9110 §10.2.3); null if there is none that can be read. */
export function retryAfterMs(headers: Headers, now: number): number | null {
  const text = headers['retry-after']?.trim();
  if (text === undefined) return rateLimitMs(headers);
  if (/^\d{1,12}$/.test(text)) return Number(text) * 1000;
  if (!/[A-Za-z]/.test(text)) return null;
  const at = Date.parse(text);
  if (Number.isNaN(at)) return null;
  // The server's own clock, where it tells it, so that a skewed clock here does no harm.
  const reference = headers.date === undefined ? Number.NaN : Date.parse(headers.date);
  return Math.max(0, at - (Number.isNaN(reference) ? now : reference));
}

/** `RateLimit: "resolvers";r=0;t=55` says when the window ends (draft-ietf-httpapi-ratelimit-headers). */
function rateLimitMs(headers: Headers): number | null {
  const match = /;\s*r=0\b.*;\s*t=(\d{1,9})\b/.exec(headers.ratelimit ?? '');
  return match === null ? null : Number(match[1]) * 1000;
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

function hexOfBase64(text: string): string | null {
  let bits = 0;
  let held = 0;
  let hex = '';
  for (const char of text.replace(/=+$/, '')) {
    const value = BASE64.indexOf(char);
    if (value < 0) return null;
    held = ((held << 6) | value) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      hex += ((held >> bits) & 0xff).toString(16).padStart(2, '0');
    }
  }
  return hex;
}

/** The sha-256 of the whole representation, if the server tells it (RFC 9530 §3); hex. */
export const reprDigest = (headers: Headers): string | null => sha256In(headers['repr-digest']);

/** The sha-256 of the bytes of this very message, if the server tells it (RFC 9530 §2); hex. Never a reason to trust them. */
export const contentDigest = (headers: Headers): string | null => sha256In(headers['content-digest']);

/** Weaker ones, and what is malformed, are passed over (RFC 8941 §4.2). */
function sha256In(field = ''): string | null {
  const match = /(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):\s*(?:,|$)/.exec(field);
  return match?.[1] === undefined ? null : hexOfBase64(match[1]);
}

/** Remote text as it may stand in a message: printable ASCII, short. */
export function quote(text: string): string {
  return JSON.stringify(text.replace(/[^\x20-\x7e]/g, '?').slice(0, 80));
}

export function judgeHead(want: Expectation, head: Head): HeadVerdict {
  const { headers, status } = head;
  const at = `${want.file} from ${want.url}`;
  const make = (type: FaultType, detail: string, message: string): Fault => ({
    type,
    detail,
    message: `${at}: ${message}`,
    file: want.file,
  });
  const fault = (type: FaultType, detail: string, message: string): HeadVerdict => ({
    type: 'fault',
    fault: make(type, detail, message),
  });
  const restart = (type: FaultType, detail: string, message: string): HeadVerdict => ({
    type: 'restart',
    fault: make(type, detail, message),
  });

  if (status === 416) return judge416(want, headers, fault, restart);
  if (status !== 200 && status !== 206) {
    const wait = retryAfterMs(headers, want.now);
    const base = make(faultTypeOfStatus(status), `http${status}`, `the server answered ${status}`);
    return { type: 'fault', fault: { ...base, httpStatus: status, ...(wait === null ? {} : { retryAfterMs: wait }) } };
  }
  const encoding = (headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (encoding !== 'identity' && encoding !== '') {
    return fault(
      'serverError',
      'contentEncoding',
      `sent as ${quote(encoding)} though identity was asked for; offsets and digests are of the plain bytes`,
    );
  }
  const told = reprDigest(headers);
  if (told !== null && want.sha256.length > 0 && !want.sha256.includes(told)) {
    return fault(
      'upstreamChanged',
      'reprDigest',
      `the server has another version: sha-256 ${told}, expected ${want.sha256[0] ?? ''}`,
    );
  }
  const length = digits(headers['content-length']);
  if (status === 200) return judgeWhole(want, headers, length, fault);
  return judgePart(want, headers, length, fault, restart);
}

type Judge = (type: FaultType, detail: string, message: string) => HeadVerdict;

function judge416(want: Expectation, headers: Headers, fault: Judge, restart: Judge): HeadVerdict {
  const total = digits(/^bytes \*\/(\d{1,16})$/i.exec(headers['content-range']?.trim() ?? '')?.[1]);
  if (!want.isRange) return fault('serverError', 'http416', 'the server answered 416 to a request without a range');
  if (total !== null && total === want.from && want.sizes.includes(total)) return { type: 'complete' };
  if (total !== null && total < want.from) {
    return restart('upstreamChanged', 'shorter', `the file now has ${total} bytes, but ${want.from} are already here`);
  }
  return restart('serverError', 'http416', `the server refused the range from byte ${want.from}`);
}

function judgeWhole(want: Expectation, headers: Headers, length: number | null, fault: Judge): HeadVerdict {
  if (length === 0 && !want.sizes.includes(0)) {
    return fault('serverError', 'emptyBody', `the server sent 0 bytes, expected ${want.sizes[0] ?? 0}`);
  }
  if (length !== null && !want.sizes.includes(length)) {
    const type = headers['content-type'] ?? '';
    // A sign-in page or an error page under 200 is no new version of the file.
    if (/html/i.test(type)) {
      const what = `the server offers ${length} bytes of ${quote(type)}`;
      return fault('checksumMismatch', 'html', `${what}, expected ${want.sizes.join(' or ')} of something else`);
    }
    return fault('upstreamChanged', 'length', `the server offers ${length} bytes, expected ${want.sizes.join(' or ')}`);
  }
  // Our tag is still that of the file, and yet no part came: this server does not know what to do with it. Next time it is asked without,
  // and the digest decides.
  const isMisread = want.isRange && want.sha256.length > 0 && want.validator !== null;
  const validator = isMisread && matchesValidator(want.validator, headers) === true ? null : validatorOf(headers);
  return { type: 'replace', length, validator };
}

function judgePart(
  want: Expectation,
  headers: Headers,
  length: number | null,
  fault: Judge,
  restart: Judge,
): HeadVerdict {
  if (!want.isRange) return fault('serverError', 'unaskedPart', 'the server answered 206 to a request without a range');
  if (/^multipart\//i.test(headers['content-type'] ?? '')) {
    return fault('serverError', 'multipart', 'the server answered several ranges where one was asked for');
  }
  const text = headers['content-range'];
  if (text === undefined)
    return restart('serverError', 'noContentRange', 'the server answered 206 without Content-Range');
  const range = readContentRange(text);
  if (range === null) return fault('serverError', 'badContentRange', `the server answered 206 with ${quote(text)}`);
  if (range.total !== null && !want.sizes.includes(range.total)) {
    return restart(
      'upstreamChanged',
      'total',
      `the file now has ${range.total} bytes, expected ${want.sizes.join(' or ')}`,
    );
  }
  if (range.first !== want.from) {
    return fault('serverError', 'wrongRange', `the server sent bytes from ${range.first}, asked for ${want.from}`);
  }
  const end = want.to ?? Math.max(...want.sizes);
  if (range.last >= end) {
    const beyond = want.to === undefined ? 'beyond the end of the file' : `asked for those up to ${end - 1}`;
    return fault('serverError', 'wrongRange', `the server sent bytes up to ${range.last}, ${beyond}`);
  }
  const span = range.last - range.first + 1;
  if (length !== null && length !== span) {
    return fault('serverError', 'wrongLength', `Content-Length is ${length}, but the range has ${span} bytes`);
  }
  const isSame = want.validator === null ? null : matchesValidator(want.validator, headers);
  if (isSame === false) {
    return restart(
      'upstreamChanged',
      'validator',
      `the file changed since byte 0: ${quote(want.validator ?? '')} became ${quote(headers.etag ?? headers['last-modified'] ?? '')}`,
    );
  }
  return {
    type: 'append',
    length: span,
    validator: want.from === 0 ? (want.validator ?? validatorOf(headers)) : want.validator,
  };
}
