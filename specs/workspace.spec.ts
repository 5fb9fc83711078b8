import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const root = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  packageManager: string;
  scripts: { pnpm: string };
};

test('the pinned package manager is the one the scripts start', () => {
  expect(root.scripts.pnpm).toBe(`npx --yes ${root.packageManager.replace(/\+.*/, '')}`);
});
