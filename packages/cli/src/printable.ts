/**
 * Text that came from outside, made safe to show. Display names, server messages and file names may hold anything; a terminal obeys some of
 * it. Everything the command writes goes through here, so nothing has to remember to.
 */

// biome-ignore-start lint/suspicious/noControlCharactersInRegex: these are what is taken out.
/** Whole escape sequences first, so that no `31m` is left of them: OSC and the other strings, CSI, then the short ones. */
const SEQUENCES =
  /(?:\u001b[\]PX^_]|[\u009d\u0090\u0098\u009e\u009f])[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)?|(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]?|\u001b[ -/]*[0-~]?/g;
const CONTROLS = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g;
/** What JSON writes raw though terminals obey it: DEL and C1. JSON escapes C0 itself. */
const RAW_IN_JSON = /[\u007f-\u009f\u2028\u2029]/g;
// biome-ignore-end lint/suspicious/noControlCharactersInRegex: see above.
/** Characters that turn the direction of what follows, or hide it. */
const DIRECTIONS = /[\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** Without escape sequences, control and direction characters; line breaks stay. */
export function printable(text: string): string {
  return text.replace(SEQUENCES, '').replace(CONTROLS, ' ').replace(DIRECTIONS, '');
}

/** The same on one line. */
export function oneLine(text: string): string {
  return printable(text).replace(/\s*\n\s*/g, ' ');
}

/** One line of JSON that reads back to the same value and holds nothing that a terminal obeys. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(RAW_IN_JSON, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
