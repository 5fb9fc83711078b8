// Bundles the adapter for pages without a bundler: the page's side and the worker's, each with all that it needs.
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const dist = (file) => fileURLToPath(new URL(`dist/${file}`, import.meta.url));

await build({
  entryPoints: { page: dist('index.js'), worker: dist('depot-worker.js') },
  outdir: dist('standalone'),
  bundle: true,
  minify: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  logLevel: 'warning',
});
