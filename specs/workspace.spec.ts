import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const here = fileURLToPath(new URL('.', import.meta.url));

const root = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  packageManager: string;
  scripts: { pnpm: string };
};

test('the pinned package manager is the one the scripts start', () => {
  expect(root.scripts.pnpm).toBe(`npx --yes ${root.packageManager.replace(/\+.*/, '')}`);
});

/** What `import '@lading/node'` makes this Node load: modules, and what they require. */
function loadedBy(specifier: string): readonly string[] {
  const data = (code: string) => `data:text/javascript,${encodeURIComponent(code)}`;
  const hooks = data(`
    import { writeSync } from 'node:fs';
    export async function load(url, context, next) {
      writeSync(1, url + '\\n');
      return await next(url, context);
    }`);
  const told = execFileSync(
    process.execPath,
    [
      ...['--import', data(`import { register } from 'node:module'; register(${JSON.stringify(hooks)});`)],
      ...['--input-type', 'module', '--eval'],
      `import { createRequire } from 'node:module';
       await import('${specifier}');
       for (const path of Object.keys(createRequire(import.meta.url).cache)) console.log(path);`,
    ],
    { cwd: here, encoding: 'utf8' },
  );
  return told.split('\n').filter((place) => place.startsWith('/') || place.startsWith('file:'));
}

test('in Node an import reads one file of each of our packages, with what they share, and of the others what is used', () => {
  const loaded = loadedBy('@lading/node');
  const ours = loaded.filter((place) => !place.includes('/node_modules/'));
  const others = loaded.filter((place) => place.includes('/node_modules/'));
  expect(ours.filter((place) => !/\/dist\/[\w.-]+\.node\.js$/.test(place))).toEqual([]);
  expect(ours.length).toBeLessThan(10);
  expect(ours.some((place) => place.endsWith('/adapters/node/dist/index.node.js'))).toBe(true);
  expect(others.some((place) => place.endsWith('/rxjs/dist/cjs/internal/Observable.js'))).toBe(true);
  expect(others.filter((place) => /\/(zod|tar|yauzl)\/|\/rxjs\/dist\/cjs\/index\.js$/.test(place))).toEqual([]);
  expect(others.length).toBeLessThan(90);
});

test('in Node its streams are those of the whole of RxJS', () => {
  const told = execFileSync(
    process.execPath,
    [
      ...['--input-type', 'module', '--eval'],
      `import { mkdtempSync, rmSync } from 'node:fs';
       import { tmpdir } from 'node:os';
       import { join } from 'node:path';
       import { openDepot } from '@lading/node';
       import { Observable } from 'rxjs';
       const dir = mkdtempSync(join(tmpdir(), 'lading-'));
       const depot = await openDepot({ dir, catalog: '../manifests/assistant.json' });
       console.log([depot.state$, depot.events$].map((each) => each instanceof Observable));
       await depot.close();
       rmSync(dir, { recursive: true });`,
    ],
    { cwd: here, encoding: 'utf8' },
  );
  expect(told.trim()).toBe('[ true, true ]');
});
