import { describe, expect, it } from 'vitest';
import { matchesValidator, strongEtag, validatorOf } from './validator.js';

const date = 'Fri, 20 Nov 2026 10:00:00 GMT';
const older = 'Fri, 20 Nov 2026 09:59:59 GMT';

describe('what a resume may be bound to', () => {
  it.each([
    ['"abc"', '"abc"'],
    ['  "abc" ', '"abc"'],
    ['"W/abc"', '"W/abc"'],
    ['""', '""'],
    ['"a\u00e9"', '"a\u00e9"'],
    ['W/"abc"', null],
    ['w/"abc"', null],
    ['abc', null],
    ['"abc', null],
    ['"a"b"', null],
    ['"a b"', null],
    ['"a", "b"', null],
    ['"a\r\n b"', null],
    ['', null],
  ])('the entity tag %j counts as %j', (etag, strong) => {
    expect(strongEtag({ etag })).toBe(strong);
    expect(validatorOf({ etag, 'last-modified': older, date })).toBe(strong);
  });

  it('a date counts only without any tag, and only if it is a second older than the response', () => {
    expect(validatorOf({ 'last-modified': older, date })).toBe(older);
    expect(validatorOf({ 'last-modified': date, date })).toBeNull();
    expect(validatorOf({ 'last-modified': older })).toBeNull();
    expect(validatorOf({ 'last-modified': 'yesterday', date })).toBeNull();
    expect(validatorOf({ date })).toBeNull();
    expect(validatorOf({})).toBeNull();
  });

  it('keeps the text of the date unchanged, for it is compared exactly', () => {
    const odd = 'Friday, 20-Nov-26 09:59:59 GMT';
    expect(validatorOf({ 'last-modified': odd, date })).toBe(odd);
    expect(matchesValidator(odd, { 'last-modified': older })).toBe(false);
  });
});

describe('whether a response is of the same file', () => {
  it.each([
    ['"a"', { etag: '"a"' }, true],
    ['"a"', { etag: '"b"' }, false],
    ['"a"', { etag: 'W/"a"' }, null],
    ['"a"', {}, null],
    ['"a"', { 'last-modified': older }, null],
    [older, { 'last-modified': older }, true],
    [older, { 'last-modified': date }, false],
    [older, { etag: '"a"' }, null],
  ])('bytes under %j, response %j: %j', (validator, headers, verdict) =>
    expect(matchesValidator(validator, headers)).toBe(verdict),
  );
});
