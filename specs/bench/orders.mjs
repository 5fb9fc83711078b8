// The same order in the words of each contestant, written before any clock runs. File names are plain and no two are alike, so nothing is quoted.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The id to ask Lading for. */
export const VOICE = 'bench';

function catalogOf({ cores }, url) {
  return {
    version: 3,
    cores: cores.map(({ id, files }) => ({
      id,
      files: files.map(({ name, path, sizeBytes, sha256 }) => ({
        filename: name,
        url: `${url}/${path}`,
        sizeBytes,
        sha256,
      })),
    })),
    voices: [
      {
        id: VOICE,
        kind: 'voice',
        engineId: 'bench',
        displayName: 'Bench',
        coreRequirements: cores.map(({ id }) => id),
      },
    ],
  };
}

/** Writes into `dir` and gives the path of each: `catalog`, `curl`, `sums`, `aria2`, `files`. */
export async function writeOrders(dir, theCase, url) {
  const files = theCase.cores.flatMap((core) => core.files);
  const lines = (of) => files.map((file) => `${of(file)}\n`).join('');
  const orders = {
    catalog: JSON.stringify(catalogOf(theCase, url)),
    curl: lines(({ path, name }) => `url = "${url}/${path}"\noutput = "${name}"`),
    // The order and the spelling of `openssl dgst -r *` too, so that `cmp` can compare.
    sums: lines(({ sha256, name }) => `${sha256} *${name}`),
    aria2: lines(({ path, name, sha256 }) => `${url}/${path}\n  out=${name}\n  checksum=sha-256=${sha256}`),
    files: JSON.stringify({
      url,
      case: theCase.name,
      files: files.map(({ name, path }) => ({ name, url: `${url}/${path}` })),
    }),
  };
  const paths = Object.fromEntries(Object.keys(orders).map((name) => [name, join(dir, `${name}.order`)]));
  for (const [name, text] of Object.entries(orders)) await writeFile(paths[name], text);
  return paths;
}
