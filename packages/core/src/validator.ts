/** Headers of a response: lower-case names, repeated ones joined by ", ". */
export type Headers = Readonly<Record<string, string>>;

/** An entity tag that may prove that two partial bodies are of one representation: strong, well-formed (RFC 9110 §8.8.3). */
export function strongEtag(headers: Headers): string | null {
  const tag = headers.etag?.trim();
  return tag !== undefined && /^"[\x21\x23-\x7e\x80-\xff]*"$/.test(tag) ? tag : null;
}

/**
 * What a resume may offer in `If-Range` (RFC 9110 §13.1.5): a strong tag, else a date that is strong because the response is at least a
 * second younger than it and no tag exists (§8.8.2.2). The text is kept unchanged, since it is compared exactly.
 */
export function validatorOf(headers: Headers): string | null {
  if (headers.etag !== undefined) return strongEtag(headers);
  const modified = headers['last-modified'];
  const date = headers.date;
  if (modified === undefined || date === undefined) return null;
  return Date.parse(date) - Date.parse(modified) >= 1000 ? modified : null;
}

/** Whether a response is of the representation that `validator` was issued for; null if it does not say. */
export function matchesValidator(validator: string, headers: Headers): boolean | null {
  const present = validator.startsWith('"') ? headers.etag?.trim() : headers['last-modified'];
  if (present === undefined || present.startsWith('W/')) return null;
  return present === validator;
}
