/** A model that the depot brought is really run: by onnxruntime-web, in a page of a real Chromium, from bytes and from an address. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { BrowserContext } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Origin, startOrigin } from '../origin/origin.js';
import { installed } from '../runtimes/installed.js';
import { startChromium } from './chromium.js';
import { lineModel } from './onnx-model.js';

const place = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
/** The engine, and what it fetches by itself from beside it. */
const ENGINE = ['ort.wasm.bundle.min.mjs', 'ort-wasm-simd-threaded.wasm'];

const engine = installed('onnxruntime-web/ort-wasm-simd-threaded.wasm');
const isCi = process.env['CI'] === 'true';
if (engine === null && !isCi)
  process.stderr.write('onnx.spec.ts is skipped for want of onnxruntime-web: npm run runtimes:install\n');

describe.skipIf(engine === null && !isCi)('a model that the depot brought', () => {
  const { model, weights } = lineModel(
    [
      [1, -1],
      [2, 0.5],
      [3, 4],
    ],
    [10, -0.25],
    'model.onnx_data',
  );
  /** Of x = [1, 2, 3], which the page asks for. */
  const y = [1 * 1 + 2 * 2 + 3 * 3 + 10, -1 + 2 * 0.5 + 3 * 4 - 0.25];
  let site: Origin;
  let browser: Awaited<ReturnType<typeof startChromium>>;
  let context: BrowserContext;

  async function serve(at: string, path: string, contentType: string): Promise<void> {
    site.put(at, await readFile(path), { contentType });
  }

  function stock(): void {
    const files = Object.entries({ 'model.onnx': model, 'model.onnx_data': weights }).map(([filename, bytes]) => ({
      filename,
      url: site.put(`/${filename}`, bytes),
      sizeBytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    }));
    const catalog = {
      version: 3,
      cores: [{ id: 'model', files }],
      voices: [{ id: 'line', coreRequirements: ['model'] }],
    };
    site.put('/engine/catalog.json', new TextEncoder().encode(JSON.stringify(catalog)));
  }

  async function outputs(): Promise<unknown> {
    const page = await context.newPage();
    const failures: string[] = [];
    page.on('pageerror', (error) => failures.push(error.message));
    await page.goto(`${site.url}/engine/index.html`);
    await page.waitForFunction(() => document.title.startsWith('y = '));
    expect(failures).toEqual([]);
    return await page.evaluate(() => (globalThis as { outputs?: unknown }).outputs);
  }

  beforeAll(async () => {
    if (engine === null) throw new Error('cannot run for want of onnxruntime-web: npm run runtimes:install');
    site = await startOrigin();
    for (const file of ENGINE) {
      const contentType = file.endsWith('.wasm') ? 'application/wasm' : 'text/javascript';
      await serve(`/ort/${file}`, join(dirname(engine), file), contentType);
    }
    for (const file of ['page.js', 'worker.js'])
      await serve(`/lading/${file}`, place(`adapters/browser/dist/standalone/${file}`), 'text/javascript');
    await serve('/engine/index.html', place('specs/browser/examples/engine/index.html'), 'text/html');
    stock();
    browser = await startChromium();
    context = await browser.newContext();
  });
  afterAll(async () => {
    await browser?.close();
    await site?.close();
  });

  it('is run from its bytes and from an address, with the weights that lie beside it, and gives the right numbers', async () => {
    expect(await outputs()).toEqual({ bytes: y, address: y });
    // The engine read what is installed: nothing but the depot fetched the model.
    for (const path of ['/model.onnx', '/model.onnx_data']) expect(site.requestsOf(path)).toHaveLength(1);
  });

  it('is run in the next tab too, from the same files, while the first one owns the depot', async () => {
    expect(await outputs()).toEqual({ bytes: y, address: y });
    for (const path of ['/model.onnx', '/model.onnx_data']) expect(site.requestsOf(path)).toHaveLength(1);
  });
});
