import { redactUrl } from '@lading/core';
import { FaultError } from '@lading/runtime';

/** The page's own origin, to which servers must give leave. */
export const isForeign = (url: string): boolean => new URL(url).origin !== location.origin;

type Look = 'readable' | 'redirects' | 'forbids' | 'silent';

/**
 * What there is at an address of which no head came. Asked for the head alone and for no redirect, so that a circle is not walked again; then,
 * of another origin, without wanting to read anything: an opaque reply tells only that there is a server.
 */
async function lookAt(url: string, signal: AbortSignal): Promise<{ readonly look: Look; readonly requests: number }> {
  const request = { method: 'HEAD', cache: 'no-store', credentials: 'omit', signal } as const;
  try {
    const { type } = await fetch(url, { ...request, redirect: 'manual' });
    return { look: type === 'opaqueredirect' ? 'redirects' : 'readable', requests: 1 };
  } catch {
    if (!isForeign(url)) return { look: 'silent', requests: 1 };
  }
  try {
    await fetch(url, { ...request, mode: 'no-cors' });
    return { look: 'forbids', requests: 2 };
  } catch {
    return { look: 'silent', requests: 2 };
  }
}

/**
 * What it means that no head came. Browsers hide why, on purpose: a server that forbids, one that does not answer and a name that nobody has
 * look the same. A second look that wants to read nothing tells them apart.
 */
export async function unanswered(error: unknown, url: string, signal: AbortSignal): Promise<FaultError> {
  const told = (detail: string, why: string, requests: number): FaultError =>
    FaultError.of('networkUnreachable', detail, `${redactUrl(url)}: ${why}`, { requests }, error);
  if (!navigator.onLine) return told('offline', 'the browser is offline', 1);
  const { origin } = new URL(url);
  const leave = `"Access-Control-Allow-Origin: ${location.origin}" (or "*")`;
  const { look, requests } = await lookAt(url, signal);
  const fault = (detail: string, why: string) => told(detail, why, 1 + requests);
  switch (look) {
    case 'forbids': {
      const why = `it must send ${leave} with the file and with every redirect on the way`;
      return fault('cors', `the server answers, but does not let ${location.origin} read it: ${why}`);
    }
    case 'redirects': {
      const why = `what it leads to does not answer, runs in circles, or does not send ${leave}, after a redirect between origins "*"`;
      return fault('redirect', `the server redirects, and the browser did not come to an end: ${why}`);
    }
    case 'readable':
      return fault(
        'unreadable',
        'the server answers, but its reply cannot be read: it must not compress its reply to a request with a range',
      );
    case 'silent': {
      if (location.protocol > 'http:' && url.startsWith('http:'))
        return fault('mixedContent', 'a page of https: may not read http: (mixed content): serve it over https:');
      const forbidden = `or this page's Content-Security-Policy does not allow ${origin} (connect-src)`;
      return fault('unreachable', `the server did not answer, its name is unknown, ${forbidden}`);
    }
    default:
      return look satisfies never;
  }
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
