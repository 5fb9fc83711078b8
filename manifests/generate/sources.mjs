// Looks up files in `sources/assets.json` and turns them into entries of a manifest. Refuses whatever a manifest may
// not hold: a file without a URL or a size, and a digest that is not of its kind's length. It never fills a gap.
import { readFileSync } from 'node:fs';

const HEX_DIGITS = { sha256: 64, md5: 32, sha1: 40 };

export const readSource = (name) => JSON.parse(readFileSync(new URL(`../sources/${name}`, import.meta.url), 'utf8'));

export const assets = readSource('assets.json').files;

/** The one asset that has all the given fields; `revision` is needed where a file was replaced under its name. */
export function assetOf(wanted) {
  const found = assets.filter((asset) => Object.entries(wanted).every(([field, value]) => asset[field] === value));
  if (found.length !== 1) throw new Error(`${found.length} assets instead of one for ${JSON.stringify(wanted)}`);
  return found[0];
}

/** The URL, size and digests of an asset, in that order, as a core or a file of a core states them. */
export function contentOf({ url, sizeBytes, file, ...digests }) {
  if (typeof url !== 'string') throw new Error(`${file} has no URL`);
  if (!Number.isSafeInteger(sizeBytes)) throw new Error(`${file} has no size`);
  const content = { url, sizeBytes };
  for (const [kind, digits] of Object.entries(HEX_DIGITS)) {
    if (digests[kind] === null) continue;
    if (!new RegExp(`^[0-9a-f]{${digits}}$`).test(digests[kind]))
      throw new Error(`${file}: no ${kind}: ${digests[kind]}`);
    content[kind] = digests[kind];
  }
  if (content.sha256 === undefined)
    throw new Error(`${file} has no sha256, so that it could never be ready without a warning`);
  return content;
}

export const fileOf = (asset, filename = asset.file) => ({ filename, ...contentOf(asset) });

/** The frame that all catalogs share. One date for all of them: the day on which the sources were last looked through. */
export const manifestOf = (id, parts) => ({ version: 3, id, revision: 1, lastUpdated: '2026-11-20', ...parts });
