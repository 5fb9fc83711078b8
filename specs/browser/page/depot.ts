/** What a test does with a depot in a page, by name: it is called from outside with plain values, and answers with such. */
import { type BrowserDepot, openDepot, WebFetcher } from '@lading/browser';
import { imageOf, LadingError } from '@lading/core';
import { FaultError } from '@lading/runtime';
import { filter, firstValueFrom } from 'rxjs';
import { hashLines, hexOf, journalDeeds } from './journal.js';
import { begun, lifeDeeds } from './life.js';

let depot: BrowserDepot | null = null;
/** The state after each record that came here, and the first. */
let lived: BrowserDepot['state'][] = [];
let seen: string[] = [];
let opening: Promise<BrowserDepot> | null = null;

interface OpenGiven {
  readonly worker?: string;
  readonly dir?: string;
  readonly retryBaseMs?: number;
  readonly stallMs?: number;
}

const mine = (): BrowserDepot => {
  if (depot === null) throw new Error('no depot is open in this page');
  return depot;
};

/** Every file below a folder, by its path, and every folder that is empty, with a slash at its end. */
async function below(folder: FileSystemDirectoryHandle, prefix: string): Promise<string[]> {
  const found: string[] = [];
  for await (const [name, handle] of folder.entries()) {
    if (handle.kind === 'file') found.push(prefix + name);
    else found.push(...(await below(handle as FileSystemDirectoryHandle, `${prefix}${name}/`)));
  }
  return found.length === 0 ? [prefix] : found;
}

const placeOf = (id: string): string => mine().asset(id)?.paths.join() ?? '';

async function contentOf(core: string): Promise<[string, string][]> {
  for (;;) {
    const place = placeOf(core);
    try {
      const found: [string, string][] = [];
      const asset = mine().asset(core);
      for (const { filename } of asset?.files ?? [])
        found.push([
          `${core}/${filename}`,
          await hexOf(await ((await asset?.file(filename)) ?? new Blob()).arrayBuffer()),
        ]);
      return found;
    } catch (error) {
      if (!(error instanceof Error) || !/NotFound|NotReadable/.test(error.name)) throw error;
      // An update has taken its place; if this page has not heard of it yet, it is about to.
      await firstValueFrom(mine().state$.pipe(filter(() => placeOf(core) !== place)));
    }
  }
}

const deeds = {
  ...journalDeeds,
  async open({ worker = '/depot-worker.js', ...options }: OpenGiven = {}) {
    depot = await openDepot({ catalog: 'catalog.json', worker: () => begun(worker), ...options });
    const opened = depot;
    lived = [opened.state];
    opened.events$.subscribe(() => lived.push(opened.state));
    return depot.list().map(({ id, phase }) => ({ id, phase }));
  },
  /** Opens, and falls asleep as soon as the worker is started. */
  async openAsleep() {
    const started = new Promise<void>((resolve) => {
      const worker = () => {
        resolve();
        return begun('/depot-worker.js');
      };
      opening = openDepot({ catalog: 'catalog.json', worker });
    });
    await started;
    lifeDeeds.sleep();
    return 'asleep';
  },
  async opening() {
    depot = await opening;
    return null;
  },
  async download(id: string) {
    const asset = await mine().download(id);
    return { id: asset.id, paths: asset.paths };
  },
  /** Begins, and tells nobody how it ends. */
  begin(id: string) {
    seen = [];
    mine()
      .status$(id)
      .subscribe(({ phase, bytesDone }) => seen.push(`${phase} ${bytesDone}`));
    mine()
      .download(id)
      .catch(() => undefined);
    return null;
  },
  /** Resolves when a status is as it should be. */
  async until({ id, phase, bytesDone = 0 }: { id: string; phase: string; bytesDone?: number }) {
    for await (const status of mine().watch(id))
      if (status.phase === phase && status.bytesDone >= bytesDone) return status;
    throw new Error('the depot was closed');
  },
  seen: () => seen,
  /** Resolves with the next status that has come further, or less far. */
  async changed({ id, bytesDone }: { id: string; bytesDone: number }) {
    for await (const status of mine().watch(id)) if (status.bytesDone !== bytesDone) return status;
    throw new Error('the depot was closed');
  },
  /** Resolves when an event of this type is durable. */
  async recorded(type: string) {
    await firstValueFrom(mine().events$.pipe(filter(({ event }) => event.type === type)));
    return null;
  },
  /** Resolves when this tab's worker owns the depot, with the wall clock then. */
  async owning() {
    await firstValueFrom(mine().isOwner$.pipe(filter((isOwner) => isOwner)));
    return Date.now();
  },
  isOwner: () => firstValueFrom(mine().isOwner$),
  status: (id: string) => mine().status(id),
  async digest({ id, file }: { id: string; file: string }) {
    const found = await mine().asset(id)?.file(file);
    return found === undefined
      ? null
      : { name: found.name, size: found.size, sha256: await hexOf(await found.arrayBuffer()) };
  },
  /** What an engine would be given of these cores, by core and name. */
  async installed(cores: readonly string[]) {
    const found = await Promise.all(cores.map((core) => contentOf(core)));
    return Object.fromEntries(found.flat());
  },
  /** Resolves when it is ready in the version of the catalog. */
  async newest(id: string) {
    for await (const status of mine().watch(id))
      if (status.phase === 'ready' && !status.isUpdateAvailable && status.bytesDone === status.bytesTotal)
        return status;
    throw new Error('the depot was closed');
  },
  /** Resolves when an event of this type comes next. */
  async event(type: string) {
    await firstValueFrom(mine().events$.pipe(filter(({ event }) => event.type === type)));
    return null;
  },
  /** All of this origin's private file system, sorted. */
  async stored() {
    return (await below(await navigator.storage.getDirectory(), '')).sort();
  },
  async fetchUrl({ id, file }: { id: string; file: string }) {
    const url = (await mine().asset(id)?.url(file)) ?? '';
    return await hexOf(await (await fetch(url)).arrayBuffer());
  },
  pause: (id: string) => mine().pause(id),
  resume: (id: string) => mine().resume(id),
  retry: (id: string) => mine().retry(id),
  cancel: (id: string) => mine().cancel(id),
  remove: (id: string) => mine().delete(id),
  removeByForce: (id: string) => mine().delete(id, { force: true }),
  async verify() {
    return await mine().verify();
  },
  async repair() {
    return await mine().repair();
  },
  usage: () => mine().usage(),
  space: () => mine().space(),
  async journal() {
    return { records: await mine().history(), image: imageOf(mine().state) };
  },
  /** `position hash` of the states that were seen while the depot was open here. */
  lived: () => hashLines([...new Set(lived)]),
  async close() {
    await mine().close();
    return null;
  },
  ...lifeDeeds,
  /** Spoils an installed file behind the depot's back. */
  async spoil(place: string) {
    let folder = await (await navigator.storage.getDirectory()).getDirectoryHandle('lading');
    const segments = place.split('/');
    const name = segments.pop() ?? '';
    for (const segment of segments) folder = await folder.getDirectoryHandle(segment);
    const stream = await (await folder.getFileHandle(name)).createWritable({ keepExistingData: true });
    await stream.write(new Uint8Array([1, 2, 3]));
    await stream.close();
    return null;
  },
  async fault({ url, from = 0 }: { url: string; from?: number | null }) {
    const response = await new WebFetcher().fetch(
      { url, from, ifRange: from === null ? null : '"tag"', isFresh: false },
      new AbortController().signal,
    );
    let bytes = 0;
    for await (const chunk of response.body) bytes += chunk.length;
    return { status: response.status, headers: response.headers, bytes };
  },
};

export type Deeds = typeof deeds;

/** What came of it; errors as what they say, because a page's errors cross as text. */
async function call(name: keyof Deeds, given: never): Promise<unknown> {
  try {
    return { value: await (deeds[name] as (given: never) => unknown)(given) };
  } catch (error) {
    if (error instanceof FaultError) return { fault: error.fault };
    if (error instanceof LadingError)
      return { error: { name: error.name, code: error.code, message: error.message, remedy: error.remedy } };
    return {
      error: { name: 'Error', message: error instanceof Error ? `${error.message}\n${error.stack}` : String(error) },
    };
  }
}

Object.assign(globalThis, { call });
