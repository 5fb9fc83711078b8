/**
 * A megabyte of what a careless pattern reads again and again, through everything that reads text of strangers. Each must come to an end: a
 * pattern that looks at each character once takes milliseconds, one that starts anew at each takes hours, and this test's patience is between.
 */
import {
  fileNameDefect,
  idDefect,
  matchesValidator,
  quote,
  readContentRange,
  readHop,
  readJson,
  readManifest,
  redactUrl,
  reprDigest,
  retryAfterMs,
  strongEtag,
  validatorOf,
} from '@lading/core';
import { isReference, readReference, referenceOfCore } from '@lading/huggingface';
import { describe, expect, it } from 'vitest';

const MEGABYTE = 1024 * 1024;
const filled = (piece: string): string => piece.repeat(Math.ceil(MEGABYTE / piece.length));

const texts = [
  ...[
    'a',
    ' ',
    '\t',
    '0',
    '-',
    '/',
    ':',
    '@',
    '%',
    '"',
    '\\',
    '[',
    '{"a":',
    '<',
    '>;',
    ',',
    '=',
    'a:a@',
    '../',
    '%2e',
    '\u202e',
  ],
  ...['W/"', 'bytes 0-', '1, ', '"a" ', 'sha-256=', 'http://', '<a>; rel=', 'hf://a/b@', '\u001b]0;', '\n', '\0', 'é'],
].map((piece) => [JSON.stringify(piece), filled(piece)] as const);

const rules = { base: 'https://example.org/', allowHttp: false };
const readers: Readonly<Record<string, (text: string) => unknown>> = {
  fileNameDefect,
  idDefect,
  quote,
  readContentRange,
  readJson,
  redactUrl,
  isReference,
  readReference,
  referenceOfCore,
  readManifest: (text) => readManifest(text, rules),
  readHop: (text) => readHop(text, 'https://example.org/', rules),
  reprDigest: (text) => reprDigest({ 'repr-digest': text, 'content-digest': text, digest: text }),
  retryAfterMs: (text) => retryAfterMs({ 'retry-after': text, ratelimit: text, date: text }, 0),
  strongEtag: (text) => strongEtag({ etag: text }),
  validatorOf: (text) => validatorOf({ etag: text, 'last-modified': text, date: text }),
  matchesValidator: (text) => matchesValidator(text, { etag: text, 'last-modified': text, date: text }),
};

describe.each(Object.keys(readers))('%s', (name) => {
  it.each(texts)('comes to an end with a megabyte of %s', { timeout: 20_000 }, (_, text) => {
    expect(() => readers[name]?.(text)).not.toThrow();
  });
});
