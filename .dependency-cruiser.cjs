/**
 * The arrows of the house (ARCHITECTURE): who may import whom. `specs/tools/check-arrows.mjs` runs these rules.
 * Paths are those of sources; `@lading/*` resolves to the other package's `src/index.ts`.
 */
const tests = '\\.(test|spec)\\.ts$';

/** A place may import itself and what stands in its list; everything else is forbidden. */
function only(place, allowed, comment) {
  return {
    name: `${place.replace('/', '-')}-imports-only`,
    severity: 'error',
    comment,
    from: { path: `^${place}/`, pathNot: tests },
    to: { pathNot: [`^${place}/`, ...allowed] },
  };
}

const module_ = (name) => `node_modules/${name}/`;
const core = '^packages/core/src/index\\.ts$';
const runtime = '^packages/runtime/src/index\\.ts$';

module.exports = {
  forbidden: [
    only(
      'packages/core',
      [module_('xstate'), module_('zod')],
      'core is pure: no platform, no RxJS, nothing but xstate and zod/mini.',
    ),
    only('packages/runtime', [core, module_('rxjs')], 'The runtime knows no platform.'),
    only(
      'adapters/huggingface',
      [core, runtime],
      'The hub is reached through the ports of the runtime, in Node and in a page alike.',
    ),
    only('packages/engines', [core, runtime], 'Engines read core and the types of the runtime.'),
    only(
      'packages/sim',
      [core, runtime, '^adapters/memory/src/index\\.ts$', module_('fast-check')],
      'The simulation stands on the memory adapter only.',
    ),
    only(
      'packages/react',
      [core, runtime, module_('react'), module_('react-dom'), module_('@types/react'), module_('rxjs')],
      'State comes from streams only.',
    ),
    {
      name: 'types-only',
      severity: 'error',
      comment: 'engines and react may know the runtime by its types, not run it.',
      from: { path: '^packages/(engines|react)/', pathNot: tests },
      to: { path: '^packages/runtime/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'runtime-is-a-layer',
      severity: 'error',
      comment: 'The server stands on runtime and core, not on a platform adapter.',
      from: { path: '^packages/server/', pathNot: tests },
      to: { path: '^(adapters|packages/(engines|sim|cli|react|web))/' },
    },
    {
      name: 'cli-neighbours',
      severity: 'error',
      from: { path: '^packages/cli/', pathNot: tests },
      to: { path: '^(adapters/(?!(node|huggingface)/)|packages/(engines|sim|react|web)/)' },
    },
    {
      name: 'web-neighbours',
      severity: 'error',
      from: { path: '^packages/web/', pathNot: tests },
      to: { path: '^(adapters/(?!browser/)|packages/(engines|sim|cli)/)' },
    },
    {
      name: 'adapters-are-strangers',
      severity: 'error',
      from: { path: '^adapters/([^/]+)/' },
      to: { path: '^adapters/', pathNot: '^adapters/$1/' },
    },
    {
      name: 'adapters-look-down',
      severity: 'error',
      comment: 'An adapter knows core and runtime, no other package.',
      from: { path: '^adapters/' },
      to: { path: '^packages/', pathNot: '^packages/(core|runtime)/' },
    },
    {
      name: 'nobody-imports-specs',
      severity: 'error',
      from: { path: '^(packages|adapters)/' },
      to: { path: '^specs/' },
    },
    {
      name: 'front-door-only',
      severity: 'error',
      comment: 'Another package is entered by its name and its exports, never by a path into it.',
      from: { path: '^((?:packages|adapters)/[^/]+|specs)/' },
      to: {
        path: '^(packages|adapters)/[^/]+/',
        pathNot: [
          '^$1/',
          '^(packages|adapters)/[^/]+/src/index\\.ts$',
          '^packages/server/src/client\\.ts$',
          '^packages/runtime/src/archive\\.ts$',
        ],
      },
    },
    {
      name: 'by-name-not-by-path',
      severity: 'error',
      comment: 'Even the front door is entered by the name of the package.',
      from: { path: '^(packages|adapters)/([^/]+)/' },
      to: {
        path: '^(packages|adapters)/',
        pathNot: '^$1/$2/',
        dependencyTypes: ['local'],
        dependencyTypesNot: ['aliased'],
      },
    },
    {
      name: 'inside-import-the-file',
      severity: 'error',
      comment: 'Inside a package import the file, not the barrel.',
      from: { path: '^((?:packages|adapters)/[^/]+)/src/', pathNot: tests },
      to: { path: '^$1/src/index\\.ts$' },
    },
    { name: 'no-cycle', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'resolvable',
      severity: 'error',
      comment: 'What the bench races against is installed only where it races.',
      from: { pathNot: '^specs/bench/peers/' },
      to: { couldNotResolve: true },
    },
    {
      name: 'declared',
      severity: 'error',
      comment: 'What is imported stands in the package.json of the importer.',
      from: { path: '^(packages|adapters)/[^/]+/src/', pathNot: tests },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-dev', 'unknown'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'zod-mini',
      severity: 'error',
      comment: 'The full zod is many times the size of zod/mini.',
      from: { path: '^(packages|adapters|specs)/' },
      to: { path: 'node_modules/zod/(?!mini/)' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'specs/tools/tsconfig.arrows.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types', 'default'],
      extensions: ['.ts', '.tsx', '.mts', '.mjs', '.js', '.cjs', '.d.ts', '.json'],
    },
  },
};
