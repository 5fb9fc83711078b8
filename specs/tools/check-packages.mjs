// Packs every publishable package as it would be published and looks at the tarball with publint
// (is package.json true?) and Are The Types Wrong (do the types resolve as the code does?).
import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

/** What is imported is published as ES modules only; what CommonJS or the resolution of old TypeScript would say is known and meant. */
const ignoredResolutions = ['node10', 'node16-cjs'];

const root = fileURLToPath(new URL('../..', import.meta.url));
const faults = [];

const publishable = [];
for (const place of ['packages', 'adapters']) {
  for (const name of await readdir(path.join(root, place))) {
    const text = await readFile(path.join(root, place, name, 'package.json'), 'utf8').catch(() => undefined);
    const pkg = text === undefined ? { private: true } : JSON.parse(text);
    if (pkg.private !== true) publishable.push(pkg);
  }
}
if (publishable.length === 0) throw new Error('no publishable package found: the check is blind');

const packed = await mkdtemp(path.join(tmpdir(), 'lading-packed-'));
try {
  const filters = publishable.flatMap(({ name }) => ['--filter', name]);
  execFileSync('pnpm', ['--recursive', ...filters, 'pack', '--pack-destination', packed], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  for (const pkg of publishable) {
    const name = `${pkg.name.replace('@', '').replace('/', '-')}-${pkg.version}.tgz`;
    const tarball = await readFile(path.join(packed, name));
    const bytes = tarball.buffer.slice(tarball.byteOffset, tarball.byteOffset + tarball.byteLength);

    const { messages } = await publint({ pack: { tarball: bytes }, strict: true, level: 'warning' });
    for (const message of messages) faults.push(`${pkg.name}: ${formatMessage(message, pkg, { color: false })}`);

    // A package that is only a command has no types to be wrong, but it must run as it is.
    if (pkg.exports === undefined) {
      execFileSync('tar', ['-xzf', path.join(packed, name), '-C', packed]);
      const command = path.join(packed, 'package', Object.values(pkg.bin)[0]);
      const said = execFileSync(process.execPath, [command, '--version'], { encoding: 'utf8' });
      if (said.trim() !== pkg.version) faults.push(`${pkg.name}: packed, it says ${said} for its version`);
      continue;
    }
    const { types, problems } = await checkPackage(createPackageFromTarballData(new Uint8Array(bytes)));
    if (types === false) faults.push(`${pkg.name}: no types in the tarball`);
    for (const problem of problems ?? []) {
      if (!ignoredResolutions.includes(problem.resolutionKind)) faults.push(`${pkg.name}: ${JSON.stringify(problem)}`);
    }
  }
} finally {
  await rm(packed, { recursive: true });
}

for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exit(1);
console.log(`packages: ${publishable.map(({ name }) => name).join(', ')} pack as they say`);
