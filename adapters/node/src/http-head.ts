import { ProtocolBreach } from './http-fault.js';

/** Bytes and fields of one head. */
const MAX_HEAD_BYTES = 64 * 1024;
const MAX_FIELDS = 1_000;

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: .*)?$/;
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** What no line of a head may hold (RFC 9110 §5.5). */
const CONTROL = /[^\t\x20-\x7e\x80-\xff]/;
const LENGTH = /^\d{1,15}$/;

const LF = 0x0a;
const CR = 0x0d;

/** The head of a reply (RFC 9112 §4, §5). */
export interface Head {
  readonly status: number;
  /** Lower-case names; repeated headers joined by ", ". */
  readonly headers: Readonly<Record<string, string>>;
  /** How the body ends (RFC 9112 §6.3): after so many bytes, with the last chunk, or with the connection. */
  readonly body: number | 'chunked' | 'close';
  /** The connection may serve again (RFC 9112 §9.3). */
  readonly isKept: boolean;
}

/**
 * The place behind the empty line that ends a head, or -1 if it has not come yet. What lies below `from` was looked at before. Throws
 * `ProtocolBreach` for what is no head, or a longer one than anybody needs.
 */
export function endOfHead(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(LF, from); at >= 0; at = bytes.indexOf(LF, at + 1)) {
    if (bytes[at - 1] !== CR)
      throw new ProtocolBreach('bareLineFeed', 'a line of the head ends without a carriage return');
    if (at >= MAX_HEAD_BYTES) break;
    if (at >= 3 && bytes[at - 2] === LF) return at + 1;
  }
  if (bytes.length >= MAX_HEAD_BYTES)
    throw new ProtocolBreach('headerOverflow', `a head of more than ${MAX_HEAD_BYTES} bytes`);
  if (!'HTTP/'.startsWith(bytes.toString('latin1', 0, 5)))
    throw new ProtocolBreach('noHttp', 'what it says is not HTTP/1');
  return -1;
}

/** Reads a head, with its empty line. Throws `ProtocolBreach` where two readers could read two things. */
export function readHead(bytes: Buffer): Head {
  const text = bytes.toString('latin1', 0, bytes.length - 4);
  const lines = text.split('\r\n');
  const [, minor, status] = STATUS_LINE.exec(lines[0] as string) ?? [];
  if (status === undefined) throw new ProtocolBreach('noHttp', 'what it says does not begin with a status of HTTP/1');
  if (lines.length - 1 > MAX_FIELDS) throw new ProtocolBreach('headers', `more than ${MAX_FIELDS} headers`);
  const headers = readFields(lines);
  const connection = (headers['connection'] ?? '').toLowerCase().split(',').map(bare);
  const isKept = minor === '1' ? !connection.includes('close') : connection.includes('keep-alive');
  const body = bodyOf(Number(status), minor === '1', headers);
  return { status: Number(status), headers, body, isKept: isKept && body !== 'close' };
}

function readFields(lines: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = Object.create(null);
  let name = '';
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i] as string;
    if (CONTROL.test(line)) throw new ProtocolBreach('header', `header ${i} holds what no header may`);
    // A line that begins with a space goes on with the one before: for a user agent a space stands there (RFC 9112 §5.2).
    if (i > 1 && isSpace(line.charCodeAt(0))) {
      headers[name] = `${headers[name]} ${bare(line)}`;
      continue;
    }
    const colon = line.indexOf(':');
    name = line.slice(0, Math.max(0, colon)).toLowerCase();
    if (!NAME.test(name)) throw new ProtocolBreach('header', `header ${i} has no name`);
    const value = bare(line.slice(colon + 1));
    const before = headers[name];
    headers[name] = before === undefined ? value : `${before}, ${value}`;
  }
  return headers;
}

const isSpace = (code: number): boolean => code === 0x20 || code === 0x09;

/** Without the spaces around it. No pattern: a server could make one take its time. */
function bare(text: string): string {
  let from = 0;
  let to = text.length;
  while (from < to && isSpace(text.charCodeAt(from))) from++;
  while (from < to && isSpace(text.charCodeAt(to - 1))) to--;
  return text.slice(from, to);
}

function bodyOf(status: number, isFramed: boolean, headers: Readonly<Record<string, string>>): Head['body'] {
  const coding = headers['transfer-encoding'];
  const length = headers['content-length'];
  if (status < 200 || status === 204 || status === 304) return 0;
  if (coding !== undefined) {
    // Whoever sends both, or codings that this protocol version does not have, may mean one end or another.
    if (length !== undefined) throw new ProtocolBreach('twoEnds', 'content-length and transfer-encoding in one head');
    if (!isFramed || coding.toLowerCase() !== 'chunked')
      throw new ProtocolBreach('transferEncoding', 'a transfer-encoding other than chunked');
    return 'chunked';
  }
  if (length === undefined) return 'close';
  if (!LENGTH.test(length)) throw new ProtocolBreach('contentLength', 'a content-length that is no length');
  return Number(length);
}
