/** Headers for one origin each, such as a token. */
export type Credentials = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Shorter values are no secrets, and would be found everywhere. */
const LEAST_LENGTH = 4;
const REDACTED = '[redacted]';

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** The values in credentials, in every spelling in which a server may send them back; the longest first. */
export function spellingsOf(credentials: Credentials): readonly string[] {
  const values = Object.values(credentials).flatMap((each) => Object.values(each));
  // A token is also known without the scheme in front of it, and as a URL would spell it.
  const bare = values.flatMap((value) => [value, value.replace(/^\S+\s+/, '')]);
  const all = new Set(bare.flatMap((value) => [value, encodeURIComponent(value), encodeURI(value)]));
  return [...all].filter((value) => value.length >= LEAST_LENGTH).sort((a, b) => b.length - a.length);
}

/** Removes these spellings, in whatever case, from remote text. */
export function redactorOf(spellings: readonly string[]): (text: string) => string {
  if (spellings.length === 0) return (text) => text;
  const pattern = new RegExp(spellings.map(escaped).join('|'), 'gi');
  return (text) => text.replace(pattern, REDACTED);
}

/** The headers of a response as they may be shown and kept. */
export function redactHeaders(
  headers: Readonly<Record<string, string>>,
  redact: (text: string) => string,
): Record<string, string> {
  const safe: Record<string, string> = {};
  for (const name in headers) {
    const text = headers[name] as string;
    // A location is where to go next, not something to show: it stays as it is, and is redacted in messages.
    const shown = name === 'location' ? text : redact(text);
    // A validator that had to be changed is none any more.
    if (shown === text || (name !== 'etag' && name !== 'last-modified')) safe[name] = shown;
  }
  return safe;
}
