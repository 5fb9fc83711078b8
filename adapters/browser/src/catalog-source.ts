import { Catalog, type Manifest, readManifest, readUrl, redactUrl } from '@lading/core';
import { type Fetcher, fetchManifestText, refusedManifest } from '@lading/runtime';
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

/** Reads one manifest from an address. Throws `ConfigurationError` with every defect and its place. */
async function loadManifest(source: string, base: string, fetcher: Fetcher, stallMs: number): Promise<Manifest> {
  const address = readUrl(source, { base, allowHttp: false });
  if (!address.ok) throw refusedManifest(source, [{ path: '$', message: `its address ${address.reason}` }]);
  const text = await fetchManifestText(address.url, fetcher, systemClock, stallMs);
  const reading = readManifest(text, { base: address.url, allowHttp: false });
  if (!reading.ok) throw refusedManifest(redactUrl(address.url), reading.defects);
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
  if (defects.length > 0) throw refusedManifest(addresses.join(', '), defects);
  return catalog;
}
