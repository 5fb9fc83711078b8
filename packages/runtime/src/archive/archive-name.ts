/**
 * Promise: a name that passes is a legal, portable and unambiguous relative path on POSIX and Windows, below the directory it is
 * resolved against. Names are refused, never rewritten. The grammar is the one for file names in manifests plus `!` and inner spaces,
 * because espeak-ng keeps its voice variants in `voices/!v`, one of them called `Mr serious`.
 */
const SEGMENT = /^[A-Za-z0-9!](?:[A-Za-z0-9 ._+@=!-]*[A-Za-z0-9._+@=!-])?$/;
const RESERVED = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?: *\.|$)/i;
/** Names end up as keys of objects in other people's programs. */
const PROTOTYPE_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** Segments of one path: far above any real archive, far below what a file system can nest. */
export const MAX_NAME_SEGMENTS = 16;
/** Bytes of one path: leaves room for the depot's own path below Windows' limit of 260. */
const MAX_NAME_BYTES = 200;

function segmentDefect(segment: string): string | null {
  if (segment === '' || segment === '.' || segment === '..') return `has the segment "${segment}"`;
  if (segment.startsWith('.')) return 'has a segment that begins with a dot (hidden files are not unpacked)';
  if (!SEGMENT.test(segment)) {
    return 'may have only letters, digits, inner spaces and . _ + @ = - !, and each segment must begin with a letter, a digit or !';
  }
  if (segment.endsWith('.')) return 'has a segment that ends in a dot (Windows drops it)';
  if (RESERVED.test(segment)) return 'has a segment that is a device name on Windows';
  if (PROTOTYPE_KEYS.has(segment)) return 'has a segment that JavaScript reserves';
  return null;
}

/** Why `path` (segments joined by `/`, already stripped) is no name for an unpacked file or directory, or null if it is one. */
export function checkArchiveName(path: string): string | null {
  if (path === '') return 'is empty';
  // Characters, not bytes: what passes the grammar below is ASCII, where both are the same.
  if (path.length > MAX_NAME_BYTES) return `is longer than ${MAX_NAME_BYTES} bytes`;
  const segments = path.split('/');
  if (segments.length > MAX_NAME_SEGMENTS) return `has more than ${MAX_NAME_SEGMENTS} segments`;
  for (const segment of segments) {
    const defect = segmentDefect(segment);
    if (defect !== null) return defect;
  }
  return null;
}

/** Two names are one place on a case-insensitive file system if their folds are equal; checked names are ASCII. */
export function foldArchiveName(path: string): string {
  return path.toLowerCase();
}

export type StrippedName =
  | { readonly type: 'name'; readonly name: string }
  /** Nothing is left: the entry lies above the part that is unpacked. */
  | { readonly type: 'consumed' }
  | { readonly type: 'refused'; readonly reason: string };

/**
 * An entry's name without its first `count` components, checked. A leading `./` and the bare `.` are no components: `top/a` and
 * `./top/a` are the same entry, however the archive was packed. The part that is stripped need not follow the grammar (nothing
 * is created by that name), but it must not climb: `x/../../a` is refused before anything is taken off.
 */
export function stripArchiveName(entryName: string, count: number): StrippedName {
  if (entryName.includes('\\') || entryName.includes('\0')) {
    return { type: 'refused', reason: 'has a backslash or a NUL' };
  }
  if (entryName.startsWith('/')) return { type: 'refused', reason: 'is absolute' };
  const trimmed = entryName.replace(/\/$/, '').replace(/^\.\//, '');
  if (trimmed === '') return { type: 'refused', reason: 'is empty' };
  if (trimmed === '.') return { type: 'consumed' };
  const segments = trimmed.split('/');
  const climbing = segments.find((segment) => segment === '' || segment === '.' || segment === '..');
  if (climbing !== undefined) return { type: 'refused', reason: `has the segment "${climbing}"` };
  const name = segments.slice(count).join('/');
  if (name === '') return { type: 'consumed' };
  const reason = checkArchiveName(name);
  return reason === null ? { type: 'name', name } : { type: 'refused', reason };
}
