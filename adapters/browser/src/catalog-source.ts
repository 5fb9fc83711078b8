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
import type { CatalogAddresses, CatalogParts } from './messages.js';

/** As it crosses between a page and its worker. */
export function partsOf(catalog: Catalog): CatalogParts {
  const { platform } = catalog;
  return { platform, cores: [...catalog.cores()], voices: [...catalog.voices()], bundles: [...catalog.bundles()] };
}

/** The same catalog again; what merged without a defect once does so again. */
export function catalogOf({ platform, cores, voices, bundles }: CatalogParts): Catalog {
  const manifest = { id: 'catalog', revision: 0, lastUpdated: null, expires: null, cores, voices, bundles };
  return Catalog.of([manifest], platform).catalog;
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

/** Reads one manifest from an address. Throws `ConfigurationError` with every defect and its place. */
async function loadManifest(source: string, base: string, fetcher: Fetcher, stallMs: number): Promise<Manifest> {
  const address = readUrl(source, { base, allowHttp: false });
  if (!address.ok) throw refused(source, [{ path: '$', message: `its address ${address.reason}` }]);
  const text = await textOf(address.url, fetcher, stallMs);
  const reading = readManifest(text, { base: address.url, allowHttp: false });
  if (!reading.ok) throw refused(redactUrl(address.url), reading.defects);
  return reading.manifest;
}

/** Reads several manifests and merges them. Without a byte for `stallMs` an address is given up. */
export async function loadCatalog(
  { addresses, base, platform }: CatalogAddresses,
  fetcher: Fetcher,
  stallMs: number,
): Promise<Catalog> {
  const manifests = await Promise.all(addresses.map((source) => loadManifest(source, base, fetcher, stallMs)));
  const { catalog, defects } = Catalog.of(manifests, platform);
  if (defects.length > 0) throw refused(addresses.join(', '), defects);
  return catalog;
}
