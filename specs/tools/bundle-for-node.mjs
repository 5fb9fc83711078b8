// What Node loads of a package, beside its modules: one file, where `import '@lading/node'` took 0.4 s to find, read and link 463 (now 59).
// The modules are for everybody else, and for an app's bundler. Of zod and RxJS only what is used is loaded.
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Where RxJS has what we use of it (its `exports`, `./internal/*`): the very same classes that `rxjs` gives to whoever loads all of it. */
const rxjs = {
  Observable: 'Observable',
  ReplaySubject: 'ReplaySubject',
  Subject: 'Subject',
  asyncScheduler: 'scheduler/async',
  share: 'operators/share',
  throttleTime: 'operators/throttleTime',
};

const partsOfRxjs = {
  name: 'parts-of-rxjs',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^rxjs$/ }, () => ({ path: 'rxjs', namespace: 'parts' }));
    onLoad({ filter: /.*/, namespace: 'parts' }, () => ({
      contents: Object.entries(rxjs)
        .map(([name, place]) => `export { ${name} } from 'rxjs/internal/${place}';`)
        .join('\n'),
    }));
  },
};

const zod = path.join(root, 'packages/core/node_modules/zod/LICENSE');
const packages = [
  {
    place: 'packages/core',
    entries: ['index', 'json-schema'],
    external: ['xstate'],
    // Its license wants to be in every copy.
    banner: { js: `/*! Contains parts of zod.\n\n${await readFile(zod, 'utf8')}*/` },
  },
  { place: 'packages/runtime', entries: ['index', 'archive'], external: ['@lading/core', 'rxjs/internal/*'] },
  { place: 'adapters/node', entries: ['index'], external: ['@lading/*', 'tar', 'yauzl'] },
];

for (const { place, entries, external, banner } of packages) {
  const dist = path.join(root, place, 'dist');
  const { outputFiles } = await build({
    absWorkingDir: path.join(root, place),
    entryPoints: Object.fromEntries(entries.map((name) => [`${name}.node`, `src/${name}.ts`])),
    outdir: dist,
    write: false,
    chunkNames: '[name]-[hash].node',
    bundle: true,
    // What two entries share is there once, and what is imported only when it is needed is loaded only then.
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external,
    plugins: [partsOfRxjs],
    legalComments: 'inline',
    logLevel: 'warning',
    banner,
  });
  await mkdir(dist, { recursive: true });
  const written = new Set();
  for (const { path: at, contents } of outputFiles) {
    await writeFile(at, contents);
    written.add(path.basename(at));
  }
  // The names of shared parts tell what is in them: those of before would stay.
  for (const name of await readdir(dist))
    if (name.endsWith('.node.js') && !written.has(name)) await rm(path.join(dist, name));
}
