/** `npm run mutants`. The rest is TypeScript, which Node 20 does not read: it is bundled first. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildSync } from 'esbuild';

const dir = mkdtempSync(join(tmpdir(), 'lading-mutants-program-'));
try {
  const outfile = join(dir, 'main.mjs');
  const entry = fileURLToPath(new URL('main.ts', import.meta.url));
  buildSync({ entryPoints: [entry], outfile, bundle: true, format: 'esm', platform: 'node', target: 'node20' });
  const { main } = await import(pathToFileURL(outfile).href);
  process.exitCode = await main(process.argv.slice(2), fileURLToPath(new URL('../..', import.meta.url)));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
} finally {
  rmSync(dir, { recursive: true, force: true });
}
