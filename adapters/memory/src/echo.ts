/** Where the first of these texts ends in a body, counted in bytes; null if none is in it. Texts are ASCII, as headers are. */
export function endOfEcho(body: Uint8Array, texts: readonly string[]): number | null {
  const ends = texts.map((text) => {
    const codes = Array.from(text, (char) => char.charCodeAt(0));
    const at = body.findIndex((byte, start) => byte === codes[0] && codes.every((code, i) => body[start + i] === code));
    return at < 0 ? Number.POSITIVE_INFINITY : at + text.length;
  });
  const first = Math.min(...ends);
  return Number.isFinite(first) ? first : null;
}
