import {
  Catalog,
  ConfigurationError,
  type Defect,
  faultTypeOfStatus,
  LIMITS,
  type Manifest,
  readManifest,
  readUrl,
  redactUrl,
} from '@lading/core';
import { FaultError, type Fetcher, Watchdog } from '@lading/runtime';
import { systemClock } from './clock.js';

export interface CatalogOptions {
  /** Platform that variants are resolved for. */
  readonly platform: string;
  /** Without a byte for so long a catalog address is given up, milliseconds. */
  readonly stallMs: number;
}

function refused(source: string, defects: readonly Defect[]): ConfigurationError {
  const shown = defects.slice(0, 20).map(({ path, message }) => `  ${path}: ${message}`);
  const more = defects.length > shown.length ? [`  and ${defects.length - shown.length} more`] : [];
  const count = `${defects.length} ${defects.length === 1 ? 'defect' : 'defects'}`;
  return new ConfigurationError(
    `the catalog ${source} is refused, it has ${count}:\n${[...shown, ...more].join('\n')}`,
    {
      code: 'manifestError',
      remedy: 'Correct the catalog at the places named, or use another.',
      defects,
    },
  );
}

/** Text from its bytes as they come, never more than a manifest may have. */
async function gather(source: string, body: AsyncIterable<Uint8Array>, dog: Watchdog): Promise<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let text = '';
  let bytes = 0;
  try {
    for await (const chunk of body) {
      bytes += chunk.length;
      dog.bytesCame(chunk.length);
      if (bytes > LIMITS.manifestBytes)
        throw refused(source, [{ path: '$', message: `the manifest has over ${LIMITS.manifestBytes} bytes` }]);
      text += decoder.decode(chunk, { stream: true });
    }
    return text + decoder.decode();
  } catch (error) {
    if (error instanceof TypeError) throw refused(source, [{ path: '$', message: 'the text is not UTF-8' }]);
    throw error;
  }
}

async function textOf(url: string, fetcher: Fetcher, stallMs: number): Promise<string> {
  const subject = `the catalog ${redactUrl(url)}`;
  const dog = new Watchdog(systemClock, stallMs, subject);
  const ender = new AbortController();
  try {
    const request = { url, from: null, ifRange: null, isFresh: false };
    const response = await fetcher.fetch(request, AbortSignal.any([dog.signal, ender.signal]));
    dog.headCame();
    if (response.status !== 200) {
      const { status } = response;
      const message = `${subject}: the server answered ${status}`;
      throw FaultError.of(faultTypeOfStatus(status), `http${status}`, message, { httpStatus: status });
    }
    return await gather(redactUrl(url), response.body, dog);
  } catch (error) {
    dog.signal.throwIfAborted();
    throw error;
  } finally {
    dog.stop();
    ender.abort();
  }
}

/** Reads one manifest from an address, relative to the page. Throws `ConfigurationError` with every defect and its place. */
async function loadManifest(source: string, fetcher: Fetcher, { stallMs }: CatalogOptions): Promise<Manifest> {
  const address = readUrl(source, { base: document.baseURI, allowHttp: false });
  if (!address.ok) throw refused(source, [{ path: '$', message: `its address ${address.reason}` }]);
  const text = await textOf(address.url, fetcher, stallMs);
  const reading = readManifest(text, { base: address.url, allowHttp: false });
  if (!reading.ok) throw refused(redactUrl(address.url), reading.defects);
  return reading.manifest;
}

/** Reads several manifests and merges them. */
export async function loadCatalog(
  sources: readonly string[],
  fetcher: Fetcher,
  options: CatalogOptions,
): Promise<Catalog> {
  const manifests = await Promise.all(sources.map((source) => loadManifest(source, fetcher, options)));
  const { catalog, defects } = Catalog.of(manifests, options.platform);
  if (defects.length > 0) throw refused(sources.join(', '), defects);
  return catalog;
}
