// Bundles the front door of @lading/core as an app would and weighs it: minified, gzip.
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

/** What an app may have to load for core with all that it brings (xstate, zod/mini). */
const budgetBytes = 40 * 1000;

const { outputFiles } = await build({
  entryPoints: [fileURLToPath(new URL('../../packages/core/dist/index.js', import.meta.url))],
  bundle: true,
  minify: true,
  format: 'esm',
  // As an app's bundler does, esbuild then takes the dependencies' ES modules, of which the unused part falls away.
  platform: 'browser',
  target: 'es2023',
  write: false,
  logLevel: 'warning',
});
const [bundle] = outputFiles;
const gzipBytes = gzipSync(bundle.contents, { level: 9 }).length;

const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
console.log(
  `size: @lading/core is ${kilobytes(bundle.contents.length)} minified, ${kilobytes(gzipBytes)} gzip, budget ${kilobytes(budgetBytes)}`,
);
if (gzipBytes > budgetBytes) process.exit(1);
