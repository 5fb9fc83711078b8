// Holds the imports of the workspace against `.dependency-cruiser.cjs`, and proves that the check can fail:
// a tool that sees no modules (dependency-cruiser under TypeScript 7 does) would otherwise be content with everything.
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { cruise } from 'dependency-cruiser';
import extractTSConfig from 'dependency-cruiser/config-utl/extract-ts-config';

/** Seeing fewer of our own sources than this, the tool is blind. */
const minimumModules = 40;

/** Imports that must turn the check red: where they stand, what they say, and the rule that catches them. */
const broken = [
  ['packages/core/src/broken-platform.ts', "import 'node:fs';", 'packages-core-imports-only'],
  ['packages/core/src/broken-rxjs.ts', "import 'rxjs';", 'packages-core-imports-only'],
  ['packages/core/src/broken-zod.ts', "import 'zod';", 'zod-mini'],
  ['packages/core/src/broken-unresolved.ts', "import './nowhere.js';", 'resolvable'],
  ['packages/core/src/broken-cycle-a.ts', "import './broken-cycle-b.js';", 'no-cycle'],
  ['packages/core/src/broken-cycle-b.ts', "import './broken-cycle-a.js';", undefined],
  ['packages/core/src/broken-specs.ts', "import '../../../specs/broken-target.js';", 'nobody-imports-specs'],
  ['packages/core/src/broken-barrel.ts', "import './index.js';", 'inside-import-the-file'],
  ['packages/runtime/src/broken-platform.ts', "import { readFile } from 'node:fs';", 'packages-runtime-imports-only'],
  ['packages/runtime/src/broken-adapter.ts', "import '@lading/node';", 'packages-runtime-imports-only'],
  ['packages/runtime/src/broken-door.ts', "import '../../core/src/broken-zod.js';", 'front-door-only'],
  ['packages/runtime/src/broken-path.ts', "import '../../core/src/index.js';", 'by-name-not-by-path'],
  ['packages/cli/src/broken-neighbour.ts', "import '@lading/memory';", 'cli-neighbours'],
  ['adapters/memory/src/broken-stranger.ts', "import '@lading/node';", 'adapters-are-strangers'],
  ['adapters/huggingface/src/broken-platform.ts', "import 'node:fs';", 'adapters-huggingface-imports-only'],
  ['adapters/node/src/broken-undeclared.ts', "import 'memfs';", 'resolvable'],
  [
    'adapters/node/src/broken-stranger.ts',
    "import type {} from '../../memory/src/index.js';",
    'adapters-are-strangers',
  ],
  ['specs/broken-target.ts', 'export {};', undefined],
];

const root = fileURLToPath(new URL('../..', import.meta.url));
const require = createRequire(import.meta.url);
const { forbidden, options } = require('../../.dependency-cruiser.cjs');
const { tsConfig: tsConfigPlace, enhancedResolveOptions, ...cruiseOptions } = options;

async function violations(baseDir) {
  const fileName = path.join(baseDir, tsConfigPlace.fileName);
  const { output } = await cruise(
    ['packages', 'adapters', 'specs'],
    {
      ...cruiseOptions,
      enhancedResolveOptions,
      baseDir,
      tsConfig: { fileName },
      ruleSet: { forbidden },
      validate: true,
    },
    undefined,
    { tsConfig: extractTSConfig(fileName) },
  );
  const own = output.modules.filter(({ source }) => /^(packages|adapters|specs)\/.*\.tsx?$/.test(source));
  return { modules: own.length, found: output.summary.violations };
}

const isSource = (place) => path.basename(place) !== 'node_modules';

/** Copies the sources, not what was installed or built, and links the installed packages in. */
async function copyOfSources() {
  const copy = await mkdtemp(path.join(tmpdir(), 'lading-arrows-'));
  const members = ['specs'];
  for (const place of ['packages', 'adapters']) {
    for (const name of await readdir(path.join(root, place))) members.push(path.join(place, name));
  }
  for (const name of ['package.json', 'tsconfig.base.json']) await cp(path.join(root, name), path.join(copy, name));
  await symlink(path.join(root, 'node_modules'), path.join(copy, 'node_modules'));
  for (const member of members) {
    await mkdir(path.join(copy, member), { recursive: true });
    for (const name of await readdir(path.join(root, member))) {
      if (name === 'dist' || name === '.turbo') continue;
      if (name === 'node_modules') await symlink(path.join(root, member, name), path.join(copy, member, name));
      else
        await cp(path.join(root, member, name), path.join(copy, member, name), { recursive: true, filter: isSource });
    }
  }
  return copy;
}

const { modules, found } = await violations(root);
for (const { rule, from, to } of found) console.error(`${rule.name}: ${from} -> ${to}`);
if (found.length > 0) process.exit(1);
if (modules < minimumModules) {
  console.error(`only ${modules} modules seen, at least ${minimumModules} expected: the check is blind`);
  process.exit(1);
}

const copy = await copyOfSources();
try {
  for (const [place, text] of broken) await writeFile(path.join(copy, place), `${text}\n`);
  const seen = (await violations(copy)).found.map(({ rule, from }) => `${rule.name}: ${from}`);
  const missed = broken.filter(([place, , rule]) => rule !== undefined && !seen.includes(`${rule}: ${place}`));
  for (const [place, text, rule] of missed) console.error(`${rule} did not catch \`${text}\` in ${place}`);
  if (missed.length > 0) {
    if (process.env['LADING_ARROWS_DEBUG']) console.error(seen);
    process.exit(1);
  }
} finally {
  await rm(copy, { recursive: true });
}
console.log(
  `arrows: ${modules} modules, ${forbidden.length} rules, ${broken.filter(([, , rule]) => rule !== undefined).length} broken imports caught`,
);
