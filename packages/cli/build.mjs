// Bundles the command into dist: main.js, the worker files beside it, shared chunks, and the default catalogs.
// Everything lies in one folder, because code finds a worker by `new URL('./x-worker.js', import.meta.url)`
// and that line may end up in any chunk.
import { chmod, copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.resolve(here, '../..');
const dist = path.join(here, 'dist');
const manifests = path.join(root, 'manifests');
const adapter = path.join(root, 'adapters/node/src');

const workers = (await readdir(adapter)).filter((name) => name.endsWith('-worker.ts'));

// The build notes of the type check live here too and stay; all that a former bundle wrote goes.
await mkdir(dist, { recursive: true });
for (const name of await readdir(dist)) {
  if (!name.endsWith('.tsbuildinfo')) await rm(path.join(dist, name), { recursive: true });
}

await build({
  entryPoints: [path.join(here, 'src/main.ts'), ...workers.map((name) => path.join(adapter, name))],
  outdir: dist,
  entryNames: '[name]',
  chunkNames: 'chunk-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  sourcemap: 'linked',
  legalComments: 'eof',
  logLevel: 'warning',
  alias: {
    '@lading/core': path.join(root, 'packages/core/src/index.ts'),
    '@lading/runtime': path.join(root, 'packages/runtime/src/index.ts'),
    '@lading/node': path.join(adapter, 'index.ts'),
  },
  // CommonJS dependencies ask for Node's own modules by require, which an ES module does not have.
  banner: {
    js: [
      "import { createRequire as __lading_createRequire } from 'node:module';",
      'const require = __lading_createRequire(import.meta.url);',
    ].join('\n'),
  },
});

const main = path.join(dist, 'main.js');
const text = await readFile(main, 'utf8');
if (!text.startsWith('#!')) await writeFile(main, `#!/usr/bin/env node\n${text}`);
await chmod(main, 0o755);

await mkdir(path.join(dist, 'manifests'), { recursive: true });
for (const name of await readdir(manifests).catch(() => [])) {
  if (name.endsWith('.json')) await copyFile(path.join(manifests, name), path.join(dist, 'manifests', name));
}
