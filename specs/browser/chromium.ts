/** Debian's Chromium, driven over its own protocol, and the bundles of what runs in it. */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type Browser, chromium } from 'playwright-core';

const source = (place: string, door = 'index'): string =>
  fileURLToPath(new URL(`../../${place}/src/${door}.ts`, import.meta.url));
const page = (file: string): string => fileURLToPath(new URL(`./page/${file}`, import.meta.url));

export const CHROMIUM = '/usr/bin/chromium';
export const CHROMIUM_ARGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export async function startChromium(): Promise<Browser> {
  return await chromium.launch({
    executablePath: CHROMIUM,
    // Playwright switches it off, and people's browsers have it.
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
    args: CHROMIUM_ARGS,
  });
}

/** Bundles from the sources, as an app's bundler would: a failing line is the line that was written. */
export async function bundled(entryPoint: string): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [entryPoint],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    sourcemap: 'inline',
    alias: {
      '@lading/core': source('packages/core'),
      '@lading/runtime/archive': source('packages/runtime', 'archive'),
      '@lading/runtime': source('packages/runtime'),
      '@lading/browser': source('adapters/browser'),
      vitest: page('vitest.ts'),
    },
    logLevel: 'warning',
  });
  return outputFiles[0]?.contents ?? new Uint8Array(0);
}

export const pageBundle = (file: string): Promise<Uint8Array> => bundled(page(file));

/** The worker of the adapter, as a bundler makes it of `new URL('./depot-worker.js', import.meta.url)`. */
export const workerBundle = (): Promise<Uint8Array> =>
  bundled(fileURLToPath(new URL('../../adapters/browser/src/depot-worker.ts', import.meta.url)));
