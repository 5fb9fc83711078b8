// Bundles the command into dist: main.js, the command that it starts with what V8 makes of it, the worker files beside it, and the default
// catalogs with what reading them gives. Everything lies in one folder, because code finds a worker by `new URL('./x-worker.js', import.meta.url)`.
import { chmod, copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';
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

const options = {
  outdir: dist,
  entryNames: '[name]',
  bundle: true,
  platform: 'node',
  target: 'node20',
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
};

// As CommonJS: Node's loader of ES modules takes 10 to 20 ms to begin, in each thread.
await build({
  ...options,
  entryPoints: [path.join(here, 'src/main.ts'), ...workers.map((name) => path.join(adapter, name))],
  format: 'cjs',
  sourcemap: 'linked',
  define: { 'import.meta.url': 'hereUrl' },
  banner: { js: "'use strict';\nconst hereUrl = require('node:url').pathToFileURL(__filename).href;" },
});
await writeFile(path.join(dist, 'package.json'), '{ "type": "commonjs" }\n');

// The command as a function of what `main.ts` gives it. What is imported only when it is needed is a part of the text and runs only then.
await build({
  ...options,
  entryPoints: [path.join(here, 'src/command.ts')],
  outExtension: { '.js': '.script' },
  format: 'cjs',
  supported: { 'dynamic-import': false },
  define: { 'import.meta.url': 'commandUrl' },
  banner: { js: '(function (require, commandUrl) {' },
  footer: { js: '})' },
});

// With every function of it: what is compiled when it is first called is a good part.
const command = path.join(dist, 'command.script');
const commandText = await readFile(command, 'utf8');
setFlagsFromString('--no-lazy');
const script = new Script(commandText, { filename: command });
// V8 remembers the flags, and compares them.
setFlagsFromString('--lazy');
await writeFile(`${command}.${process.version}-${process.platform}-${process.arch}`, script.createCachedData());

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
