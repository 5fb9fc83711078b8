import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { demoBytes } from './demo-bytes.js';
import { type DemoOptions, type DemoOrigin, startDemoOrigin } from './demo-origin.js';

interface Served {
  readonly url: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly pieces?: { readonly sizeBytes: number; readonly sha256: readonly string[] };
}

interface Heard {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly whole: boolean;
}

const manifests = new URL('../../../manifests/', import.meta.url);
const catalog = JSON.parse(readFileSync(new URL('demo.json', manifests), 'utf8')) as {
  readonly cores: readonly (Served & { readonly id: string; readonly files?: readonly Served[] })[];
};
const served = catalog.cores.flatMap((core): readonly Served[] => core.files ?? [core]);
const model = served[0] as Served;
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

let demo: DemoOrigin;
const open: DemoOrigin[] = [];
afterEach(async () => {
  for (const origin of open.splice(0)) await origin.close();
});
const start = async (options: Partial<DemoOptions> = {}): Promise<void> => {
  demo = await startDemoOrigin({ bytesPerSecond: Number.POSITIVE_INFINITY, dropOnce: false, ...options });
  open.push(demo);
};

function ask(path: string, headers: Record<string, string> = {}, method = 'GET', agent?: Agent): Promise<Heard> {
  return new Promise((resolve, reject) => {
    const asked = request(new URL(path, demo.catalogUrl), { method, headers, agent: agent ?? false }, (reply) => {
      const chunks: Buffer[] = [];
      reply.on('data', (chunk: Buffer) => chunks.push(chunk));
      // A cut connection is what some of these tests are about; `whole` tells.
      reply.on('error', () => {});
      reply.on('close', () =>
        resolve({
          status: reply.statusCode,
          headers: reply.headers,
          body: Buffer.concat(chunks),
          whole: reply.complete,
        }),
      );
    });
    asked.on('error', reject);
    asked.end();
  });
}

const part = (from: number, to: number): Record<string, string> => ({ range: `bytes=${from}-${to - 1}` });

describe('the bytes of a name', () => {
  it('can be made from anywhere', () => {
    const whole = demoBytes('a', 0, 5000);
    for (const [from, to] of [
      [0, 0],
      [0, 1],
      [1, 2],
      [3, 5],
      [4, 8],
      [1023, 4097],
      [4999, 5000],
      [7, 7],
    ] as const) {
      expect(demoBytes('a', from, to), `${from} to ${to}`).toEqual(whole.subarray(from, to));
    }
    expect(demoBytes('b', 0, 5000)).not.toEqual(whole);
  });
});

describe('the demo catalog', () => {
  it('is what the generator writes', () => {
    const generator = fileURLToPath(new URL('generate-demo.mjs', manifests));
    expect(execFileSync(process.execPath, [generator, '--check'], { encoding: 'utf8' })).toBe('');
  });

  it('is served as it is committed', async () => {
    await start();
    const heard = await ask(demo.catalogUrl);
    expect(heard).toMatchObject({ status: 200, headers: { 'content-type': 'application/json' } });
    expect(heard.body.equals(readFileSync(new URL('demo.json', manifests)))).toBe(true);
  });

  it.each(served)('states size and digest of $url', async ({ url, sizeBytes, sha256: digest, pieces }) => {
    await start();
    const { body, headers, whole } = await ask(url);
    expect(whole).toBe(true);
    expect([headers['content-length'], body.length, sha256(body)]).toEqual([String(sizeBytes), sizeBytes, digest]);
    if (pieces !== undefined) {
      expect(pieces.sha256).toHaveLength(Math.ceil(sizeBytes / pieces.sizeBytes));
      for (const [n, expected] of pieces.sha256.entries()) {
        const [from, to] = [n * pieces.sizeBytes, Math.min(sizeBytes, (n + 1) * pieces.sizeBytes)];
        expect(sha256((await ask(url, part(from, to))).body), `piece ${n}`).toBe(expected);
      }
    }

    // Arbitrary, but the same in every run; the odd sizes cross slices and words.
    let luck = 12_345;
    const below = (limit: number): number => {
      luck = (Math.imul(luck, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((luck / 2 ** 32) * limit);
    };
    const agent = new Agent({ keepAlive: true });
    for (let n = 0; n < 25; n += 1) {
      const from = below(sizeBytes);
      const to = Math.min(sizeBytes, from + 1 + below(300_000));
      const slice = await ask(url, part(from, to), 'GET', agent);
      expect(slice).toMatchObject({ status: 206, whole: true, headers: { etag: headers.etag } });
      expect(slice.headers['content-range']).toBe(`bytes ${from}-${to - 1}/${sizeBytes}`);
      expect(slice.body.equals(body.subarray(from, to)), `${from} to ${to}`).toBe(true);
    }
    agent.destroy();
  });

  it('has an archive of small files under one folder, with names that only archives may have', async () => {
    await start();
    const tar = gunzipSync((await ask('files/phonemes.tar.gz')).body);
    const names: string[] = [];
    for (let at = 0; tar[at] !== 0; ) {
      const field = (from: number, length: number): string =>
        tar.toString('latin1', at + from, at + from + length).replace(/\0.*$/s, '');
      names.push(field(0, 100));
      at += 512 + Math.ceil(Number.parseInt(field(124, 12), 8) / 512) * 512;
    }
    expect(names.filter((name) => !name.endsWith('/'))).toHaveLength(62);
    expect(names.every((name) => name.startsWith('phonemes-1.0/'))).toBe(true);
    expect(names).toContain('phonemes-1.0/voices/!v/whisper');
    expect(names).toEqual(names.toSorted((one, other) => (one < other ? -1 : 1)));
  });
});

describe('the demo origin', () => {
  it('answers HEAD, ranges and If-Range as static servers do', async () => {
    await start();
    const head = await ask(model.url, {}, 'HEAD');
    const { etag = '' } = head.headers;
    expect(head).toMatchObject({ status: 200, whole: true, headers: { 'accept-ranges': 'bytes' } });
    expect(head.headers['content-length']).toBe(String(model.sizeBytes));
    expect(head.body).toHaveLength(0);
    expect((await ask('files/demo-cleo.onnx.json', { range: 'bytes=-10' })).body).toHaveLength(10);
    expect(await ask(model.url, { range: 'bytes=25165824-' })).toMatchObject({
      status: 416,
      headers: { 'content-range': 'bytes */25165824' },
    });
    expect((await ask(model.url, { ...part(0, 9), 'if-range': etag })).status).toBe(206);
    expect((await ask(model.url, { ...part(0, 9), 'if-range': '"other"' }, 'HEAD')).status).toBe(200);
    expect((await ask('demo.json', { ...part(0, 9), 'if-range': '"other"' })).status).toBe(200);
    expect((await ask('files/unknown.bin')).status).toBe(404);
    expect((await ask(`${demo.url}//`)).status).toBe(404);
    expect((await ask('files/demo-model.config.json/../../../package.json')).status).toBe(404);
    expect((await ask(model.url, {}, 'POST')).status).toBe(405);
  });

  it('drops the largest file once, past its middle, and serves the rest to whoever resumes', async () => {
    await start({ dropOnce: true });
    expect((await ask('files/demo-cleo.onnx')).whole, 'a smaller file is left alone').toBe(true);
    const mark = Math.floor(model.sizeBytes * 0.55);
    expect((await ask(model.url, part(mark - 100, mark))).whole, 'a range before the mark too').toBe(true);
    expect((await ask(model.url, part(mark, mark + 100))).whole, 'and one behind it').toBe(true);
    expect((await ask(model.url, {}, 'HEAD')).whole).toBe(true);
    expect(demo.stats().drops).toBe(0);

    const agent = new Agent({ keepAlive: true });
    const broken = await ask(model.url, {}, 'GET', agent);
    agent.destroy();
    expect(broken.whole).toBe(false);
    expect(broken.body).toHaveLength(mark);
    expect(demo.stats().drops).toBe(1);

    const rest = await ask(model.url, {
      range: `bytes=${broken.body.length}-`,
      'if-range': broken.headers.etag ?? '',
    });
    expect(rest).toMatchObject({ status: 206, whole: true });
    expect(sha256(Buffer.concat([broken.body, rest.body]))).toBe(model.sha256);
    expect((await ask(model.url)).whole, 'once').toBe(true);
    expect(demo.stats().drops).toBe(1);
  });

  it('drops one of two that ask for the largest file at the same time', async () => {
    await start({ dropOnce: true });
    const both = await Promise.all([ask(model.url), ask(model.url)]);
    expect(both.filter(({ whole }) => whole)).toHaveLength(1);
    expect(demo.stats().drops).toBe(1);
  });

  it('shares its rate among connections and counts what it sent', async () => {
    await start({ bytesPerSecond: 2_000_000 });
    const startedMs = performance.now();
    const heard = await Promise.all(
      [0, 1, 2, 3].map((n) => ask(model.url, part(n * 1_000_000, n * 1_000_000 + 250_000))),
    );
    const tookMs = performance.now() - startedMs;
    expect(heard.every(({ whole, body }) => whole && body.length === 250_000)).toBe(true);
    // A million bytes take half a second; a machine under load may take longer, but never much less.
    expect(tookMs).toBeGreaterThan(350);
    expect(tookMs).toBeLessThan(60_000);
    expect(demo.stats()).toEqual({ requests: 4, bytesSent: 1_000_000, drops: 0 });
  });

  it('closes while somebody is still waiting for a slow file', async () => {
    await start({ bytesPerSecond: 1 });
    const heard = ask(model.url).catch(() => ({ whole: false }));
    while (demo.stats().requests === 0) await new Promise((resolve) => setImmediate(resolve));
    await demo.close();
    expect((await heard).whole).toBe(false);
  });

  it('refuses a rate at which nothing would ever arrive', async () => {
    await expect(start({ bytesPerSecond: 0 })).rejects.toThrow(RangeError);
    await expect(start({ bytesPerSecond: Number.NaN })).rejects.toThrow(RangeError);
  });
});
