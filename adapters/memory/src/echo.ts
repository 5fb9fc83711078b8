/** Where the first of these texts ends in a body, counted in bytes; null if none is in it. Texts are ASCII, as headers are. */
export function endOfEcho(body: Uint8Array, texts: readonly string[]): number | null {
  const ends = texts.map((text) => {
    const at = body.findIndex((_, start) => [...text].every((char, i) => body[start + i] === char.charCodeAt(0)));
    return at < 0 ? Number.POSITIVE_INFINITY : at + text.length;
  });
  const first = Math.min(...ends);
  return Number.isFinite(first) ? first : null;
}
