/** The worlds in a page of Debian's Chromium: bundled as any app bundles them, served from loopback. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import { installed } from './installed.js';

const CHROMIUM = '/usr/bin/chromium';

/** No sandbox, for a container has no name spaces to build one from; and nothing that looks for a network. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const traces = fileURLToPath(new URL('./traces.mjs', import.meta.url));

/** What stands in for those of Node's modules that memfs asks for. With a slash at its end a name is the package, not what Node has under it. */
const STAND_INS: Readonly<Record<string, string | null>> = {
  'node:buffer': installed('buffer/'),
  'node:events': installed('events/'),
  'node:path': installed('path-browserify'),
  'node:stream': installed('readable-stream/lib/ours/browser.js'),
  'node:url': fileURLToPath(new URL('./node-url.mjs', import.meta.url)),
};

/** What is not there and would have to be. */
export function missingForPage(): readonly ('chromium' | 'stand-ins')[] {
  return [
    ...(existsSync(CHROMIUM) ? [] : (['chromium'] as const)),
    ...(Object.values(STAND_INS).includes(null) ? (['stand-ins'] as const) : []),
  ];
}

/** `worlds.tracesOf` as one script. */
async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [traces],
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'worlds',
    platform: 'browser',
    logLevel: 'warning',
    alias: Object.fromEntries(Object.entries(STAND_INS).map(([name, path]) => [name, path ?? name])),
  });
  return outputFiles.map(({ text }) => text).join('');
}

/** What `tracesOf` gives in a page. */
export async function tracesInPage(seeds: readonly number[]): Promise<readonly string[]> {
  const script = await bundle();
  const server = createServer(({ url }, response) => {
    const [type, text] =
      url === '/worlds.js'
        ? ['text/javascript', script]
        : ['text/html', '<!doctype html><title>Worlds</title><script src="/worlds.js"></script>'];
    response.setHeader('content-type', `${type}; charset=utf-8`);
    response.end(text);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
    try {
      const page = await browser.newPage();
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
      return await page.evaluate<readonly string[]>(`worlds.tracesOf([${seeds.join()}])`);
    } finally {
      await browser.close();
    }
  } finally {
    server.close();
  }
}
