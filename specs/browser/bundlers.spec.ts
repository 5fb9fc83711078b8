/** Apps as people make them: built by Vite, and without a bundler. Each brings a voice in a real Chromium, with nothing said about workers. */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { afterAll, describe, expect, it } from 'vitest';
import { startOrigin } from '../origin/origin.js';
import { seededBytes } from '../origin/seeded-bytes.js';
import { startChromium } from './chromium.js';

const MODEL = seededBytes(1, 200_000);
const place = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript' };

const browser = await startChromium();
const site = await startOrigin();
afterAll(async () => {
  await browser.close();
  await site.close();
});

async function serve(folder: string, at: string): Promise<void> {
  for (const file of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue;
    const path = join(file.parentPath, file.name);
    const contentType = TYPES[extname(path)] ?? 'application/octet-stream';
    site.put(`${at}${path.slice(folder.length)}`, await readFile(path), { contentType });
  }
}

/** A catalog of one voice, beside the page. */
function stock(at: string): void {
  const file = {
    filename: 'model.onnx',
    url: site.put(`${at}/model.onnx`, MODEL),
    sizeBytes: MODEL.length,
    sha256: createHash('sha256').update(MODEL).digest('hex'),
  };
  const catalog = {
    version: 3,
    cores: [{ id: 'model', files: [file] }],
    voices: [{ id: 'heart', coreRequirements: ['model'] }],
  };
  site.put(`${at}/catalog.json`, new TextEncoder().encode(JSON.stringify(catalog)));
}

async function titleOf(at: string): Promise<string> {
  const context = await browser.newContext();
  const page = await context.newPage();
  const failures: string[] = [];
  page.on('pageerror', (error) => failures.push(error.message));
  await page.goto(`${site.url}${at}/index.html`);
  await page.waitForFunction(() => document.title.includes('bytes'));
  const title = await page.title();
  await context.close();
  expect(failures).toEqual([]);
  return title;
}

describe('an app', () => {
  it('that Vite builds brings a voice, its worker found by itself', async () => {
    const outDir = await mkdtemp(join(tmpdir(), 'lading-vite-'));
    try {
      await build({
        root: place('specs/browser/examples/vite'),
        base: './',
        configFile: false,
        logLevel: 'warn',
        build: { outDir, emptyOutDir: true, target: 'es2022' },
      });
      await serve(outDir, '/vite');
      stock('/vite');
    } finally {
      await rm(outDir, { recursive: true });
    }
    expect(await titleOf('/vite')).toBe('model.onnx: 200000 bytes');
  });

  it('without a bundler brings a voice, from two files that need nothing else', async () => {
    await serve(place('specs/browser/examples/plain'), '/plain');
    await serve(place('adapters/browser/dist/standalone'), '/plain/lading');
    stock('/plain');
    expect(await titleOf('/plain')).toBe('model.onnx: 200000 bytes');
  });
});
