/**
 * Judges the URLs of manifests and redirects before any request is made. `URL` is the WHATWG parser that every runtime has; it is the one
 * global that core uses, because a second parser of our own would disagree with the one that connects.
 */
interface ParsedUrl {
  readonly protocol: string;
  readonly hostname: string;
  readonly origin: string;
  username: string;
  password: string;
  readonly href: string;
  readonly pathname: string;
  hash: string;
  search: string;
}
declare const URL: new (url: string, base?: string) => ParsedUrl;

export interface UrlRules {
  /** Where the manifest came from; relative URLs resolve against it. Null when it came from a file. */
  readonly base: string | null;
  /** Allows `http:` to addresses that are not loopback. */
  readonly allowHttp: boolean;
}

export type UrlReading = { readonly ok: true; readonly url: string } | { readonly ok: false; readonly reason: string };

function parse(text: string, base?: string): ParsedUrl | null {
  try {
    return base === undefined ? new URL(text) : new URL(text, base);
  } catch {
    return null;
  }
}

/** True for names and literals that never leave this machine (RFC 1122 §3.2.1.3, RFC 4291 §2.5.3, RFC 6761 §6.3). */
export function isLoopbackHost(hostname: string): boolean {
  const host = hostname.toLowerCase().replace(/\.$/, '');
  if (host === 'localhost' || host.endsWith('.localhost') || host === '[::1]' || host === '::1') return true;
  return /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

export function readUrl(text: string, rules: UrlRules): UrlReading {
  if (text.length === 0 || text.length > 4096) return { ok: false, reason: 'must have 1 to 4096 characters' };
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the parser would drop them in silence, and they split headers.
  if (/[\u0000-\u0020\u007f\\]/.test(text))
    return { ok: false, reason: 'must not hold spaces, control characters or backslashes' };
  const isAbsolute = /^[A-Za-z][A-Za-z0-9+.-]*:/.test(text) || text.startsWith('//');
  if (!isAbsolute && rules.base === null) {
    return parse(text, 'https://manifest.invalid/') === null
      ? { ok: false, reason: 'is no URL' }
      : { ok: true, url: text };
  }
  const url = parse(text, rules.base ?? undefined);
  if (url === null) return { ok: false, reason: 'is no URL' };
  if (url.username !== '' || url.password !== '') return { ok: false, reason: 'must not hold a user name or password' };
  if (url.protocol === 'https:') return { ok: true, url: url.href };
  if (url.protocol !== 'http:')
    return { ok: false, reason: `has the scheme "${url.protocol}"; only https: is allowed` };
  if (!rules.allowHttp && !isLoopbackHost(url.hostname)) {
    return {
      ok: false,
      reason: `is http: to ${url.hostname}; without encryption only loopback addresses are allowed (--allow-http lifts this)`,
    };
  }
  return { ok: true, url: url.href };
}

export type HopReading =
  | { readonly ok: true; readonly url: string }
  /** `detail` is that of the fault it makes. */
  | { readonly ok: false; readonly detail: 'redirectRefused' | 'schemeRefused'; readonly reason: string };

/** Where a redirect leads (RFC 9110 §10.2.2), or why nobody goes there. `from` is the absolute URL that redirects. */
export function readHop(location: string, from: string, rules: Pick<UrlRules, 'allowHttp'>): HopReading {
  const refuse = (reason: string): HopReading => ({ ok: false, detail: 'redirectRefused', reason });
  const next = parse(location, from);
  if (next === null) return refuse('that is no URL');
  if (next.protocol !== 'https:' && next.protocol !== 'http:')
    return { ok: false, detail: 'schemeRefused', reason: `the scheme ${next.protocol} is refused` };
  if (next.username !== '' || next.password !== '') return refuse('it holds a user name or password');
  if (next.protocol === 'http:' && parse(from)?.protocol === 'https:') return refuse('it would leave encryption');
  if (next.protocol === 'http:' && !rules.allowHttp && !isLoopbackHost(next.hostname))
    return refuse('http: is allowed to loopback addresses only');
  return { ok: true, url: next.href };
}

/** Hops that are followed; RFC 9110 §15.4 asks for a bound. */
export const MAX_HOPS = 5;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Where a response wants us to go instead, as it stands in the header; null if it is an answer. */
export function locationIn(response: {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}): string | null {
  return REDIRECTS.has(response.status) ? (response.headers['location'] ?? null) : null;
}

/** The origin of an absolute URL (RFC 6454 §4), or null. */
export function originOf(url: string): string | null {
  return parse(url)?.origin ?? null;
}

/** A URL as it may be shown and stored: without user name, password, query and fragment, which carry signatures and tokens. */
export function redactUrl(url: string): string {
  const parsed = parse(url);
  if (parsed === null) return url.replace(/[?#].*$/s, '').replace(/^([^/]*\/\/)[^/]*@/, '$1');
  if (!/[@?#]/.test(parsed.href)) return parsed.href;
  parsed.username = '';
  parsed.password = '';
  parsed.hash = '';
  parsed.search = '';
  return parsed.href;
}

/** The last path segment, percent-decoding undone by nobody: it is only used after the name grammar has judged it. */
export function lastSegmentOf(url: string): string {
  const path = parse(url, 'https://manifest.invalid/')?.pathname ?? '';
  return path.slice(path.lastIndexOf('/') + 1);
}
