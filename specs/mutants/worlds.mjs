/** Bundles the worlds from the sources of the tree it stands in, which is far quicker than compiling them, and plays them. */
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const path = (place) => fileURLToPath(new URL(place, import.meta.url));
const source = (place) => path(`../../${place}/src/index.ts`);
const bundle = path('played-worlds.mjs');

buildSync({
  entryPoints: [path('play-worlds.mjs')],
  outfile: bundle,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  alias: {
    '@lading/core': source('packages/core'),
    '@lading/runtime': source('packages/runtime'),
    '@lading/memory': source('adapters/memory'),
    '@lading/sim': source('packages/sim'),
  },
  // What is CommonJS within the bundle asks for what comes with Node.
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
});
await import(bundle);
