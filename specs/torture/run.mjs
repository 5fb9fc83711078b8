/** `npm run torture`. The rest is TypeScript, which Node 20 does not read: it is bundled first, beside what it imports. */
import { mkdirSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';

const dist = fileURLToPath(new URL('../dist', import.meta.url));
const outfile = `${dist}/torture/main.mjs`;
try {
  mkdirSync(`${dist}/torture`, { recursive: true });
  buildSync({
    entryPoints: [fileURLToPath(new URL('main.ts', import.meta.url))],
    outfile,
    bundle: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node20',
  });
  const { main } = await import(pathToFileURL(outfile).href);
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.stack : error);
  process.exitCode = 2;
}
