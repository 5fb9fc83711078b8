import { fingerprintOf, type StateImage } from '@lading/core';
import type { JournalImage, JournalRecord } from './ports.js';

/**
 * Takes out of a history what must not leave the machine it was written on. Names, numbers and digests come from the catalog and stay, for the
 * state is made of them. Texts about the world do not: of an address its origin stays, of a path where it begins, of what a server said nothing.
 */
export interface Private {
  /** Folders that are written as `~`, such as the home of the user. */
  readonly homes: readonly string[];
  /** The depot's own folder by all its names, written as `<depot>`. */
  readonly dirs: readonly string[];
  /** Takes out the very secrets that this process was given. */
  readonly redact: (text: string) => string;
}

/** Nothing in here is secret to itself: of a path the reader learns nothing but where it began. */
const GONE = '[redacted]';
const URL_PATTERN = /\b([a-z][a-z0-9+.-]*:)\/\/[^\s"'<>]*/gi;
const OPAQUE_PATTERN = /\b(data|javascript|blob|mailto|about|file|ftp|urn):[^\s"'<>]+/gi;
const QUERY_PATTERN = /[?#][^\s"'<>=]*=[^\s"'<>]*/g;
const USER_PATTERN = /\S+:\S+@(?=[\w.-])/g;
const QUOTED_PATTERN = /"((?:[^"\\]|\\.)*)"|'([^'\s]*)'/g;
const REDIRECT_PATTERN = /(redirects to )\S+?(?=:? |:?$)/g;
/** A header, field or variable that says of itself that it is secret, with what stands behind it. */
const FIELD_PATTERN =
  /\b((?:proxy-)?authorization|(?:set-)?cookie|[\w-]*(?:token|secret|passw(?:or)?d|signature|credential|api[-_]?key|access[-_]?key|x-key|session)[\w-]*|sig)(\s*[=:]\s*)(?:(?:bearer|basic|digest|negotiate)\s+)?[^\s"'<>,]+/gi;
const SCHEME_PATTERN = /\b(bearer|basic|digest|negotiate)\s+[\w.~+/=-]{4,}/gi;
/** Tokens that are known by how they begin: hubs, forges, clouds, and signed claims. */
const TOKEN_PATTERN =
  /\b(?:hf_\w{8,}|gh[pousr]_\w{8,}|github_pat_\w{8,}|glpat-[\w-]{8,}|sk-[\w-]{8,}|xox[abprs]-[\w-]{8,}|(?:AKIA|ASIA)[A-Z0-9]{12,}|AIza[\w-]{20,}|eyJ[\w-]{6,}\.[\w-]+(?:\.[\w-]+)?)/g;
const HOME_PATTERN = /(?:\/home|\/Users|[A-Za-z]:[\\/]Users)[\\/][^\\/\s:'"]+|\/root(?=[/\s:'"]|$)/g;

function originIn(url: string, scheme: string): string {
  const end = /[.,;:!)\]]*$/.exec(url)?.[0] ?? '';
  const rest = url.slice(scheme.length + 2, url.length - end.length);
  if (!/^https?:$/i.test(scheme)) return `${scheme}…${end}`;
  const authority = /^[^/?#]*/.exec(rest)?.[0] ?? '';
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  return `${scheme}//${host}${rest.length > authority.length ? '/…' : ''}${end}`;
}

function replacedAll(text: string, places: readonly string[], by: string): string {
  return places.reduce((left, place) => (place.length < 2 ? left : left.replaceAll(place, by)), text);
}

/** One text without what is private. `names` are those of the catalog, which may stay where they are quoted. */
export function scrubbed(text: string, hidden: Private, names: ReadonlySet<string> = new Set()): string {
  const safe = replacedAll(replacedAll(hidden.redact(text), hidden.dirs, '<depot>'), hidden.homes, '~')
    .replace(URL_PATTERN, originIn)
    .replace(REDIRECT_PATTERN, (all, words: string) => (/ https?:\/\//i.test(all) ? all : `${words}…`))
    .replace(OPAQUE_PATTERN, (_, scheme: string) => `${scheme}:…`)
    .replace(QUERY_PATTERN, '')
    .replace(USER_PATTERN, `${GONE}@`)
    .replace(FIELD_PATTERN, (_, name: string, sign: string) => `${name}${sign}${GONE}`)
    .replace(SCHEME_PATTERN, (_, scheme: string) => `${scheme} ${GONE}`)
    .replace(TOKEN_PATTERN, GONE)
    .replace(HOME_PATTERN, '~');
  return safe.replace(QUOTED_PATTERN, (all, double: string | undefined, single: string | undefined) => {
    if (names.has(double ?? single ?? '')) return all;
    return double === undefined ? "'…'" : '"…"';
  });
}

/** Codes of causes are short words; whatever is none is text. */
const isCode = (text: string): boolean => /^[A-Za-z][A-Za-z0-9_]{0,47}$/.test(text);

/** The names that the catalog gave: of cores and voices and files. */
function namesIn(value: unknown, names: Set<string> = new Set()): ReadonlySet<string> {
  if (typeof value !== 'object' || value === null) return names;
  for (const [key, inner] of Object.entries(value)) {
    if (typeof inner === 'string' && ['core', 'voice', 'id', 'filename', 'file'].includes(key)) names.add(inner);
    else if (key === 'cores' && Array.isArray(inner))
      for (const each of inner) if (typeof each === 'string') names.add(each);
    namesIn(inner, names);
  }
  return names;
}

function withoutPrivate(value: unknown, hidden: Private, names: ReadonlySet<string>): unknown {
  const clean = (text: string) => scrubbed(text, hidden, names);
  const walk = (each: unknown, key: string): unknown => {
    if (typeof each === 'string') {
      if (key === 'message' || key === 'origin') return clean(each);
      if (key === 'detail') return isCode(each) && clean(each) === each ? each : GONE;
      // A validator is the server's own text. That it is the same as before is all that a history needs of it.
      return key === 'validator' ? fingerprintOf(each) : each;
    }
    if (Array.isArray(each)) return each.map((inner) => walk(inner, ''));
    if (typeof each !== 'object' || each === null) return each;
    return Object.fromEntries(Object.entries(each).map(([name, inner]) => [name, walk(inner, name)]));
  };
  return walk(value, '');
}

/** A journal without what is private; it folds to a state that is scrubbed alike. */
export function scrubbedJournal({ snapshot, records }: JournalImage, hidden: Private): JournalImage {
  const names = namesIn([snapshot, records]);
  return {
    snapshot: snapshot === null ? null : (withoutPrivate(snapshot, hidden, names) as StateImage),
    records: records.map((record) => withoutPrivate(record, hidden, names) as JournalRecord),
  };
}
