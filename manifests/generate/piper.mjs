// Piper: the publisher's catalog, through the same importer that `lading catalog import piper` uses.
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { assets, manifestOf, readSource } from './sources.mjs';

const cli = new URL('../../packages/cli/', import.meta.url);

/** Bundled from source, not taken from a build: a stale build would write a stale catalog in silence. */
async function loadImporter() {
  // This folder is no package and has no dependencies; the command line's package has the bundler.
  const { build } = createRequire(new URL('package.json', cli))('esbuild');
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('src/import-piper.ts', cli))],
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    target: 'es2023',
    write: false,
    logLevel: 'warning',
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
}

const { importPiper, PIPER_REVISION } = await loadImporter();
const { lastUpdated } = manifestOf('piper');

export const piper = importPiper(readSource('piper-voices.json'), { assets, revision: PIPER_REVISION, lastUpdated });
