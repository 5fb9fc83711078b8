import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Catalog, ConfigurationError, type Manifest, readManifest, readUrl, redactUrl } from '@lading/core';
import {
  DEFAULT_STALL_MS,
  type Fetcher,
  fetchManifestText,
  type Hub,
  manifestTextIn,
  mustBeReadable,
  refusedManifest,
} from '@lading/runtime';
import { systemClock } from './clock.js';
import { isMissing } from './fs-fault.js';

export interface CatalogOptions {
  /** Platform that variants are resolved for; default the one this process runs on. */
  readonly platform?: string;
  readonly allowHttp?: boolean;
  /** Without a byte for so long a catalog address is given up, milliseconds. */
  readonly stallMs?: number;
  /** Reads manifests that name files of a hub; without one such a name is a defect. */
  readonly hub?: Hub;
}

const isAddress = (source: string): boolean => /^https?:\/\//i.test(source);
/** As it may be shown: the query of an address may hold a signature. */
const named = (source: string): string => (isAddress(source) ? redactUrl(source) : source);

async function textOfFile(path: string): Promise<string> {
  try {
    const { size } = await stat(path);
    mustBeReadable(path, size);
    // A length is no promise: a device has none and never ends.
    return await manifestTextIn(path, createReadStream(path));
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    const why = isMissing(error) ? 'there is no such file' : (error as Error).message;
    throw new ConfigurationError(`the catalog ${path} cannot be read: ${why}`, {
      code: 'manifestError',
      remedy: 'Give --catalog the path or address of a manifest.',
      cause: error,
    });
  }
}

/** Reads one manifest from a path or an address. Throws `ConfigurationError` with every defect and its place. */
export async function loadManifest(source: string, fetcher: Fetcher, options: CatalogOptions = {}): Promise<Manifest> {
  const address = isAddress(source) ? readUrl(source, { base: null, allowHttp: options.allowHttp ?? false }) : null;
  if (address?.ok === false)
    throw refusedManifest(named(source), [{ path: '$', message: `its address ${address.reason}` }]);
  const text = isAddress(source)
    ? await fetchManifestText(source, fetcher, systemClock, options.stallMs ?? DEFAULT_STALL_MS)
    : await textOfFile(source);
  // A server that sends back what it was trusted with would have it shown, and written down.
  if (fetcher.redact !== undefined && fetcher.redact(text) !== text) {
    throw refusedManifest(named(source), [{ path: '$', message: 'it holds a credential that was sent to its server' }]);
  }
  const rules = { base: isAddress(source) ? source : null, allowHttp: options.allowHttp ?? false };
  const reading = await (options.hub?.readManifest(text, rules, fetcher) ?? readManifest(text, rules));
  if (!reading.ok) throw refusedManifest(named(source), reading.defects);
  return reading.manifest;
}

/** Reads several manifests, but for those that are read already, and merges them. */
export async function loadCatalog(
  sources: readonly (string | Manifest)[],
  fetcher: Fetcher,
  options: CatalogOptions = {},
): Promise<Catalog> {
  const manifests: Manifest[] = [];
  for (const source of sources) {
    manifests.push(typeof source === 'string' ? await loadManifest(source, fetcher, options) : source);
  }
  const { catalog, defects } = Catalog.of(manifests, options.platform ?? process.platform);
  if (defects.length > 0)
    throw refusedManifest(
      sources.map((source) => (typeof source === 'string' ? named(source) : source.id)).join(', '),
      defects,
    );
  return catalog;
}
