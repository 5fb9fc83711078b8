import { LIMITS } from './limits.js';

/**
 * The allow-list grammar for ids and file names. What is allowed here is a legal, portable and unambiguous name on every system we run on,
 * so a manifest that is good here is good everywhere. Names are refused, never rewritten. Source: threats that other products met with
 * deny-lists (zip-slip, CVE-2021-32803 and kin).
 */
const SEGMENT = /^[A-Za-z0-9][A-Za-z0-9._+@=-]*$/;
const RESERVED = /^(con|prn|aux|nul|conin\$|conout\$|com[0-9]|lpt[0-9])(\.|$)/i;
const PROTOTYPE_KEYS: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

function segmentDefect(segment: string): string | null {
  if (PROTOTYPE_KEYS.has(segment)) return `the name "${segment}" is reserved by the language`;
  if (!SEGMENT.test(segment)) {
    return 'only letters, digits and . _ + @ = - are allowed, and the first character must be a letter or digit';
  }
  if (segment.endsWith('.')) return 'a name must not end in a dot (Windows drops it)';
  if (RESERVED.test(segment)) return `"${segment}" is a device name on Windows`;
  return null;
}

/** Why a string is no id, or null if it is one. */
export function idDefect(id: string): string | null {
  if (id.length === 0) return 'must not be empty';
  if (id.length > LIMITS.idLength) return `is longer than ${LIMITS.idLength} characters`;
  return segmentDefect(id);
}

/** Why a string is no file name inside a core (segments joined by `/`), or null if it is one. */
export function fileNameDefect(name: string): string | null {
  if (name.length === 0) return 'must not be empty';
  if (name.length > LIMITS.nameBytes) return `is longer than ${LIMITS.nameBytes} bytes`;
  const segments = name.split('/');
  if (segments.length > LIMITS.nameSegments) return `has more than ${LIMITS.nameSegments} segments`;
  for (const segment of segments) {
    const defect = segmentDefect(segment);
    if (defect !== null) return defect;
  }
  return null;
}

/** Two names are the same place on a case-insensitive file system if their folds are equal. Names are ASCII by grammar. */
export function foldName(name: string): string {
  return name.toLowerCase();
}
