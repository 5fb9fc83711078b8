import { readFileSync } from 'node:fs';
import { HUB, readHubEnvironment } from '@lading/huggingface';
import { UsageError } from './exit.js';

/**
 * Secrets from the environment, bound to the one origin they are for. No message of this file holds a value: what was wrong is told by the
 * name of the variable and the place inside it.
 */
export type OriginHeaders = Readonly<Record<string, Readonly<Record<string, string>>>>;

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const VALUE = /^[\t\u0020-\u007e\u0080-\u00ff]*$/;

/** What belongs to the connection (RFC 9110 §7.6.1) or to the transfer itself: another value would break ranges, digests or framing. */
const RESERVED: ReadonlySet<string> = new Set([
  'accept-encoding',
  'connection',
  'content-encoding',
  'content-length',
  'expect',
  'host',
  'http2-settings',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'keep-alive',
  'range',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

const isReserved = (name: string): boolean => RESERVED.has(name) || name.startsWith('proxy-');

const isFields = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function originOf(text: string, variable: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
    throw new UsageError(
      `${variable}: an origin is not an address such as ${HUB}`,
      'Write the origin with https:// in front.',
    );
  }
  return url.origin;
}

function parsed(text: string): Record<string, unknown> {
  const shape = 'Write it as JSON: {"https://example.org": {"authorization": "Bearer …"}}.';
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, which holds secrets.
    throw new UsageError('LADING_HEADERS is no JSON', shape);
  }
  if (!isFields(value)) throw new UsageError('LADING_HEADERS must be an object of origins', shape);
  return value;
}

function headersOf(text: string): Map<string, Record<string, string>> {
  const origins = new Map<string, Record<string, string>>();
  for (const [key, headers] of Object.entries(parsed(text))) {
    const origin = originOf(key, 'LADING_HEADERS');
    if (!isFields(headers)) {
      throw new UsageError(
        `LADING_HEADERS: ${origin} must have an object of headers`,
        'Give each origin {"name": "value"}.',
      );
    }
    const known = origins.get(origin) ?? {};
    for (const [name, value] of Object.entries(headers)) {
      if (!NAME.test(name) || typeof value !== 'string' || !VALUE.test(value)) {
        throw new UsageError(
          `LADING_HEADERS: ${origin} has a header whose name or value cannot be sent`,
          'A name is a token, a value is a text on one line.',
        );
      }
      const header = name.toLowerCase();
      if (isReserved(header)) {
        throw new UsageError(
          `LADING_HEADERS: ${origin} must not set "${header}"`,
          'Leave it out: this header belongs to the connection or to the transfer itself.',
        );
      }
      known[header] = value;
    }
    origins.set(origin, known);
  }
  return origins;
}

/** The hub's token, of `HF_TOKEN` or of the file that the hub's own programs keep it in. */
function tokenOf(env: NodeJS.ProcessEnv): { readonly token: string; readonly source: string } | null {
  const { token, tokenPath, isTokenPathNamed } = readHubEnvironment(env);
  if (token !== null) return { token, source: 'HF_TOKEN' };
  if (tokenPath === null) return null;
  try {
    const kept = readFileSync(tokenPath, 'utf8').trim();
    return kept === '' ? null : { token: kept, source: `the token in ${tokenPath}` };
  } catch {
    // Nobody asked for a file that is merely usual; one that was named has to be there.
    if (!isTokenPathNamed) return null;
    throw new UsageError(
      `HF_TOKEN_PATH: there is no file that can be read at ${tokenPath}`,
      'Correct HF_TOKEN_PATH, or unset it.',
    );
  }
}

/** Headers by origin, of `LADING_HEADERS` and of the hub's token, which goes to `HF_ENDPOINT` alone. Throws `UsageError` without quoting any of them. */
export function readHeaders(env: NodeJS.ProcessEnv): OriginHeaders {
  const origins = env['LADING_HEADERS'] ? headersOf(env['LADING_HEADERS']) : new Map<string, Record<string, string>>();
  const hub = originOf(readHubEnvironment(env).endpoint, 'HF_ENDPOINT');
  const found = tokenOf(env);
  if (found !== null) {
    if (!VALUE.test(found.token))
      throw new UsageError(`${found.source} cannot be sent as a header`, 'A token is one line of plain text.');
    origins.set(hub, { authorization: `Bearer ${found.token}`, ...origins.get(hub) });
  }
  return Object.fromEntries(origins);
}
