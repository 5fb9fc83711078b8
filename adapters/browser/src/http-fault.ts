import { redactUrl } from '@lading/core';
import { FaultError } from '@lading/runtime';

/** The page's own origin, to which servers must give leave. */
export const isForeign = (url: string): boolean => new URL(url).origin !== location.origin;

/** Whether the server answers at all, whatever it says of who may read it: an opaque reply tells only that there is one. */
async function isReachable(url: string, signal: AbortSignal): Promise<boolean> {
  try {
    await fetch(url, { method: 'HEAD', mode: 'no-cors', cache: 'no-store', credentials: 'omit', signal });
    return true;
  } catch {
    return false;
  }
}

/**
 * What it means that no head came. Browsers hide why, on purpose: a server that forbids, one that does not answer and a name that nobody has
 * look the same. A second request that wants to read nothing tells a missing permission from a missing server.
 */
export async function unanswered(error: unknown, url: string, signal: AbortSignal): Promise<FaultError> {
  const subject = redactUrl(url);
  const say = (detail: string, message: string, requests: number) =>
    FaultError.of('networkUnreachable', detail, `${subject}: ${message}`, { requests }, error);
  if (!navigator.onLine) return say('offline', 'the browser is offline', 1);
  const { origin } = new URL(url);
  if (!(await isReachable(url, signal))) {
    if (location.protocol > 'http:' && url.startsWith('http:'))
      return say('mixedContent', 'a page of https: may not read http: (mixed content): serve it over https:', 2);
    const forbidden = `or this page's Content-Security-Policy does not allow ${origin} (connect-src)`;
    return say('unreachable', `the server did not answer, its name is unknown, ${forbidden}`, 2);
  }
  if (!isForeign(url)) {
    const why =
      'it must not compress its reply to a request with a range, nor redirect to an origin that does not let this page read';
    return say('unreadable', `the server answers, but the browser cannot read it: ${why}`, 2);
  }
  const needed = `"Access-Control-Allow-Origin: ${location.origin}" (or "*") with the file and with every redirect on the way, after a redirect between origins "*"`;
  const why = `it must send ${needed}, and must not compress its reply to a request with a range`;
  return say('cors', `the server answers, but does not let ${location.origin} read it: ${why}`, 2);
}

/** What it means that a body broke off. */
export const brokenOff = (error: unknown, url: string): FaultError =>
  FaultError.of(
    'interrupted',
    error instanceof Error ? error.name : 'thrown',
    `${redactUrl(url)}: the connection broke: ${error instanceof Error ? error.message : String(error)}`,
    {},
    error,
  );

/** A part whose place in the file nobody told. */
export const unplaced = (url: string): FaultError =>
  FaultError.of(
    'serverError',
    'hiddenRange',
    `${redactUrl(url)}: the server sent a part without saying which: it must send "Access-Control-Expose-Headers: Content-Range, ETag" or a Content-Length`,
  );
