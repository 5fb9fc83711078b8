import type { Catalog, ManifestReading, UrlRules } from '@lading/core';
import type { Fetcher } from './ports.js';

/**
 * A place that publishes files under names of its own. It knows how such a name in a manifest becomes a URL, a size and a digest, and may know of
 * copies that are on this machine already.
 */
export interface Hub {
  /** Reads a manifest, asking for what its references leave open; a manifest that is refused causes no request. Throws `FaultError` or `LadingError`. */
  readManifest(text: string, rules: UrlRules, fetcher: Fetcher): Promise<ManifestReading>;
  /** The fetcher that the files of a catalog are transferred with. */
  fetcherFor(catalog: Catalog, fetcher: Fetcher): Fetcher;
}
