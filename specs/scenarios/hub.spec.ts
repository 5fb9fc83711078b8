/**
 * Files of a model hub, named by reference: from a manifest through a depot, and from the command line as people meet it (the built bundle in a
 * process of its own). The hub and the store that it redirects to are two origins on loopback that behave as the public ones do (`../hub/hub.ts`).
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HuggingFace, type HuggingFaceOptions } from '@lading/huggingface';
import { localFiles, openDepot, systemClock } from '@lading/node';
import type { Depot } from '@lading/runtime';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { gitBlobOf, large, type ModelHub, small, startHub } from '../hub/hub.js';
import { dropAfter, holdAfter, nth, redirectTo, status } from '../origin/behaviour.js';
import { closedGate } from '../origin/gate.js';
import { seededBytes, sha256Hex } from '../origin/seeded-bytes.js';
import { checkManners, filesBelow, finalFiles, refusalOf } from './world.js';

const MAIN = fileURLToPath(new URL('../../packages/cli/dist/main.js', import.meta.url));
const TOKEN = 'hf_canary-token';
const commit = 'a'.repeat(40);
const later = 'b'.repeat(40);
const name = 'acme/speech';
const model = seededBytes(41, 300_000);
const tokens = seededBytes(42, 900);
const modelUrl = 'hf://acme/speech@main/onnx/model.onnx';
const tokensUrl = 'hf://acme/speech@main/tokens.json';
const files = { 'onnx/model.onnx': large(model), 'tokens.json': small(tokens) };
const cores = [
  {
    id: 'speech',
    files: [
      { filename: 'model.onnx', url: modelUrl },
      { filename: 'tokens.json', url: tokensUrl },
    ],
  },
];
const voices = [{ id: 'aria', coreRequirements: ['speech'] }];

let hub: ModelHub;
let root: string;
let dir: string;
let catalog: string;
const depots: Depot[] = [];

beforeAll(() => {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is not there: run the build first`);
});

beforeEach(async () => {
  hub = await startHub();
  hub.publish({ name, commit, revisions: ['main'], files });
  root = await mkdtemp(join(tmpdir(), 'lading-hub-'));
  dir = join(root, 'depot');
  catalog = join(root, 'catalog.json');
  await write({ cores, voices });
});

afterEach(async () => {
  checkManners([...hub.hub.requests, ...hub.store.requests]);
  for (const request of hub.store.requests) expect(request.headers.authorization).toBeUndefined();
  await Promise.all(depots.splice(0).map((depot) => depot.close()));
  await hub[Symbol.asyncDispose]();
  await rm(root, { recursive: true, force: true });
});

const write = (manifest: object): Promise<void> =>
  writeFile(catalog, JSON.stringify({ version: 3, id: 'hub-test', revision: 1, ...manifest }));

const huggingFace = (options: Partial<HuggingFaceOptions> = {}): HuggingFace =>
  new HuggingFace({ clock: systemClock, endpoint: hub.url, retryBaseMs: 5, stallMs: 5_000, ...options });

async function open(
  options: Partial<HuggingFaceOptions> & { readonly token?: string } = {},
): Promise<{ readonly depot: Depot; readonly face: HuggingFace }> {
  const { token, ...more } = options;
  const face = huggingFace(more);
  const headers = token === undefined ? {} : { [hub.url]: { authorization: `Bearer ${token}` } };
  const depot = await openDepot({ dir, catalog, hub: face, headers, retryBaseMs: 5, stallMs: 5_000 });
  depots.push(depot);
  return { depot, face };
}

interface JsonRecord {
  readonly type: string;
  readonly [key: string]: unknown;
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly records: readonly JsonRecord[];
}

/** Runs the command; with `--json` its records are read too. */
function start(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const environment = {
    PATH: process.env['PATH'],
    HOME: root,
    LADING_DIR: dir,
    LADING_CATALOG: catalog,
    LADING_RETRY_BASE_MS: '5',
    LADING_STALL_TIMEOUT_MS: '5000',
    HF_ENDPOINT: hub.url,
    ...env,
  };
  const child = spawn(process.execPath, [MAIN, ...args], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (text: string) => {
      said[stream] += text;
    });
  }
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code) => {
      const lines = args.includes('--json') ? said.stdout.split('\n').filter((line) => line !== '') : [];
      resolve({ code, ...said, records: lines.map((line) => JSON.parse(line) as JsonRecord) });
    });
  });
  return { child, ended };
}

const lading = (args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Ended> => start(args, env).ended;

const json = (...args: string[]): Promise<Ended> => lading([...args, '--json']);
const ofType = ({ records }: Ended, type: string): readonly JsonRecord[] =>
  records.filter((each) => each.type === type);

/** A file in the cache as the hub's own programs leave it: a blob under its digest, and a link to it in the snapshot. */
async function cached(path: string, digest: string, bytes: Uint8Array): Promise<string> {
  const home = join(root, '.cache/huggingface/hub/models--acme--speech');
  const link = join(home, 'snapshots', commit, path);
  await mkdir(join(home, 'blobs'), { recursive: true });
  await mkdir(dirname(link), { recursive: true });
  await writeFile(join(home, 'blobs', digest), bytes);
  await symlink(join(home, 'blobs', digest), link);
  return join(root, '.cache/huggingface/hub');
}

async function everythingKept(): Promise<string> {
  const kept = await filesBelow(dir);
  return (await Promise.all(kept.map((file) => readFile(join(dir, file), 'latin1')))).join('\n');
}

describe('a manifest that names files of the hub', () => {
  it('is planned with the sizes and digests of the commit that the revision is', async () => {
    const { depot, face } = await open();
    const [core] = depot.plan('aria').cores;
    expect(core?.files).toMatchObject([
      { filename: 'model.onnx', sizeBytes: model.length, proof: 'strong' },
      { filename: 'tokens.json', sizeBytes: tokens.length, proof: 'weak' },
    ]);
    expect(face.pins.map(({ reference, commit: pinned, fault }) => [reference, pinned, fault])).toEqual([
      [modelUrl, commit, null],
      [tokensUrl, commit, null],
    ]);
    expect(hub.hub.requests.map(({ path }) => path)).toEqual([hub.revisionOf(name, 'main'), hub.treeOf(name, commit)]);
  });

  it('becomes ready from URLs of that commit, with a warning where only a weak digest vouches', async () => {
    const { depot } = await open();
    const asset = await depot.download('aria');
    expect(asset.warnings).toEqual(['speech/tokens.json']);
    expect((await finalFiles(dir)).map(({ file, sha256 }) => [file, sha256])).toEqual([
      ['model.onnx', sha256Hex(model)],
      ['tokens.json', sha256Hex(tokens)],
    ]);
    for (const { path } of hub.hub.requests.slice(2)) expect(path).toContain(`/resolve/${commit}/`);
  });

  it('stays with the commit that was planned when the revision moves on, and another opening sees an update', async () => {
    const { depot } = await open();
    const moved = { ...files, 'onnx/model.onnx': large(seededBytes(43, 200_000)) };
    hub.publish({ name, commit: later, revisions: ['main'], files: moved });
    await depot.download('aria');
    expect((await finalFiles(dir)).map(({ sha256 }) => sha256)).toContain(sha256Hex(model));
    await depot.close();
    const again = await open();
    expect(again.depot.checkForUpdates().map(({ id }) => id)).toContain('speech');
    expect(again.depot.plan('aria').cores[0]?.isUpdate).toBe(true);
  });

  it('is read to the page that the file is on and no further', async () => {
    const many = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`part-${i}.bin`, small(seededBytes(i, 10))]));
    hub.publish({ name, commit, revisions: ['main'], files: { ...many, ...files }, pageFiles: 10 });
    await write({ cores: [{ id: 'part', files: [{ filename: 'p', url: 'hf://acme/speech@main/part-25.bin' }] }] });
    const { depot } = await open();
    expect(depot.plan('part').bytesTotal).toBe(10);
    expect(hub.hub.requestsOf(hub.treeOf(name, commit)).map(({ url }) => url.split('?')[1])).toEqual([
      'recursive=true',
      'recursive=true&cursor=10',
      'recursive=true&cursor=20',
    ]);
  });

  it('asks nothing when it is refused, and names the place of a reference that cannot be read', async () => {
    const bad = [
      {
        id: 'bad',
        files: [
          { filename: 'model.onnx', url: 'hf://acme/speech' },
          { filename: '../x', url: modelUrl },
        ],
      },
    ];
    await write({ cores: bad });
    const error = await refusalOf(open());
    expect(error).toMatchObject({ name: 'ConfigurationError', code: 'manifestError' });
    const places = (error as unknown as { defects: { path: string }[] }).defects.map(({ path }) => path);
    expect(places).toEqual(['$.cores[0].files[0].url', '$.cores[0].files[1].filename']);
    expect(hub.hub.requests).toHaveLength(0);
  });

  it('asks nothing when it names a commit, a size and a digest itself', async () => {
    const url = `hf://acme/speech@${commit}/onnx/model.onnx`;
    await write({
      cores: [{ id: 'model', files: [{ filename: 'm', url, sizeBytes: model.length, sha256: sha256Hex(model) }] }],
    });
    const { depot } = await open();
    expect(hub.hub.requests).toHaveLength(0);
    await depot.download('model');
  });
});

describe('the bytes of a large file', () => {
  it('go on after a break by a new link, where the old one has expired', async () => {
    const gate = closedGate();
    hub.spoil(hub.placeOf(model), nth(1, holdAfter(100_000, gate), dropAfter(100_000)));
    const { depot } = await open();
    const download = depot.download('speech');
    await gate.reached;
    hub.expireLinks();
    gate.open();
    await download;
    const [first, second, ...more] = hub.store.requestsOf(hub.placeOf(model));
    expect(more).toEqual([]);
    expect(second?.range).toBe('bytes=100000-');
    expect(second?.url).not.toBe(first?.url);
    expect(hub.hub.requestsOf(hub.routeOf(name, commit, 'onnx/model.onnx'))).toHaveLength(2);
    expect((await finalFiles(dir)).map(({ sha256 }) => sha256)).toContain(sha256Hex(model));
  });

  it('come without the token, which only the hub is shown, and neither it nor a link is kept', async () => {
    hub.publish({ name, commit, revisions: ['main'], files, access: { kind: 'private', token: TOKEN } });
    const { depot } = await open({ token: TOKEN });
    await depot.download('aria');
    expect(hub.hub.requests.every(({ headers }) => headers.authorization === `Bearer ${TOKEN}`)).toBe(true);
    expect(hub.store.requests).toHaveLength(1);
    expect(await everythingKept()).not.toContain('canary');
  });
});

describe('a hub that does not tell', () => {
  it.each([
    ['gated', 'unauthorized', 'Accept the terms at'],
    ['private', 'notFound', 'HF_TOKEN'],
  ] as const)('because the repository is %s is an error that says what to do', async (kind, code, remedy) => {
    hub.publish({ name, commit, revisions: ['main'], files, access: { kind, token: TOKEN } });
    const error = await refusalOf(open());
    expect(error).toMatchObject({ name: 'DownloadError', code });
    expect(error.message).toContain(modelUrl);
    expect(error.remedy).toContain(remedy);
    expect(error.remedy).toContain(`${hub.url}/acme/speech`);
    expect(hub.hub.requests).toHaveLength(1);
  });

  it('is asked again where that may help', async () => {
    hub.spoil(hub.revisionOf(name, 'main'), nth(1, status(503)));
    hub.spoil(hub.treeOf(name, commit), nth(1, status(429, { 'retry-after': '0' })));
    const { depot } = await open();
    expect(depot.plan('aria').bytesTotal).toBe(model.length + tokens.length);
  });

  it('and asks for more patience than a person has is not asked again, and says how long', async () => {
    const headers = { ratelimit: '"api";r=0;t=280', 'ratelimit-policy': '"fixed window";"api";q=500;w=300' };
    hub.spoil(hub.revisionOf(name, 'main'), status(429, headers));
    hub.spoil(hub.routeOf(name, 'main', 'onnx/model.onnx'), status(429, headers));
    const error = await refusalOf(open());
    expect(error).toMatchObject({ code: 'serverError', fault: { httpStatus: 429, retryAfterMs: 280_000 } });
    expect(error.remedy).toContain('in 280 s');
    expect(hub.hub.requests).toHaveLength(2);
  });

  it('through its interface does so at the file itself, from the redirect to its store', async () => {
    hub.spoil(hub.revisionOf(name, 'main'), status(503));
    const { depot, face } = await open();
    expect(face.pins.map((pin) => [pin.commit, pin.fault])).toEqual([
      [commit, null],
      [commit, null],
    ]);
    expect(depot.plan('aria').cores[0]?.files).toMatchObject([{ proof: 'strong' }, { proof: 'weak' }]);
    await depot.download('aria');
    expect((await finalFiles(dir)).map(({ sha256 }) => sha256)).toEqual([sha256Hex(model), sha256Hex(tokens)]);
  });

  it('does so at the file of a repository that was renamed, too', async () => {
    for (const path of Object.keys(files)) {
      hub.hub.script(hub.routeOf('acme/old', 'main', path), redirectTo(hub.routeOf(name, 'main', path), 307));
    }
    hub.hub.script(hub.revisionOf('acme/old', 'main'), status(502));
    const old = ['onnx/model.onnx', 'tokens.json'].map((path, i) => ({
      filename: `f${i}`,
      url: `hf://acme/old@main/${path}`,
    }));
    await write({ cores: [{ id: 'speech', files: old }] });
    const { depot } = await open();
    expect(depot.plan('speech').cores[0]?.files).toMatchObject([
      { sizeBytes: model.length, proof: 'strong' },
      { sizeBytes: tokens.length, proof: 'weak' },
    ]);
  });

  it('keeps no file away whose size the manifest gives: it goes on without a pin, and says so', async () => {
    hub.spoil(hub.revisionOf(name, 'main'), status(503));
    hub.spoil(hub.routeOf(name, 'main', 'onnx/model.onnx'), nth(1, status(404)));
    const known = { filename: 'model.onnx', url: modelUrl, sizeBytes: model.length, sha256: sha256Hex(model) };
    await write({ cores: [{ id: 'speech', files: [known] }] });
    const { depot, face } = await open();
    expect(face.pins).toMatchObject([{ reference: modelUrl, commit: null, fault: { type: 'serverError' } }]);
    await depot.download('speech');
    expect(hub.hub.requests.at(-1)?.path).toBe(hub.routeOf(name, 'main', 'onnx/model.onnx'));
  });

  it('which commit a revision is, as a mirror may, leaves the digest to hold the file', async () => {
    const mirrored = `mirror/speech`;
    hub.publish({ name: mirrored, commit, revisions: ['main'], files, isMirror: true });
    await write({
      cores: [{ id: 'model', files: [{ filename: 'm', url: 'hf://mirror/speech@main/onnx/model.onnx' }] }],
    });
    const { depot, face } = await open();
    expect(face.pins).toMatchObject([{ commit: null, fault: null }]);
    expect(depot.plan('model').cores[0]?.files).toMatchObject([{ proof: 'strong' }]);
    await depot.download('model');
  });

  it('about one entry leaves the others as they are, where that is wanted', async () => {
    hub.spoil(hub.treeOf(name, commit), status(500));
    for (const path of Object.keys(files)) hub.spoil(hub.routeOf(name, 'main', path), status(500));
    const own = {
      filename: 'o',
      url: `hf://acme/speech@${commit}/tokens.json`,
      sizeBytes: tokens.length,
      gitBlob: gitBlobOf(tokens),
    };
    await write({
      cores: [...cores, { id: 'own', files: [own] }],
      voices: [...voices, { id: 'basil', coreRequirements: ['own'] }],
      bundles: [{ id: 'all', requires: ['aria', 'basil'] }],
    });
    const { depot, face } = await open({ unresolved: 'leaveOut' });
    expect([...face.leftOut.keys()].sort()).toEqual(['all', 'aria', 'speech']);
    await depot.download('basil');
  });
});

describe("the hub's cache on this machine", () => {
  const without = async (digest: string, bytes: Uint8Array) => {
    const cache = { dir: await cached('onnx/model.onnx', digest, bytes), files: localFiles };
    const { depot } = await open({ cache });
    await depot.download('speech');
    expect((await finalFiles(dir)).map(({ sha256 }) => sha256)).toContain(sha256Hex(model));
  };

  it('gives what it has, proven like everything else, and the store is not asked', async () => {
    await without(sha256Hex(model), model);
    expect(hub.store.requests).toHaveLength(0);
    expect(hub.hub.requestsOf(hub.routeOf(name, commit, 'onnx/model.onnx'))).toHaveLength(0);
  });

  it('is not believed: wrong bytes of the right size are fetched from the hub instead', async () => {
    await without(sha256Hex(model), seededBytes(9, model.length));
    expect(hub.store.requests).toHaveLength(1);
  });

  it('is passed over for a file that is cut short', async () => {
    await without(sha256Hex(model), model.subarray(0, 1_000));
    expect(hub.store.requests).toHaveLength(1);
    expect(hub.store.requests[0]?.range).toBeNull();
  });
});

describe('on the command line', () => {
  it('a reference is planned, downloaded, found and deleted', async () => {
    const planned = await json('plan', modelUrl);
    expect(planned.code).toBe(0);
    expect(ofType(planned, 'plan')[0]).toMatchObject({
      bytesToFetch: model.length,
      references: [{ reference: modelUrl, commit }, { reference: tokensUrl }, { reference: modelUrl, commit }],
    });
    const ended = await json('download', modelUrl);
    expect(ended.code).toBe(0);
    const [ready] = ofType(ended, 'ready');
    expect(ready).toMatchObject({ id: 'hf+acme+speech@main+onnx+model.onnx', reference: modelUrl, warnings: [] });
    const [place = ''] = (ready?.['paths'] ?? []) as string[];
    expect(sha256Hex(await readFile(place))).toBe(sha256Hex(model));

    expect((await lading(['path', modelUrl])).stdout.trim()).toBe(place);
    expect(ofType(await json('status', modelUrl), 'status')[0]).toMatchObject({ phase: 'ready' });
    expect((await json('verify', modelUrl)).code).toBe(0);
    const again = await json('download', 'hf+acme+speech@main+onnx+model.onnx');
    expect(ofType(again, 'plan')[0]).toMatchObject({ bytesToFetch: 0 });
    expect(hub.store.requests).toHaveLength(1);
    expect((await json('delete', modelUrl)).code).toBe(0);
    expect(await finalFiles(dir)).toEqual([]);
  });

  it('people are told the commit, and what is not pinned', async () => {
    const plain = await lading(['plan', tokensUrl]);
    expect(plain.stdout).toContain(`${tokensUrl}: commit ${commit.slice(0, 12)}`);
    const known = { filename: 'model.onnx', url: modelUrl, sizeBytes: model.length, sha256: sha256Hex(model) };
    await write({ cores: [{ id: 'speech', files: [known] }] });
    hub.spoil(hub.revisionOf(name, 'main'), status(500));
    hub.spoil(hub.routeOf(name, 'main', 'onnx/model.onnx'), status(500));
    const open = await lading(['plan', 'speech']);
    expect(open.code).toBe(0);
    expect(open.stdout).toContain('not pinned to a commit');
    expect(open.stdout).toContain('the hub answered 500');
  });

  it('what a killed process left of a reference goes on with whatever is asked for next', async () => {
    const gate = closedGate();
    hub.spoil(hub.placeOf(model), nth(1, holdAfter(200_000, gate)));
    const killed = start(['download', modelUrl]);
    await gate.reached;
    killed.child.kill('SIGKILL');
    await killed.ended;
    gate.open();
    const ended = await json('download', 'hf://acme/speech@main/tokens.json');
    expect(ended.code).toBe(0);
    expect(ofType(await json('status'), 'status').map(({ phase }) => phase)).not.toContain('failed');
    expect((await json('download', modelUrl)).code).toBe(0);
  });

  it('what came by reference has an update when its revision has moved', async () => {
    await write({ cores: [] });
    expect((await json('download', modelUrl)).code).toBe(0);
    expect(ofType(await json('updates'), 'status')).toEqual([]);
    hub.publish({
      name,
      commit: later,
      revisions: ['main'],
      files: { 'onnx/model.onnx': large(seededBytes(44, 1_000)) },
    });
    const id = 'hf+acme+speech@main+onnx+model.onnx';
    expect(ofType(await json('updates'), 'status')).toMatchObject([{ id, isUpdateAvailable: true }]);
    expect((await json('download', id)).code).toBe(0);
    expect((await finalFiles(dir)).map(({ sha256 }) => sha256)).toEqual([sha256Hex(seededBytes(44, 1_000))]);
  });

  it('a reference that cannot be read is a mistake of usage, and an unknown id is said before the hub is asked', async () => {
    expect((await json('download', 'hf://acme/speech')).records[0]).toMatchObject({ type: 'error', code: 'usage' });
    await write({ cores: [] });
    const ended = await json('download', modelUrl, 'nobody');
    expect(ended.code).toBe(3);
    expect(hub.hub.requests).toHaveLength(0);
  });

  it('a file that is not there is said with those that may be meant', async () => {
    const ended = await json('download', 'hf://acme/speech@main/onnx/modle.onnx');
    expect(ended.code).toBe(6);
    expect(ended.records.find(({ type }) => type === 'error')).toMatchObject({
      code: 'notFound',
      message: expect.stringContaining('onnx/model.onnx') as string,
    });
  });

  it('what the hub does not tell fails for whoever asks for it, and for nobody else', async () => {
    await hub.hub.close();
    const asked = await json('download', 'aria');
    expect(asked.code).toBe(6);
    expect(asked.records.find(({ type }) => type === 'error')).toMatchObject({ code: 'networkUnreachable' });
    const listed = await json('list');
    expect(listed.code).toBe(0);
    expect(ofType(listed, 'leftOut')[0]).toMatchObject({ ids: ['speech', 'aria'], code: 'networkUnreachable' });
    expect((await lading(['list'])).stderr).toContain('left out');
  });

  it('a plan goes on without what the hub cannot tell, and says whose size is unknown', async () => {
    const direct = 'hf://acme/speech@main/tokens.json';
    await hub.hub.close();
    const planned = await json('plan', 'aria', direct);
    expect(planned.code).toBe(0);
    expect(ofType(planned, 'plan')[0]).toMatchObject({
      ids: ['aria', 'hf+acme+speech@main+tokens.json'],
      bytesToFetch: 0,
      unknown: [
        { id: 'aria', code: 'networkUnreachable' },
        { id: 'hf+acme+speech@main+tokens.json', code: 'networkUnreachable' },
      ],
    });
    expect((await lading(['plan', 'aria'])).stdout).toContain('aria: size unknown');
  });

  it('a plan does not go on where the hub has said no', async () => {
    const planned = await json('plan', 'hf://acme/speech@main/gone.json');
    expect([planned.code, ofType(planned, 'plan')]).toEqual([6, []]);
  });

  it('what is installed is found and proven while the hub is away', async () => {
    expect((await json('download', 'aria')).code).toBe(0);
    await hub.hub.close();
    expect((await lading(['path', 'aria'])).stdout.trim().split('\n')).toHaveLength(2);
    expect((await json('verify', 'aria')).code).toBe(0);
    expect(ofType(await json('status', 'aria'), 'status')[0]).toMatchObject({ phase: 'ready' });
  });

  it.each([
    ['HF_TOKEN', { HF_TOKEN: TOKEN }, null],
    ['HF_TOKEN_PATH', { HF_TOKEN_PATH: 'named-token' }, 'named-token'],
    ['the file of the hub', {}, '.cache/huggingface/token'],
    ['the file in HF_HOME', { HF_HOME: '~/hf' }, 'hf/token'],
  ])('the token of %s goes to the hub alone, and is never shown', async (_, env, file) => {
    hub.publish({ name, commit, revisions: ['main'], files, access: { kind: 'gated', token: TOKEN } });
    if (file !== null) {
      await mkdir(dirname(join(root, file)), { recursive: true });
      await writeFile(join(root, file), `${TOKEN}\n`);
    }
    const tokenPath = 'HF_TOKEN_PATH' in env ? { HF_TOKEN_PATH: join(root, 'named-token') } : {};
    const ended = await lading(['download', 'aria', '--json'], { ...env, ...tokenPath });
    expect(ended.code).toBe(0);
    expect(ended.stdout + ended.stderr + (await everythingKept())).not.toContain('canary');
  });

  it('without a token a gated file says which page to read', async () => {
    hub.publish({ name, commit, revisions: ['main'], files, access: { kind: 'gated', token: TOKEN } });
    const ended = await json('download', modelUrl);
    expect(ended.code).toBe(6);
    const error = ended.records.find(({ type }) => type === 'error');
    expect(error).toMatchObject({ code: 'unauthorized' });
    expect(error?.['remedy']).toContain(`${hub.url}/acme/speech`);
  });

  it('the cache of the hub is used, also for a catalog that names plain addresses of it', async () => {
    await cached('onnx/model.onnx', sha256Hex(model), model);
    const url = hub.url + hub.routeOf(name, commit, 'onnx/model.onnx');
    await write({
      cores: [{ id: 'model', files: [{ filename: 'm', url, sizeBytes: model.length, sha256: sha256Hex(model) }] }],
    });
    expect((await json('download', 'model')).code).toBe(0);
    expect(hub.hub.requests).toHaveLength(0);
  });
});

describe('catalog check', () => {
  it('holds a manifest against the hub', async () => {
    const ended = await json('catalog', 'check', catalog);
    expect(ended.code).toBe(0);
    expect(ofType(ended, 'checked')[0]).toMatchObject({ cores: 1, references: [{ commit }, { commit }] });
  });

  it('finds another digest than the hub has, and a file that it does not have', async () => {
    const other = { filename: 'm', url: modelUrl, sizeBytes: model.length, sha256: sha256Hex(tokens) };
    await write({ cores: [{ id: 'speech', files: [other] }] });
    const wrong = await json('catalog', 'check', catalog);
    expect(wrong.code).toBe(4);
    expect(wrong.records[0]).toMatchObject({ type: 'error', code: 'upstreamChanged' });
    await write({ cores: [{ id: 'speech', files: [{ filename: 'm', url: 'hf://acme/speech/nothing.bin' }] }] });
    const missing = await json('catalog', 'check', catalog);
    expect(missing.code).toBe(6);
    expect(missing.records[0]).toMatchObject({ type: 'error', code: 'notFound' });
  });
});
