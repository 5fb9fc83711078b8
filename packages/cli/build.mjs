// Bundles the command into dist: main.js, the worker files beside it, shared chunks, and the default catalogs with what reading them gives.
// Everything lies in one folder, because code finds a worker by `new URL('./x-worker.js', import.meta.url)`
// and that line may end up in any chunk.
import { chmod, copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { fingerprintOf, readManifest } from '@lading/core';
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
  minify: true,
  alias: {
    // For Node, rxjs offers CommonJS only, of which nothing can be left out; its ES modules shake down to what is used.
    rxjs: path.join(root, 'packages/runtime/node_modules/rxjs/dist/esm/index.js'),
    '@lading/core': path.join(root, 'packages/core/src/index.ts'),
    '@lading/runtime/archive': path.join(root, 'packages/runtime/src/archive.ts'),
    '@lading/runtime': path.join(root, 'packages/runtime/src/index.ts'),
    '@lading/huggingface': path.join(root, 'adapters/huggingface/src/index.ts'),
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

// The catalogs, and the small files that the demo's own server serves.
for (const folder of ['', 'demo']) {
  const from = path.join(manifests, folder);
  const to = path.join(dist, 'manifests', folder);
  await mkdir(to, { recursive: true });
  for (const entry of await readdir(from, { withFileTypes: true }).catch(() => [])) {
    const isWanted = folder === 'demo' ? !entry.name.startsWith('.') : entry.name.endsWith('.json');
    if (entry.isFile() && isWanted) await copyFile(path.join(from, entry.name), path.join(to, entry.name));
  }
}

// What reading a catalog gives, for `built-in.ts`. One that is not good fails the build.
const read = path.join(dist, 'manifests/read');
await mkdir(read);
for (const name of await readdir(path.join(dist, 'manifests'))) {
  if (!name.endsWith('.json')) continue;
  const text = await readFile(path.join(dist, 'manifests', name), 'utf8');
  const reading = readManifest(text, { base: null, allowHttp: false });
  if (!reading.ok) throw new Error(`${name} is refused: ${JSON.stringify(reading.defects)}`);
  await writeFile(path.join(read, name), JSON.stringify({ of: fingerprintOf(text), manifest: reading.manifest }));
}
