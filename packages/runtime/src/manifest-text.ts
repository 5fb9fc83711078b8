import { ConfigurationError, type Defect, faultTypeOfStatus, LIMITS, redactUrl } from '@lading/core';
import { FaultError } from './fault-error.js';
import { Patrol } from './patrol.js';
import type { Clock, Fetcher } from './ports.js';
import { Watchdog } from './watchdog.js';

/** Defects that a message names; the error holds all of them. */
const SHOWN = 20;

/** What is thrown for a manifest, or several together, with every defect and its place. `source` as it may be shown. */
export function refusedManifest(source: string, defects: readonly Defect[]): ConfigurationError {
  const shown = defects.slice(0, SHOWN).map(({ path, message }) => `  ${path}: ${message}`);
  const more = defects.length > shown.length ? [`  and ${defects.length - shown.length} more`] : [];
  const count = `${defects.length} ${defects.length === 1 ? 'defect' : 'defects'}`;
  const message = `the catalog ${source} is refused, it has ${count}:\n${[...shown, ...more].join('\n')}`;
  const remedy = 'Correct the catalog at the places named, or use another.';
  return new ConfigurationError(message, { code: 'manifestError', remedy, defects });
}

/** Throws `ConfigurationError` for more bytes than are read of a manifest. */
export function mustBeReadable(source: string, bytes: number): void {
  if (bytes <= LIMITS.manifestBytes) return;
  const message = `the manifest has ${bytes} bytes, at most ${LIMITS.manifestBytes} are read`;
  throw refusedManifest(source, [{ path: '$', message }]);
}

/** Text from its bytes as they come, never more than a manifest may have. Throws `ConfigurationError` for more, and for what is not UTF-8. */
export async function manifestTextIn(
  source: string,
  body: AsyncIterable<Uint8Array>,
  onBytes: (bytes: number) => void = () => undefined,
): Promise<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let text = '';
  let bytes = 0;
  const decode = (chunk?: Uint8Array): string => {
    try {
      return decoder.decode(chunk, { stream: chunk !== undefined });
    } catch {
      throw refusedManifest(source, [{ path: '$', message: 'the text is not UTF-8' }]);
    }
  };
  for await (const chunk of body) {
    bytes += chunk.length;
    onBytes(chunk.length);
    mustBeReadable(source, bytes);
    text += decode(chunk);
  }
  return text + decode();
}

/** The text of a manifest at an address. Without a byte for `stallMs` it is given up. Throws `FaultError`, `ConfigurationError`. */
export async function fetchManifestText(url: string, fetcher: Fetcher, clock: Clock, stallMs: number): Promise<string> {
  const source = redactUrl(url);
  const dog = new Watchdog(new Patrol(clock), stallMs, `the catalog ${source}`);
  const ender = new AbortController();
  try {
    const request = { url, from: null, ifRange: null, isFresh: false };
    const response = await fetcher.fetch(request, AbortSignal.any([dog.signal, ender.signal]));
    dog.headCame();
    const { status } = response;
    if (status !== 200) {
      const message = `the catalog ${source}: the server answered ${status}`;
      throw FaultError.of(faultTypeOfStatus(status), `http${status}`, message, { httpStatus: status });
    }
    return await manifestTextIn(source, response.body, (bytes) => dog.bytesCame(bytes));
  } catch (error) {
    dog.signal.throwIfAborted();
    throw error;
  } finally {
    dog.stop();
    ender.abort();
  }
}
