import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const src = (place: string): string => fileURLToPath(new URL(`./${place}/src/index.ts`, import.meta.url));

/** Where `.ci/run` wants the machine-readable result, besides the lines for people. */
const report = process.env['LADING_TEST_REPORT'];

/** A worker thread is started by Node itself, which cannot read TypeScript: workers come from the build, all else from source. */
const workersFromBuild = {
  name: 'workers-from-build',
  enforce: 'pre' as const,
  transform(code: string, id: string) {
    if (!/\/adapters\/node\/src\/[^/]+\.ts$/.test(id)) return undefined;
    return { code: code.replace(/(['"])\.\/([\w-]+-worker\.js)\1/g, '$1../dist/$2$1'), map: null };
  },
};

export default defineConfig({
  plugins: [workersFromBuild],
  resolve: {
    // Tests read sources, not dist: a failing line is the line that was written.
    alias: [
      { find: /^@lading\/core$/, replacement: src('packages/core') },
      { find: /^@lading\/runtime\/archive$/, replacement: src('packages/runtime').replace('index.ts', 'archive.ts') },
      { find: /^@lading\/runtime$/, replacement: src('packages/runtime') },
      { find: /^@lading\/browser$/, replacement: src('adapters/browser') },
      { find: /^@lading\/memory$/, replacement: src('adapters/memory') },
      { find: /^@lading\/node$/, replacement: src('adapters/node') },
      { find: /^@lading\/huggingface$/, replacement: src('adapters/huggingface') },
      { find: /^@lading\/sim$/, replacement: src('packages/sim') },
    ],
  },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'adapters/*/src/**/*.test.ts', 'specs/**/*.spec.ts'],
    // Processes, not threads: specs start servers, send signals and change the working directory.
    pool: 'forks',
    // Generous: a slow machine is no failure, and nothing here waits for a time-out.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
    coverage: { provider: 'v8', include: ['packages/*/src/**/*.ts', 'adapters/*/src/**/*.ts'] },
  },
});
