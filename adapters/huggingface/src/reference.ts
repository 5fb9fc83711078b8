/**
 * A file of the hub as people write it: `hf://owner/repo@revision/path`. The revision is a branch, a tag or a commit, `main` if it is left out;
 * what a part may not hold plainly is percent-encoded (`refs%2Fpr%2F1`). Models only: data sets and spaces are other namespaces.
 */
export interface Reference {
  readonly owner: string;
  readonly repo: string;
  readonly revision: string;
  /** Segments joined by `/`, decoded. */
  readonly path: string;
}

export type ReferenceReading =
  | { readonly ok: true; readonly reference: Reference }
  | { readonly ok: false; readonly reason: string };

const SCHEME = /^hf:\/\//i;
const NAME = /^[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?$/;
const REVISION = /^[A-Za-z0-9_][A-Za-z0-9._/+-]{0,199}$/;
const COMMIT = /^[0-9a-f]{40}$/;
const MAX_CHARACTERS = 1024;
const OTHER_KINDS: ReadonlySet<string> = new Set(['datasets', 'spaces', 'models']);
const SHAPE = 'write hf://owner/repo@revision/path';

export const isReference = (text: string): boolean => SCHEME.test(text);

/** A commit never moves; every other revision may name another one tomorrow. */
export const isCommit = (revision: string): boolean => COMMIT.test(revision);

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they split headers and change terminals.
const isSegment = (text: string): boolean => !/^\.{0,2}$|[\u0000-\u001f\u007f/\\]/.test(text);

export function readReference(text: string): ReferenceReading {
  const refused = (why: string): ReferenceReading => ({ ok: false, reason: `${why}; ${SHAPE}` });
  if (!isReference(text)) return refused('is no reference to the hub');
  if (text.length > MAX_CHARACTERS) return refused(`has more than ${MAX_CHARACTERS} characters`);
  if (/[?#]/.test(text)) return refused('must not hold a query or a fragment');
  const [owner = '', place = '', ...rest] = text.replace(SCHEME, '').split('/');
  if (OTHER_KINDS.has(owner)) return refused(`names ${owner}; only repositories of models are read, by their owner`);
  const [repo = '', spelled = 'main', ...more] = place.split('@');
  const revision = decoded(spelled);
  if (!NAME.test(owner) || !NAME.test(repo)) return refused('does not name an owner and a repository');
  if (more.length > 0 || revision === null || !REVISION.test(revision) || /\.\.|\/$|\/\//.test(revision)) {
    return refused('has a revision that no repository can have');
  }
  const segments = rest.map(decoded);
  if (segments.length === 0) return refused('does not name a file');
  if (!segments.every((segment) => segment !== null && isSegment(segment))) {
    return refused('has a path that leads nowhere');
  }
  return { ok: true, reference: { owner, repo, revision, path: segments.join('/') } };
}

/** As people write it: reading it again gives the same. */
export function textOf({ owner, repo, revision, path }: Reference): string {
  const segments = path.split('/').map(encodeURIComponent);
  return `hf://${owner}/${repo}@${encodeURIComponent(revision)}/${segments.join('/')}`;
}

/** Percent-encoding with `=` instead of `%`, so that what comes out is legal in an id and two names never become one. */
const escaped = (text: string): string =>
  encodeURIComponent(text)
    .replace(/[!'()*~]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%', '=');

/** The id of the core that one referenced file is. */
export function coreIdOf({ owner, repo, revision, path }: Reference): string {
  return ['hf', owner, `${repo}@${escaped(revision)}`, ...path.split('/').map(escaped)].join('+');
}

/** The reference whose core has this id, or null. */
export function referenceOfCore(id: string): Reference | null {
  const [scheme, owner = '', place = '', ...path] = id.split('+');
  if (scheme !== 'hf') return null;
  const reading = readReference(`hf://${[owner, place, ...path].join('/').replaceAll('=', '%')}`);
  return reading.ok && coreIdOf(reading.reference) === id ? reading.reference : null;
}
