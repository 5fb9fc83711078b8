// Bundles the front doors as an app would and weighs them: minified, gzip.
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * What an app may have to load. Core is weighed with all that it brings (xstate, zod/mini); the browser adapter by itself, because what it
 * stands on is weighed elsewhere or is the app's too. Its page side and its worker are two downloads.
 */
const budgets = [
  {
    name: '@lading/core',
    entries: ["export * from './packages/core/dist/index.js'"],
    external: [],
    budgetBytes: 41 * 1000,
  },
  {
    name: '@lading/browser',
    entries: [
      "export { openDepot } from './adapters/browser/dist/index.js'",
      "import './adapters/browser/dist/depot-worker.js'",
    ],
    external: ['@lading/core', '@lading/runtime', '@lading/runtime/archive', 'rxjs', 'hash-wasm'],
    budgetBytes: 15 * 1000,
  },
];

async function weigh(entry, external) {
  const { outputFiles } = await build({
    stdin: { contents: entry, resolveDir: root },
    bundle: true,
    minify: true,
    format: 'esm',
    // As an app's bundler does, esbuild then takes the dependencies' ES modules, of which the unused part falls away.
    platform: 'browser',
    target: 'es2023',
    external,
    write: false,
    logLevel: 'warning',
  });
  const [bundle] = outputFiles;
  return { bytes: bundle.contents.length, gzipBytes: gzipSync(bundle.contents, { level: 9 }).length };
}

const kilobytes = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
let isOver = false;
for (const { name, entries, external, budgetBytes } of budgets) {
  const weights = await Promise.all(entries.map((entry) => weigh(entry, external)));
  const bytes = weights.reduce((sum, each) => sum + each.bytes, 0);
  const gzipBytes = weights.reduce((sum, each) => sum + each.gzipBytes, 0);
  if (bytes < 1000) throw new Error(`${name} weighs nothing: the check is blind`);
  console.log(
    `size: ${name} is ${kilobytes(bytes)} minified, ${kilobytes(gzipBytes)} gzip, budget ${kilobytes(budgetBytes)}`,
  );
  isOver ||= gzipBytes > budgetBytes;
}
if (isOver) process.exit(1);
