import { type Catalog, Catalog as Catalogs, type Fault, type Manifest } from '@lading/core';
import { type Clock, FaultError, type Fetcher, type FetchRequest, type FetchResponse } from '@lading/runtime';
import { describe, expect, it } from 'vitest';
import { HuggingFace, type HuggingFaceOptions } from './hub.js';

/** A hub in memory, and a clock whose waits are over at once and are written down. */
const commit = 'a'.repeat(40);
const sha256 = 'c'.repeat(64);
const blob = 'd'.repeat(40);
const endpoint = 'https://hub.test';
const rules = { base: null, allowHttp: false };
const tree = `${endpoint}/api/models/o/r/tree/${commit}?recursive=true`;
const revision = `${endpoint}/api/models/o/r/revision/main`;
const listed = [
  { type: 'file', oid: blob, size: 90, path: 'model.onnx', lfs: { oid: sha256, size: 9_000 } },
  { type: 'file', oid: blob, size: 50, path: 'tokens.json' },
];

interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly redirect?: Readonly<Record<string, string>>;
}

class World implements Fetcher {
  readonly isRangeFirst = false;
  readonly asked: string[] = [];
  readonly waits: number[] = [];
  private monotonic = 0;

  constructor(private readonly answers: Readonly<Record<string, readonly (Answer | FaultError)[]>>) {}

  async fetch({ url }: FetchRequest): Promise<FetchResponse> {
    const before = this.asked.filter((each) => each === url).length;
    this.asked.push(url);
    const answers = this.answers[url] ?? [];
    const answer = answers[Math.min(before, answers.length - 1)] ?? { status: 404 };
    if (answer instanceof FaultError) throw answer;
    const redirect = answer.redirect === undefined ? {} : { redirect: answer.redirect };
    const bytes = new TextEncoder().encode(JSON.stringify(answer.body ?? null));
    const body = (async function* () {
      yield bytes;
    })();
    return { status: answer.status ?? 200, headers: answer.headers ?? {}, body, ...redirect };
  }

  /** Only the waits between two questions end; the watchdog of a question, which is never needed here, does not. */
  readonly clock: Clock = {
    now: () => 0,
    monotonicMs: () => this.monotonic,
    wait: (ms, signal) => {
      if (ms === 777) {
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      }
      this.waits.push(ms);
      this.monotonic += ms;
      return Promise.resolve();
    },
  };

  face(options: Partial<HuggingFaceOptions> = {}): HuggingFace {
    return new HuggingFace({ clock: this.clock, endpoint, stallMs: 777, ...options });
  }
}

const good = { [revision]: [{ body: { sha: commit } }], [tree]: [{ body: listed }] };
const manifestOf = (...files: readonly object[]): string =>
  JSON.stringify({
    version: 3,
    cores: [{ id: 'core', files: files.map((file, i) => ({ filename: `f${i}`, ...file })) }],
  });

async function read(face: HuggingFace, world: World, text: string): Promise<Manifest> {
  const reading = await face.readManifest(text, rules, world);
  if (!reading.ok) throw new Error(JSON.stringify(reading.defects));
  return reading.manifest;
}

describe('a manifest with references', () => {
  it('gets URLs of the commit, sizes and digests', async () => {
    const world = new World(good);
    const manifest = await read(
      world.face(),
      world,
      manifestOf({ url: 'hf://o/r/model.onnx' }, { url: 'hf://o/r@main/tokens.json' }),
    );
    expect(manifest.cores[0]?.files).toMatchObject([
      {
        urls: [`${endpoint}/o/r/resolve/${commit}/model.onnx`],
        contents: [{ sizeBytes: 9_000, sha256, gitBlob: null }],
      },
      {
        urls: [`${endpoint}/o/r/resolve/${commit}/tokens.json`],
        contents: [{ sizeBytes: 50, sha256: null, gitBlob: blob }],
      },
    ]);
    expect(world.asked).toEqual([revision, tree]);
  });

  it('may be archives, and mirrors of other addresses', async () => {
    const world = new World(good);
    const archive = { id: 'a', url: 'hf://o/r/model.onnx', extractType: 'zip' };
    const mirrored = { id: 'b', files: [{ filename: 'm', url: 'https://x.test/m', mirrors: ['hf://o/r/model.onnx'] }] };
    const manifest = await read(world.face(), world, JSON.stringify({ version: 3, cores: [archive, mirrored] }));
    expect(manifest.cores[0]).toMatchObject({ sizeBytes: 9_000, archive: { extractType: 'zip' } });
    expect(manifest.cores[1]?.files[0]).toMatchObject({
      urls: ['https://x.test/m', `${endpoint}/o/r/resolve/${commit}/model.onnx`],
      contents: [{ sizeBytes: 9_000, sha256 }],
    });
  });

  it('keeps what it says itself, and hears in what the hub has something else', async () => {
    const world = new World(good);
    const face = world.face();
    const own = { url: 'hf://o/r/model.onnx', sizeBytes: 10, sha256: 'e'.repeat(64) };
    const manifest = await read(face, world, manifestOf(own, { url: 'hf://o/r/tokens.json', sizeBytes: 51 }));
    expect(manifest.cores[0]?.files.map(({ contents }) => contents[0])).toMatchObject([
      { sizeBytes: 10, sha256: 'e'.repeat(64) },
      { sizeBytes: 51, sha256: null, gitBlob: null },
    ]);
    expect(face.pins.map(({ fault }) => fault?.type)).toEqual(['upstreamChanged', 'upstreamChanged']);
  });

  it('is content with a content that it merely accepts, and with a weaker digest beside a size', async () => {
    const world = new World(good);
    const face = world.face();
    const accepted = [{ sizeBytes: 9_000, sha256 }];
    const older = { url: 'hf://o/r/model.onnx', sizeBytes: 10, sha256: 'e'.repeat(64), accepted };
    const manifest = await read(
      face,
      world,
      manifestOf(older, { url: 'hf://o/r/tokens.json', sizeBytes: 50, md5: 'f'.repeat(32) }),
    );
    expect(face.pins.map(({ fault }) => fault)).toEqual([null, null]);
    expect(manifest.cores[0]?.files[1]?.contents).toMatchObject([{ md5: 'f'.repeat(32), gitBlob: blob }]);
  });

  it('asks a second listing of the same revision of nobody', async () => {
    const world = new World(good);
    const face = world.face();
    await read(face, world, manifestOf({ url: 'hf://o/r/model.onnx' }));
    await read(face, world, manifestOf({ url: 'hf://o/r/tokens.json' }));
    expect(world.asked).toEqual([revision, tree]);
  });

  it('is a defect, each with its place, where it cannot be read, and nothing is asked', async () => {
    const world = new World(good);
    const text = manifestOf(
      { url: 'hf://o' },
      { url: 'https://x.test/f', sizeBytes: 1, mirrors: ['hf://o/r@main'] },
      {},
    );
    const reading = await world.face().readManifest(text, rules, world);
    expect(reading.ok ? [] : reading.defects.map(({ path }) => path)).toEqual([
      '$.cores[0].files[0].url',
      '$.cores[0].files[1].mirrors[0]',
      '$.cores[0].files[2].url',
      '$.cores[0].files[2].sizeBytes',
    ]);
    expect(world.asked).toEqual([]);
  });

  it('is none for a hub address without encryption, unless that is allowed', async () => {
    const world = new World(good);
    const reading = await world
      .face({ endpoint: 'http://hub.test' })
      .readManifest(manifestOf({ url: 'hf://o/r/f' }), rules, world);
    expect(reading.ok).toBe(false);
    expect(world.asked).toEqual([]);
  });
});

describe('a hub that is busy', () => {
  it('is asked again when its window ends', async () => {
    const busy = { status: 429, headers: { ratelimit: '"api";r=0;t=55' } };
    const world = new World({ ...good, [revision]: [busy, { body: { sha: commit } }] });
    const heard: unknown[] = [];
    const onWait = ({ httpStatus }: Fault, waitMs: number) => heard.push([httpStatus, waitMs]);
    await read(world.face({ onWait }), world, manifestOf({ url: 'hf://o/r/model.onnx' }));
    expect(world.waits).toEqual([55_000]);
    expect(heard).toEqual([[429, 55_000]]);
  });

  it('is asked at the file itself, where its interface asks for more patience than there is', async () => {
    const busy = { status: 429, headers: { ratelimit: '"api";r=0;t=280' } };
    const at = (path: string) => `${endpoint}/o/r/resolve/main/${path}`;
    const linked = {
      'x-repo-commit': commit,
      'x-linked-etag': `"${sha256}"`,
      'x-linked-size': '9000',
      location: 'https://cdn.test/x',
    };
    const world = new World({
      [revision]: [busy],
      [at('model.onnx')]: [{ redirect: linked, headers: { etag: `"${'9'.repeat(64)}"`, 'content-length': '1' } }],
      [at('tokens.json')]: [
        {
          redirect: { location: '/o/renamed/resolve/main/tokens.json' },
          headers: { 'x-repo-commit': commit, etag: `W/"${blob}"`, 'content-length': '50' },
        },
      ],
    });
    const face = world.face();
    const manifest = await read(
      face,
      world,
      manifestOf({ url: 'hf://o/r/model.onnx' }, { url: 'hf://o/r/tokens.json' }),
    );
    expect(manifest.cores[0]?.files.map(({ contents }) => contents[0])).toMatchObject([
      { sizeBytes: 9_000, sha256 },
      { sizeBytes: 50, gitBlob: blob },
    ]);
    expect(face.pins.map((pin) => [pin.commit, pin.fault])).toEqual([
      [commit, null],
      [commit, null],
    ]);
    expect(world.asked).toEqual([revision, at('model.onnx'), at('tokens.json')]);
  });

  it('may know files and no revisions, whatever it says of those', async () => {
    const world = new World({
      [revision]: [{ status: 404, headers: { 'x-error-code': 'EntryNotFound' } }],
      [tree.replace(commit, 'main')]: [{ body: listed, headers: { 'x-repo-commit': commit } }],
    });
    const manifest = await read(world.face(), world, manifestOf({ url: 'hf://o/r/model.onnx' }));
    expect(manifest.cores[0]?.files[0]?.urls).toEqual([`${endpoint}/o/r/resolve/${commit}/model.onnx`]);
    expect(world.asked).toHaveLength(2);
  });

  it('that loses its own headers, as a mirror may, tells nothing: then the first fault is told', async () => {
    const world = new World({
      [revision]: [{ status: 500 }],
      [`${endpoint}/o/r/resolve/main/model.onnx`]: [
        {
          redirect: { location: 'https://cdn.test/x', etag: `"${blob}"`, 'content-length': '50' },
          headers: { 'content-length': '1' },
        },
      ],
    });
    const reading = world.face().readManifest(manifestOf({ url: 'hf://o/r/model.onnx' }), rules, world);
    await expect(reading).rejects.toMatchObject({ code: 'serverError', fault: { httpStatus: 500 } });
  });

  it('is asked as often as patience allows, with longer waits, and about nothing else once it is not reached', async () => {
    const down = FaultError.of('networkUnreachable', 'ECONNREFUSED', 'refused');
    const world = new World({ ...good, [revision]: [down] });
    const face = world.face({ unresolved: 'leaveOut' });
    const text = JSON.stringify({
      version: 3,
      cores: [
        { id: 'a', files: [{ filename: 'f', url: 'hf://o/r/model.onnx' }] },
        { id: 'b', files: [{ filename: 'f', url: 'hf://o/other/model.onnx' }] },
      ],
    });
    const manifest = await read(face, world, text);
    expect(manifest.cores).toEqual([]);
    expect([...face.leftOut.keys()]).toEqual(['a', 'b']);
    expect(world.waits).toEqual([1_000, 2_000]);
    expect(world.asked).toEqual([revision, revision, revision]);
  });

  it.each([
    [404, 'RevisionNotFound', 'notFound'],
    [401, 'RepoNotFound', 'notFound'],
    [403, 'GatedRepo', 'unauthorized'],
  ])('answers %i %s once', async (status, code, type) => {
    const world = new World({ ...good, [revision]: [{ status, headers: { 'x-error-code': code } }] });
    const reading = world.face().readManifest(manifestOf({ url: 'hf://o/r/model.onnx' }), rules, world);
    await expect(reading).rejects.toMatchObject({ code: type, fault: { detail: code, httpStatus: status } });
    expect(world.asked).toEqual([revision]);
  });

  it.each([
    ['no list', 3, { body: { error: 'x' } }],
    ['a next page at another origin', 3, { body: [], headers: { link: '<https://evil.test/x>; rel="next"' } }],
    ['a listing that never ends', 502, { body: [], headers: { link: `<${tree}>; rel="next"` } }],
    [
      'more names than anybody keeps',
      40,
      { body: [{ ...listed[1], path: 'x'.repeat(2_000_000) }], headers: { link: `<${tree}>; rel="next"` } },
    ],
  ])('may send %s, which is a fault and no file, after at most %i requests', async (_, most, answer) => {
    const world = new World({ ...good, [tree]: [answer] });
    const reading = world.face({ attempts: 1 }).readManifest(manifestOf({ url: 'hf://o/r/model.onnx' }), rules, world);
    await expect(reading).rejects.toMatchObject({ code: 'serverError' });
    expect(world.asked.every((url) => url.startsWith(endpoint))).toBe(true);
    expect(world.asked.length).toBeLessThanOrEqual(most);
  });
});

describe('the cache', () => {
  const url = `${endpoint}/o/r/resolve/${commit}/model.onnx`;
  const catalog = async (world: World): Promise<Catalog> =>
    Catalogs.of([await read(world.face(), world, manifestOf({ url: 'hf://o/r/model.onnx' }))], 'any').catalog;
  const request = { url, from: null, ifRange: null, isFresh: false };
  const signal = new AbortController().signal;

  function cacheOf(sizes: Readonly<Record<string, number>>, read: () => AsyncIterable<Uint8Array>) {
    const looked: string[] = [];
    const size = async (path: string) => {
      looked.push(path);
      return sizes[path] ?? null;
    };
    return { looked, cache: { dir: '/cache', files: { size, read } } };
  }

  const nothing = async function* (): AsyncGenerator<Uint8Array> {};

  it('is looked into by digest, then by commit and path, and for nothing but the right size', async () => {
    const world = new World(good);
    const { looked, cache } = cacheOf({ [`/cache/models--o--r/blobs/${sha256}`]: 8_999 }, nothing);
    const fetcher = world.face({ cache }).fetcherFor(await catalog(world), world);
    expect((await fetcher.fetch(request, signal)).status).toBe(404);
    const home = '/cache/models--o--r';
    expect(looked).toEqual([`${home}/blobs/${sha256}`, `${home}/snapshots/${commit}/model.onnx`]);
    expect(world.asked.at(-1)).toBe(url);
  });

  it('answers as a server that sends the whole, also where a part was asked for', async () => {
    const world = new World(good);
    const { cache } = cacheOf({ [`/cache/models--o--r/snapshots/${commit}/model.onnx`]: 9_000 }, nothing);
    const fetcher = world.face({ cache }).fetcherFor(await catalog(world), world);
    const response = await fetcher.fetch({ ...request, from: 100 }, signal);
    expect(response).toMatchObject({ status: 200, headers: { 'content-length': '9000' }, requests: 0 });
    expect(world.asked).not.toContain(url);
  });

  it('is passed over where fresh bytes are wanted, and after a copy that could not be read', async () => {
    const world = new World(good);
    const broken = async function* (): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(10);
      throw new Error('EIO');
    };
    const { cache } = cacheOf({ [`/cache/models--o--r/blobs/${sha256}`]: 9_000 }, broken);
    const fetcher = world.face({ cache }).fetcherFor(await catalog(world), world);
    await fetcher.fetch({ ...request, isFresh: true }, signal);
    expect(world.asked.filter((each) => each === url)).toHaveLength(1);
    const { body } = await fetcher.fetch(request, signal);
    const all = (async () => {
      for await (const chunk of body) expect(chunk).toHaveLength(10);
    })();
    await expect(all).rejects.toMatchObject({ fault: { type: 'interrupted', detail: 'hubCache' } });
    expect((await fetcher.fetch(request, signal)).status).toBe(404);
  });

  it('holds nothing for a file that no digest would prove', async () => {
    const world = new World(good);
    const { looked, cache } = cacheOf({}, nothing);
    const text = manifestOf({ url, sizeBytes: 9_000 });
    const plain = Catalogs.of([await read(world.face(), world, text)], 'any').catalog;
    await world.face({ cache }).fetcherFor(plain, world).fetch(request, signal);
    expect(looked).toEqual([]);
  });
});
