/**
 * A model hub for tests, as the public one behaves: a listing in pages, a commit for each revision, small files sent at once, and large ones by a
 * redirect to a store on another origin, whose links are signed and expire. Both are origins of `../origin`, so either can be scripted to go wrong.
 */
import { createHash } from 'node:crypto';
import { type Asked, plainReply, type Reply, type Resource } from '../origin/answer.js';
import { always, type Behaviour, type Rule } from '../origin/behaviour.js';
import { type Origin, startOrigin } from '../origin/origin.js';
import { sha256Hex } from '../origin/seeded-bytes.js';

export interface HubFile {
  readonly bytes: Uint8Array;
  /** Large files are kept in the store and have a sha256; the others a git blob id only. */
  readonly isLarge: boolean;
}

export interface RepositoryOptions {
  /** Owner and name. */
  readonly name: string;
  readonly commit: string;
  /** Branches and tags that are this commit now. */
  readonly revisions?: readonly string[];
  readonly files: Readonly<Record<string, HubFile>>;
  /** Files on one page of the listing. */
  readonly pageFiles?: number;
  /** Who may read it; everybody if it is left out. */
  readonly access?: { readonly kind: 'gated' | 'private'; readonly token: string };
  /** A mirror has no route for revisions, and passes on none of the hub's own headers. */
  readonly isMirror?: boolean;
}

export interface ModelHub extends AsyncDisposable {
  readonly url: string;
  readonly hub: Origin;
  /** Where the large files are. */
  readonly store: Origin;
  /** Sets what a repository has; a revision that is named again moves. */
  publish(repository: RepositoryOptions): void;
  /** The paths of a file: its route at the hub, and its place in the store. */
  routeOf(name: string, revision: string, path: string): string;
  placeOf(bytes: Uint8Array): string;
  treeOf(name: string, revision: string): string;
  revisionOf(name: string, revision: string): string;
  /** Links to the store that were given before are refused from now on. */
  expireLinks(): void;
  /** Adds what goes wrong at a path of either; its requests count from 1 anew. */
  spoil(path: string, ...rules: readonly (Rule | Behaviour)[]): void;
}

export const large = (bytes: Uint8Array): HubFile => ({ bytes, isLarge: true });
export const small = (bytes: Uint8Array): HubFile => ({ bytes, isLarge: false });

/** The id of a blob in git: sha1 of a header and the bytes. */
export function gitBlobOf(bytes: Uint8Array): string {
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
}

const replying = (name: string, reply: (asked: Asked, was: Reply, resource: Resource | null) => Reply): Behaviour => ({
  name,
  reply: (was, asked, resource) => reply(asked, was, resource),
});
const json = (value: unknown, headers: Readonly<Record<string, string>> = {}): Reply =>
  plainReply(200, { 'content-type': 'application/json', ...headers }, Buffer.from(JSON.stringify(value)));

export async function startHub(): Promise<ModelHub> {
  const hub = await startOrigin();
  const store = await startOrigin();
  const rules = new Map<string, Behaviour>();
  let signature = 1;

  const treeOf = (name: string, revision: string) => `/api/models/${name}/tree/${encodeURIComponent(revision)}`;
  const revisionOf = (name: string, revision: string) => `/api/models/${name}/revision/${encodeURIComponent(revision)}`;
  const routeOf = (name: string, revision: string, path: string) =>
    `/${name}/resolve/${encodeURIComponent(revision)}/${path.split('/').map(encodeURIComponent).join('/')}`;
  const placeOf = (bytes: Uint8Array) => `/store/${sha256Hex(bytes)}`;

  const originOf = (path: string): Origin => (path.startsWith('/store/') ? store : hub);
  function route(path: string, behaviour: Behaviour): void {
    rules.set(path, behaviour);
    originOf(path).script(path, behaviour);
  }

  function refusal({ access }: RepositoryOptions, { headers }: Asked): Reply | null {
    if (access === undefined || headers.authorization === `Bearer ${access.token}`) return null;
    if (access.kind === 'gated') {
      const message = 'Access to this model is restricted. You must be authenticated to access it.';
      return plainReply(401, { 'x-error-code': 'GatedRepo', 'x-error-message': message }, '');
    }
    return plainReply(401, { 'x-error-code': 'RepoNotFound', 'x-error-message': 'Repository not found' }, '');
  }

  function listing(repository: RepositoryOptions): Behaviour {
    const all = Object.entries(repository.files).map(([path, { bytes, isLarge }]) => {
      const blob = {
        type: 'file',
        oid: gitBlobOf(isLarge ? Buffer.from(`pointer ${path}`) : bytes),
        size: bytes.length,
        path,
      };
      const lfs = { oid: sha256Hex(bytes), size: bytes.length, pointerSize: 134 };
      return isLarge ? { ...blob, lfs, xetHash: sha256Hex(Buffer.from(path)) } : blob;
    });
    const items = [{ type: 'directory', oid: '0'.repeat(40), size: 0, path: 'onnx' }, ...all];
    const pageFiles = repository.pageFiles ?? 1000;
    return replying('listing', (asked) => {
      const begin = Number(/[?&]cursor=(\d+)/.exec(asked.url)?.[1] ?? 0);
      const end = begin + pageFiles;
      const next = `<${hub.url}${asked.path}?recursive=true&cursor=${end}>; rel="next"`;
      return refusal(repository, asked) ?? json(items.slice(begin, end), end < items.length ? { link: next } : {});
    });
  }

  function file(repository: RepositoryOptions, { bytes, isLarge }: HubFile): Behaviour {
    const headers: Record<string, string> = repository.isMirror === true ? {} : { 'x-repo-commit': repository.commit };
    if (!isLarge) {
      return replying('small', (asked, was) => {
        return refusal(repository, asked) ?? { ...was, headers: { ...was.headers, ...headers } };
      });
    }
    return replying('large', (asked) => {
      const location = `${store.url}${placeOf(bytes)}?Expires=1&Signature=canary-signature-${signature}`;
      const linked = { 'x-linked-etag': `"${sha256Hex(bytes)}"`, 'x-linked-size': String(bytes.length) };
      const told = repository.isMirror === true ? {} : { ...headers, ...linked };
      return refusal(repository, asked) ?? plainReply(302, { location, ...told }, '');
    });
  }

  /** A store takes its own signature and nothing beside it. */
  const guarded = replying('guarded', (asked, was) => {
    if (asked.headers.authorization !== undefined) return plainReply(400, {}, 'Only one auth mechanism allowed');
    return asked.url.endsWith(`canary-signature-${signature}`) ? was : plainReply(403, {}, 'Request has expired');
  });

  function publish(repository: RepositoryOptions): void {
    const { name, commit, files, revisions = [], isMirror = false } = repository;
    for (const revision of [commit, ...revisions]) {
      route(treeOf(name, revision), listing(repository));
      const told = replying('revision', (asked) => refusal(repository, asked) ?? json({ id: name, sha: commit }));
      if (!isMirror) route(revisionOf(name, revision), told);
      for (const [path, each] of Object.entries(files)) {
        const place = routeOf(name, revision, path);
        hub.put(place, each.isLarge ? new Uint8Array(0) : each.bytes, { etag: `"${gitBlobOf(each.bytes)}"` });
        route(place, file(repository, each));
      }
    }
    for (const { bytes, isLarge } of Object.values(files)) {
      if (!isLarge) continue;
      // The store's tag looks like a digest and is none.
      store.put(placeOf(bytes), bytes, { etag: `"${sha256Hex(Buffer.from(sha256Hex(bytes)))}"` });
      route(placeOf(bytes), guarded);
    }
  }

  const close = async (): Promise<void> => {
    await hub.close();
    await store.close();
  };
  return {
    url: hub.url,
    hub,
    store,
    publish,
    routeOf,
    placeOf,
    treeOf,
    revisionOf,
    expireLinks: () => {
      signature += 1;
    },
    spoil: (path, ...wrong) => {
      const right = rules.get(path);
      originOf(path).script(path, ...(right === undefined ? [] : [always(right)]), ...wrong);
    },
    [Symbol.asyncDispose]: close,
  };
}
