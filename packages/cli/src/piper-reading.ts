/**
 * Reads the values of a publisher's catalog one by one. Whatever is not as it must be is reported with its JSON path,
 * and an empty stand-in is returned: so one run names every defect, and nothing made of a stand-in ever gets out.
 */
export interface PiperDefect {
  readonly path: string;
  readonly message: string;
}

/** Thrown for a catalog that cannot be converted; `path` is where the first of its defects lies. */
export class PiperCatalogError extends TypeError {
  override readonly name = 'PiperCatalogError';
  readonly code = 'manifestError';
  readonly remedy =
    "Check that the file is the publisher's voices.json, whole and unchanged, or mend the places named.";
  readonly path: string;
  readonly defects: readonly PiperDefect[];

  constructor(defects: readonly [PiperDefect, ...PiperDefect[]]) {
    const named = defects.slice(0, DEFECTS_IN_MESSAGE).map(({ path, message }) => `${path}: ${message}`);
    if (defects.length > named.length) named.push(`and ${defects.length - named.length} more`);
    super(named.join('; '));
    this.path = defects[0].path;
    this.defects = defects;
  }
}

export type Report = (path: string, message: string) => void;
export type Fields = Readonly<Record<string, unknown>>;

/** `$.files["en/MODEL_CARD"]`: a plain name after a dot, any other in brackets. */
export function pathOf(parent: string, key: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(key) ? `${parent}.${key}` : `${parent}[${quoted(key)}]`;
}

/** Null if it has none: then there is nothing below it to speak of, and one report is enough. */
export function expectFields(value: unknown, path: string, report: Report): Fields | null {
  if (isFields(value)) return value;
  report(path, `expected an object, found ${described(value)}`);
  return null;
}

export function expectText(value: unknown, path: string, report: Report): string {
  // Names end up on terminals, so control and direction characters stay out.
  if (typeof value === 'string' && value.trim() !== '' && !UNPRINTABLE.test(value)) return value;
  report(path, `expected a printable text, found ${described(value)}`);
  return '';
}

export function expectLanguage(value: unknown, path: string, report: Report): string {
  if (typeof value === 'string' && LANGUAGE.test(value)) return value.replaceAll('_', '-');
  report(path, `expected a language code such as "en_US", found ${described(value)}`);
  return '';
}

export function expectSize(value: unknown, path: string, report: Report): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  report(path, `expected a whole number of bytes, found ${described(value)}`);
  return 0;
}

export function expectMd5(value: unknown, path: string, report: Report): string {
  if (typeof value === 'string' && /^[0-9a-f]{32}$/i.test(value)) return value.toLowerCase();
  report(path, `expected an md5 digest of 32 hex digits, found ${described(value)}`);
  return '';
}

/** A name for an id or a file, in ASCII. */
export function expectName(name: string, path: string, report: Report): string {
  const ascii = asciiName(name);
  const refuse = (reason: string) => report(path, `${quoted(name)} cannot become a name: ${reason}`);
  if (!SEGMENT.test(ascii))
    refuse('only letters, digits and . _ + @ = - are allowed, beginning with a letter or digit');
  else if (ascii.endsWith('.')) refuse('Windows drops a dot at the end');
  else if (ascii.length > NAME_LENGTH) refuse(`it is longer than ${NAME_LENGTH} characters`);
  else if (WINDOWS_DEVICE.test(ascii)) refuse('it is a device on Windows');
  else if (PROTOTYPE_NAMES.has(ascii)) refuse('it is reserved by the language');
  return ascii;
}

/** The segments of a relative path in the publisher's repository; none if it is no such path. */
export function expectSegments(file: string, path: string, report: Report): readonly string[] {
  const segments = file.split('/');
  const isPlain = (segment: string) => segment !== '' && segment !== '.' && segment !== '..';
  if (!segments.every(isPlain) || file.includes('\\') || UNPRINTABLE.test(file)) {
    report(path, 'expected a relative path of plain names joined by "/"');
    return [];
  }
  return segments;
}

/**
 * ASCII for a publisher's name. Marks are dropped (`tugão` gives `tugao`); a letter that is none without its mark is
 * written as its code point (`雅` gives `u96c5`), so that one voice in another script does not block all the others.
 */
export function asciiName(name: string): string {
  const unmarked = name
    .normalize('NFD')
    .replace(/[\u0300-\u036f]/g, '')
    .normalize('NFC');
  return unmarked.replace(/[^\p{ASCII}]/gu, (char) =>
    /[\p{L}\p{M}\p{N}]/u.test(char) ? `u${char.codePointAt(0)?.toString(16)}` : char,
  );
}

/**
 * Reports the second claim of a name, and answers whether it was free. Names that differ in case only are one name on
 * half of all disks.
 */
export function claims(report: Report): (name: string, path: string) => boolean {
  const owners = new Map<string, string>();
  return (name, path) => {
    // The stand-in of a name that was reported already.
    if (name === '') return true;
    const owner = owners.get(name.toLowerCase());
    if (owner === undefined) owners.set(name.toLowerCase(), path);
    else report(path, `becomes "${name}", the name that ${owner} has (upper and lower case count as one)`);
    return owner === undefined;
  };
}

/** Entries in the order of their keys, so that the publisher's order does not show in what is made of them. */
export function sortedEntries(fields: Fields): [string, unknown][] {
  return Object.entries(fields).sort(([one], [other]) => compare(one, other));
}

/** By code unit: the order of a locale would differ between machines. */
export function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

export function described(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return quoted(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (Array.isArray(value)) return 'a list';
  return isFields(value) && Object.keys(value).length === 0 ? 'an empty object' : `a value of type ${typeof value}`;
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** As JSON writes it, and with whatever a terminal would obey or hide as an escape too. */
export function quoted(text: string): string {
  return JSON.stringify(text).replace(
    UNPRINTABLE_ALL,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** An import that fails in every voice must not print a thousand lines; `defects` still holds them all. */
const DEFECTS_IN_MESSAGE = 5;
/** Control, format and direction characters, and halves of surrogate pairs, which no URL can carry. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
const UNPRINTABLE_ALL = new RegExp(UNPRINTABLE, 'gu');
const LANGUAGE = /^[A-Za-z]{2,8}([_-][A-Za-z0-9]{1,8})*$/;
const SEGMENT = /^[A-Za-z0-9][A-Za-z0-9._+@=-]*$/;
/** Characters; leaves room for the prefix of an id below the 200 that an id may have. */
const NAME_LENGTH = 180;
const WINDOWS_DEVICE = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/i;
const PROTOTYPE_NAMES: ReadonlySet<string> = new Set(['constructor', 'prototype']);
